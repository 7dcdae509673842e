"""Tiles of a ground with labels: what an embedder of rasters learns from, or is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from geolabel.errors import EmptyError, OptionError
from geolabel.steps.drawn import index_of_places
from geolabel.steps.embed.evaluation.encoders import baselines_of
from geolabel.steps.embed.evaluation.scores import Probes
from geolabel.steps.embed.evaluation.tiles import judged_tiles
from geolabel.steps.embed.training.ground import described_split
from geolabel.steps.label import label
from geolabel.tiling.index import dictionary, read_index, write_index
from geolabel.tiling.places import Places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.steps.embed.training.ground import Drawing, Parts
    from geolabel.tiling import Source
    from geolabel.tiling.ground import Ground

LabelMap = Literal["osm", "clc", "raster", "vector"]
_MOST = {"train": 20_000, "val": 4_000}
"""Tiles of the parts that teach, and that judge epochs, at the most."""


@dataclass(frozen=True, slots=True)
class LabelMaps:
    """Maps of classes, as `geolabel label` takes them."""

    osm: tuple[Path, ...] = ()
    clc: tuple[Path, ...] = ()
    raster: tuple[Path, ...] = ()
    vector: tuple[Path, ...] = ()
    field: str | None = None
    layer: str | None = None
    legend: Path | None = None
    scheme: str | None = None
    choice: LabelMap | None = None
    """Of several kinds the one that counts; None: all together, as `geolabel label` merges them."""

    def __post_init__(self) -> None:
        if self.choice is not None and self.paths() and not getattr(self, self.choice):
            raise OptionError(f"--validation-map {self.choice}: no such map is given; name it with --{self.choice}")
        if self.choice is not None and not self.paths():
            raise OptionError(f"--validation-map {self.choice}: give the map itself with --{self.choice} FILE")
        for flag in ("legend", "field", "layer", "scheme"):
            if getattr(self, flag) is not None and not self.paths():
                raise OptionError(f"--{flag} is of maps of labels; name one: --osm, --clc, --raster, --vector")

    @property
    def scheme_file(self) -> Path | None:
        """The scheme, where it is a file."""
        return Path(self.scheme) if self.scheme and self.scheme.endswith(".toml") else None

    def paths(self) -> tuple[Path, ...]:
        """All maps."""
        return (*self.osm, *self.clc, *self.raster, *self.vector)

    def counting(self) -> LabelMaps:
        """Only what counts."""
        if self.choice is None:
            return self
        alone = LabelMaps(scheme=self.scheme)
        match self.choice:
            case "osm":
                return replace(alone, osm=self.osm)
            case "clc":
                return replace(alone, clc=self.clc)
            case "raster":
                return replace(alone, raster=self.raster, legend=self.legend)
        return replace(alone, vector=self.vector, field=self.field, layer=self.layer)


@dataclass(frozen=True, slots=True)
class Judging:
    """How vectors are judged in the end, as `geolabel embed evaluate` does it."""

    tiles: int = 5000
    """Of each part, at the most."""
    single: tuple[str, ...] = ("knn",)
    multi: tuple[str, ...] = ("knn",)
    repeats: int = 5
    baselines: tuple[str, ...] = ("all",)

    def __post_init__(self) -> None:
        baselines_of(self.baselines, None)
        if self.tiles < 2 or self.repeats < 1:  # noqa: PLR2004 - a neighbour is another tile
            raise OptionError(
                f"--validation-tiles must be at least 2 and --repeats at least 1, got {self.tiles} and {self.repeats}"
            )
        Probes(self.single, self.multi, compat=False, seed=0)  # refuses names that nobody knows


def write_labelled(
    path: Path,
    sources: Sequence[Source],
    parts: Parts,
    drawing: Drawing,
    maps: LabelMaps,
    judged: int,
    least: float,
    seed: int,
) -> None:
    """Write an index of tiles of each part, with labels and with its split; of the part that tests, `judged` at most.

    A class needs `least` of a tile to be its label. Tiles do not overlap: neighbours that share pixels would find each
    other. Raises EmptyError, and what `label` raises; then nothing is left of it.
    """
    rng = np.random.default_rng([seed, 6])
    drawn: list[Places] = []
    names: list[str] = []
    for name, ground in (("train", parts.train), ("val", parts.val), ("test", parts.test)):
        if ground is not None:
            some = side_by_side(ground, max(_MOST[name], judged) if name in _MOST else judged, rng)
            drawn.append(some)
            names += [name] * len(some)
    places = Places.concat(drawn)
    order = np.lexsort((places.col, places.row, places.source))
    places, part = places.take(order), np.array(names)[order]
    tiling = {
        "sampling": "random",
        "size": [drawing.size, drawing.size],
        "min_valid": drawing.min_valid,
        "count": len(places),
        "seed": seed,
    }
    index = index_of_places(places, parts.train, sources, parts.train.valid_share(places), tiling)
    index = index.with_columns({"split": dictionary(part.tolist())}, split=described_split(drawing, seed))
    write_index(path, index)
    try:
        counting = maps.counting()
        label(
            path,
            osm=counting.osm,
            clc=counting.clc,
            raster=counting.raster,
            vector=counting.vector,
            field=counting.field,
            layer=counting.layer,
            legend=counting.legend,
            scheme=counting.scheme,
        )
        judged_tiles(read_index(path), path, least)  # what could not be judged in the end is refused now
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def side_by_side(ground: Ground, most: int, rng: np.random.Generator) -> Places:
    """Up to `most` tiles of a ground that do not overlap: of a grid over each raster, drawn alike, in its order."""
    size, parts = ground.size, []
    for number, info in enumerate(ground.infos):
        rows, cols = np.arange(0, info.height - size + 1, size), np.arange(0, info.width - size + 1, size)
        row, col = (axis.ravel().astype(np.int64) for axis in np.meshgrid(rows, cols, indexing="ij"))
        places = Places(np.full(len(row), number, dtype=np.int64), col, row)
        parts.append(places.take(ground.allows(places)))
    every = Places.concat(parts)
    if not len(every):
        raise EmptyError(
            f"no tile of {size} px lies wholly in a part of the ground; lower --size, or give more rasters"
        )
    return every.take(np.sort(rng.permutation(len(every))[:most]))
