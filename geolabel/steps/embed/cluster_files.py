"""What clusters are written as: a labelled tile index, a scheme to rename them in, and class maps of where they lie."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel import files, maps, raster
from geolabel.embeddings.lattice import Placed, placed
from geolabel.progress import log
from geolabel.steps.prediction import NODATA, class_styles, shown_styles
from geolabel.tiling.index import LABEL_PREFIX, write_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme
    from geolabel.tiling import TileIndex

_ROWS = 512
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
        one = self.index.with_suffix(".tif")
        return (one,) if count == 1 else tuple(one.with_suffix(f".{number}.tif") for number in range(1, count + 1))

    def check(self, *, scheme: bool, overwrite: bool, inputs: Sequence[Path]) -> None:
        """Refuse before any work what cannot be written. Raises OutputError."""
        for path in (self.index, *self.maps(1), *map(_style, self.maps(1)), *([self.scheme] if scheme else [])):
            files.check_new(path, overwrite=overwrite, inputs=inputs)


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
    """Write the labelled index, its maps and, with `toml`, its scheme; the maps are given back. Raises OutputError."""
    rasters = placed(index)
    if not rasters:
        log.warning("%s: its tiles do not lie on a grid, so there is no map of the clusters", place.index)
    targets = place.maps(len(rasters)) if rasters else ()
    with ExitStack() as stack:
        if toml:
            draft = stack.enter_context(files.new_file(place.scheme, overwrite=overwrite))
            draft.write_text(_toml(scheme, place), encoding="utf-8")
        for one, target in zip(rasters, targets, strict=True):
            # the sidecar that names the classes belongs to the map: both are drafts in one folder
            folder = stack.enter_context(files.new_file(target, overwrite=overwrite))
            _write_map(folder, one, scheme, members)
            sidecar = target.with_name(f"{target.name}.aux.xml")
            stack.enter_context(files.new_file(sidecar, overwrite=overwrite)).write_bytes(
                folder.with_name(f"{folder.name}.aux.xml").read_bytes()
            )
            stack.enter_context(files.new_file(_style(target), overwrite=overwrite)).write_text(
                maps.raster_qml(shown_styles(scheme.classes, undecided=False)), encoding="utf-8"
            )
        write_index(place.index, index, overwrite=overwrite)
    return tuple(targets)


def _style(target: Path) -> Path:
    return target.with_suffix(".qml")


def _write_map(path: Path, one: Placed, scheme: Scheme, members: NDArray[np.int16]) -> None:
    values = np.where(members >= 0, members + 1, NODATA).astype(np.uint8)
    laid = one.lattice.laid(values[one.members], NODATA)
    shown = class_styles(scheme.classes)
    style = raster.BandStyle(
        ("class",),
        nodata=NODATA,
        palette={entry.value: entry.rgb for entry in shown},
        categories={entry.value: entry.title for entry in shown},
        overviews="mode",
    )
    with raster.write_cog(path, one.lattice.grid, style) as writer:
        for top in range(0, len(laid), _ROWS):
            writer.write(top, laid[None, top : top + _ROWS])


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
