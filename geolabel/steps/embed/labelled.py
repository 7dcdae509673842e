"""Tiles of a ground with labels: what an embedder of rasters learns from, or is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel.errors import OptionError
from geolabel.steps.embed.ground import described_split
from geolabel.steps.label import label
from geolabel.steps.tile_rows import index_of
from geolabel.tiling.index import dictionary, write_index
from geolabel.tiling.places import Places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.steps.embed.ground import Drawing, Parts
    from geolabel.tiling import Source

LabelMap = Literal["osm", "clc", "raster", "vector"]
_VAL_SHARE = 4
"""A part that only judges epochs needs a quarter of the tiles."""


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
    """Of each part, at the most; and so many are drawn of the ground."""
    single: tuple[str, ...] = ("knn",)
    multi: tuple[str, ...] = ("knn",)
    repeats: int = 5

    def __post_init__(self) -> None:
        if self.tiles < 2 or self.repeats < 1:  # noqa: PLR2004 - a neighbour is another tile
            raise OptionError(
                f"--validation-tiles must be at least 2 and --repeats at least 1, got {self.tiles} and {self.repeats}"
            )


def write_labelled(
    path: Path, sources: Sequence[Source], parts: Parts, drawing: Drawing, maps: LabelMaps, count: int, seed: int
) -> None:
    """Write an index of `count` tiles drawn of each part, with labels and with its split.

    Raises EmptyError, and what `label` raises; then nothing is left of it.
    """
    rng = np.random.default_rng([seed, 6])
    drawn: list[Places] = []
    names: list[str] = []
    for name, ground in (("train", parts.train), ("val", parts.val), ("test", parts.test)):
        if ground is not None:
            some = ground.random(count if name != "val" else max(2, count // _VAL_SHARE), rng)
            drawn.append(some)
            names += [name] * len(some)
    places = Places.concat(drawn)
    order = np.lexsort((places.col, places.row, places.source))
    places, part = places.take(order), np.array(names)[order]
    sides = np.full(len(places), drawing.size, np.int32)
    columns: dict[str, NDArray[Any]] = {
        "col_off": places.col,
        "row_off": places.row,
        "width": sides,
        "height": sides,
        "valid": np.full(len(places), np.nan, np.float32),
    }
    geometries = [
        info.place.boxes(places.col[here], places.row[here], sides[here], sides[here])
        for number, info in enumerate(parts.train.infos)
        for here in [np.flatnonzero(places.source == number)]
    ]
    tiling = {
        "sampling": "random",
        "size": [drawing.size, drawing.size],
        "min_valid": drawing.min_valid,
        "count": len(places),
        "seed": seed,
    }
    index = index_of([sources[number].path for number in places.source.tolist()], columns, sources, geometries, tiling)
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
    except BaseException:
        path.unlink(missing_ok=True)
        raise
