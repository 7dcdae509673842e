"""`report.html`: detections or alerts on a page to look at, beside every map that geolabel writes."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import files, geodesy
from geolabel.steps.chips import AFTER, BEFORE
from geolabel.steps.map_page_plots import headline, plots
from geolabel.steps.quicklook import Dated, display_grid, look_of, placed_on, quicklook
from geolabel.views.map_page import Backdrop, Frame, MapPage, document, shown_columns
from geolabel.views.words import GREY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.vector import Layer

_MOST_ROWS = 20_000
"""A page of more is slow to open."""
_PICTURES, _CHIP_PX, _CHIP_QUALITY = 300, 160, 78
_IMAGE_BYTES, _IMAGES_BYTES = 700_000, 6_000_000
"""At the most, of one image and of all."""
_TOLERANCE_PX = 0.25
_DEGREE_M = 111_320.0
_LATTICES, _LATTICE_PX = (8, 16, 32, 64), 0.1
"""Meshes along each axis, and how far from its place a coordinate read between their nodes may lie."""


def write_map_page(
    path: Path,
    *,
    title: str,
    layer: Layer,
    images: Sequence[Dated],
    chips: Path | None = None,
    facts: Sequence[tuple[str, str]] = (),
    attribution: Sequence[str] = (),
    about: str = "",
) -> None:
    """Write a page of a layer of alerts or detections over its images; one file that loads nothing.

    `images` come by date; two or more are compared by a slider. `chips` is the folder of `write_chips`. `facts` (value,
    what it is) are shown after the headline numbers. A layer of more than 20,000 rows is cut to the surest. Raises
    OutputError, InputError (an image is truncated), CRSError (it has no place).
    """
    kept = _surest(layer, _MOST_ROWS)
    grid = display_grid(images[-1].info.place, kept)
    most_bytes = min(_IMAGE_BYTES, _IMAGES_BYTES // len(images))
    ids = _ids(kept)
    pictures = {} if chips is None else _pictures(chips, kept, ids)
    page = MapPage(
        title=title,
        about=about,
        name=kept.name,
        facts=(*headline(layer), *facts),
        frame=_frame(grid),
        images=tuple(_backdrop(image, grid, most_bytes) for image in images),
        outlines=_outlines(grid, kept),
        colors=kept.columns.get("color", np.full(len(ids), GREY, dtype=object)),
        ids=ids,
        columns=tuple(shown_columns(kept.columns)),
        chips=pictures,
        charts=plots(layer),
        notes=tuple(_notes(layer, kept, grid, len(pictures), attribution)),
    )
    with files.new_file(path) as draft:
        draft.write_text(document(page), encoding="utf-8")


def _sureness(layer: Layer) -> NDArray[np.float64]:
    """(n,) confidence of alerts, probability of detections; 0 where there is none."""
    for name in ("confidence", "probability"):
        if name in layer.columns:
            return np.nan_to_num(layer.columns[name].astype(np.float64))
    return np.zeros(len(layer.geometries))


def _surest(layer: Layer, most: int) -> Layer:
    if len(layer.geometries) <= most:
        return layer
    rows = np.sort(np.argsort(-_sureness(layer), kind="stable")[:most])
    columns = {name: values[rows] for name, values in layer.columns.items()}
    return replace(layer, geometries=layer.geometries[rows], columns=columns)


def _ids(layer: Layer) -> NDArray[np.object_]:
    """Ids of alerts; detections are counted from 1."""
    if "alert_id" in layer.columns:
        return np.array([str(name) for name in layer.columns["alert_id"]], dtype=object)
    return np.array([str(number) for number in range(1, len(layer.geometries) + 1)], dtype=object)


def _backdrop(image: Dated, grid: Grid, most_bytes: int) -> Backdrop:
    look = look_of(image.info)
    date = "" if image.date is None or np.isnat(image.date) else str(image.date.astype("datetime64[D]"))
    name = image.name or image.info.path.name
    return Backdrop(image.title, date, name, look.caption, quicklook(look, grid, most_bytes))


def _outlines(grid: Grid, layer: Layer) -> NDArray[Any]:
    """The layer in the grid's pixels, as simple as nobody sees."""

    def to_pixels(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(grid.col_row(xy[:, 0], xy[:, 1]))

    pixels = shapely.transform(placed_on(grid, layer), to_pixels)
    return np.asarray(shapely.simplify(pixels, _TOLERANCE_PX, preserve_topology=True), dtype=object)


def _frame(grid: Grid) -> Frame:
    """Where the page's pixels lie, on a lattice as dense as straight lines between its nodes need it."""
    gsd_m = float(np.mean(grid.gsd_m))
    for cells in _LATTICES:
        lon, lat = _lonlat(grid, 2 * cells)  # with the middles of its meshes, by which it is judged
        bend = [np.abs((node[::2, :-2:2] + node[::2, 2::2]) / 2 - node[::2, 1::2]).max() for node in (lon, lat)]
        sag = [np.abs((node[:-2:2, ::2] + node[2::2, ::2]) / 2 - node[1::2, ::2]).max() for node in (lon, lat)]
        if not (np.array(bend) + sag > _LATTICE_PX * gsd_m / _DEGREE_M).any():  # NaN will not get better
            break
    north_deg = _north(grid, np.array([grid.width / 2]), np.array([grid.height / 2]))
    return Frame(grid.width, grid.height, gsd_m, north_deg, lon[::2, ::2], lat[::2, ::2])


def _lonlat(grid: Grid, cells: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Degrees (cells + 1, cells + 1) at the nodes of a lattice, without a leap at the antimeridian."""
    cols, rows = np.meshgrid(np.linspace(0, grid.width, cells + 1), np.linspace(0, grid.height, cells + 1))
    x, y = grid.xy(cols.ravel(), rows.ravel())
    lon, lat = geodesy.reproject_where_possible(x, y, grid.crs, "EPSG:4326").T.reshape(2, cells + 1, cells + 1)
    lon += 360 * np.round((lon[cells // 2, cells // 2] - lon) / 360)
    return lon, lat


def _north(grid: Grid, col: NDArray[np.float64], row: NDArray[np.float64]) -> float:
    """Degrees by which north is turned from up, clockwise, at a pixel."""
    lon, lat = geodesy.reproject_where_possible(*grid.xy(col, row), grid.crs, "EPSG:4326").T
    x, y = geodesy.reproject_where_possible(lon, np.minimum(lat + 0.001, 90), "EPSG:4326", grid.crs).T
    to_col, to_row = grid.col_row(x, y)
    turn = float(np.degrees(np.arctan2(to_col - col, row - to_row))[0])
    return round(turn, 2) if np.isfinite(turn) else 0.0


def _pictures(folder: Path, layer: Layer, ids: NDArray[np.object_]) -> dict[int, tuple[bytes, bytes]]:
    """Chips before and after of the surest rows that have some, small."""
    found: dict[int, tuple[bytes, bytes]] = {}
    for row in np.argsort(-_sureness(layer), kind="stable").tolist():
        before, after = (_small(folder / f"{ids[row]}-{when}.jpg") for when in (BEFORE, AFTER))
        if before or after:
            found[row] = (before, after)
        if len(found) == _PICTURES:
            break
    return dict(sorted(found.items()))


def _small(path: Path) -> bytes:
    from PIL import Image

    if not path.is_file():
        return b""
    stream = io.BytesIO()
    with Image.open(path) as picture:
        picture.resize((_CHIP_PX, _CHIP_PX), Image.Resampling.LANCZOS).save(stream, "WEBP", quality=_CHIP_QUALITY)
    return stream.getvalue()


def _notes(layer: Layer, kept: Layer, grid: Grid, pictures: int, attribution: Sequence[str]) -> list[str]:
    """What is simpler here than in the files, and whose data it is."""
    gsd_m = float(np.mean(grid.gsd_m))
    notes = [
        f"Outlines are simplified to a quarter of this page's pixel ({gsd_m:.3g} m); areas are those of the full "
        "outlines, which are in the GeoPackage beside this page. Nothing on this page is loaded from elsewhere, and "
        "nothing leaves it."
    ]
    if len(kept.geometries) < len(layer.geometries):
        notes.append(
            f"Shown are the {len(kept.geometries):,} surest of {len(layer.geometries):,}; the numbers on top and the "
            "plots are of all of them."
        )
    if pictures == _PICTURES:
        notes.append(f"Cards have pictures for the {pictures} surest.")
    if attribution:
        notes.append("Data: " + "; ".join(attribution))
    return notes
