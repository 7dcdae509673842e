"""What clusters are written as: a labelled tile index, a scheme to rename them in, and class maps of where they lie."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel import files, maps, raster
from geolabel.embeddings.lattice import placed
from geolabel.progress import log
from geolabel.steps.embed.lattice_raster import numbered, sidecar, write_lattice
from geolabel.steps.prediction import NODATA, class_styles, shown_styles
from geolabel.tiling.index import LABEL_PREFIX, check_replaced, write_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.embeddings.lattice import Placed
    from geolabel.labels.scheme import Scheme
    from geolabel.tiling import TileIndex

_HEAD = """\
# What clusters are to be called: change the titles, and give clusters that are the same thing the same title. Then:
# {command}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where clusters are written."""

    index: Path

    @property
    def scheme(self) -> Path:
        """The scheme (TOML)."""
        return self.index.with_suffix(".toml")

    def maps(self, count: int) -> tuple[Path, ...]:
        """Class maps of so many rasters."""
        return numbered(self.index.with_suffix(".tif"), count)

    def check(self, rasters: int, *, scheme: bool, overwrite: bool, inputs: Sequence[Path]) -> None:
        """Refuse before any work what cannot be written, with maps of so many `rasters`. Raises OutputError."""
        beside = [path for one in self.maps(rasters) for path in (one, sidecar(one), _style(one))]
        for path in (self.index, *beside, *([self.scheme] if scheme else [])):
            files.check_new(path, overwrite=overwrite, inputs=inputs)
        check_replaced(self.index)


def labelled(index: TileIndex, scheme: Scheme, members: NDArray[np.int16], history: str) -> TileIndex:
    """The index with one label a class, 1 or 0; tiles whose class (n,) is below 0 are unknown in all of them."""
    known = members >= 0
    columns = {"known": pa.array(known.astype(np.float32))}
    for number, name in enumerate(scheme.names):
        shares = np.where(known, members == number, np.nan).astype(np.float32)
        columns[LABEL_PREFIX + name] = pa.array(shares)
    return index.unlabelled().with_columns(
        columns,
        scheme=scheme.to_json(),
        label_sources=({"kind": "clusters"},),
        labelling={"columns": []},
        history=(*index.history, history),
    )


def write(
    place: Place, index: TileIndex, scheme: Scheme, members: NDArray[np.int16], *, toml: bool, overwrite: bool
) -> tuple[Path, ...]:
    """Write the labelled index, its maps and, with `toml`, its scheme, all or none; the maps are given back.

    Raises OutputError.
    """
    rasters = placed(index)
    if not rasters:
        log.warning("%s: its tiles do not lie on a grid, so there is no map of the clusters", place.index)
    targets = place.maps(len(rasters))
    with ExitStack() as stack:

        def draft(path: Path) -> Path:
            return stack.enter_context(files.new_file(path, overwrite=overwrite))

        # the first draft gets its name last: where the index is, the others are
        write_index(draft(place.index), index)
        if toml:
            draft(place.scheme).write_text(_toml(scheme, place), encoding="utf-8")
        for one, target in zip(rasters, targets, strict=True):
            drawn = draft(target)
            _write_map(drawn, one, scheme, members)
            draft(sidecar(target)).write_bytes(sidecar(drawn).read_bytes())
            qml = maps.raster_qml(shown_styles(scheme.classes, undecided=False))
            draft(_style(target)).write_text(qml, encoding="utf-8")
    return targets


def _style(target: Path) -> Path:
    return target.with_suffix(".qml")


def _write_map(path: Path, one: Placed, scheme: Scheme, members: NDArray[np.int16]) -> None:
    values = np.where(members >= 0, members + 1, NODATA).astype(np.uint8)
    shown = class_styles(scheme.classes)
    style = raster.BandStyle(
        ("class",),
        nodata=NODATA,
        palette={entry.value: entry.rgb for entry in shown},
        categories={entry.value: entry.title for entry in shown},
        overviews="mode",
    )
    write_lattice(path, one, values, style)


def _toml(scheme: Scheme, place: Place) -> str:
    """The scheme as a file to be edited (docs/formats.md)."""
    command = f"geolabel embed cluster {place.index.name} --rename {place.scheme.name} -o named.parquet"
    lines = [_HEAD.format(command=command), f"name = {_text(scheme.name)}", f"version = {scheme.version}"]
    lines += [f"title = {_text(scheme.title)}"]
    for entry in scheme.classes:
        told = {"name": entry.name, "title": entry.title, "color": entry.color, "group": entry.group}
        lines += ["", "[[class]]", *(f"{key} = {_text(value)}" for key, value in told.items())]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own."""
    return json.dumps(value, ensure_ascii=False)
