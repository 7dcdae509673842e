"""Class presence to polygons, strip by strip, as if the whole raster had been outlined at once.

A component that crosses strip edges is held back in pieces until no row below can add to it, then united.
All of it happens in pixel coordinates, which are whole numbers: no crack and no sliver can come of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from affine import Affine
from scipy import ndimage

from geolabel.grid import Grid
from geolabel.maps.detections import Detections
from geolabel.maps.seams import Closed, Open, Pieces, advance
from geolabel.raster import polygonise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Strip:
    """Full-width rows of a map."""

    row_off: int
    """First row."""
    presence: NDArray[np.bool_]
    """(classes, rows, width): where each class is detected; classes may overlap."""
    probability: NDArray[Any]
    """(classes, rows, width): the probability, divided by the scale."""

    def __post_init__(self) -> None:
        if self.presence.shape != self.probability.shape:
            raise ValueError(f"presence {self.presence.shape}, but probability {self.probability.shape}")
        if self.presence.ndim != 3 or 0 in self.presence.shape[1:]:  # noqa: PLR2004 - classes, rows, columns
            raise ValueError(f"a strip is (classes, rows, width), got {self.presence.shape}")


def outline(strips: Iterable[Strip], grid: Grid, *, scale: float = 1.0, min_pixels: int = 1) -> Detections:
    """Outline every 4-connected patch of every class that has `min_pixels` or more.

    Strips come from the top down without gaps and end at the grid's last row. Memory: one strip, the patches
    that reach its last row, and the result. The result does not depend on how the rows are cut into strips,
    but for the last bits of a mean over float probabilities. Raises ValueError where strips leave gaps or do
    not fit the grid.
    """
    working: list[Open] = []
    done: list[list[Closed]] = []
    for strip in _checked(strips, grid):
        for index in range(len(strip.presence)):
            if index == len(working):
                working.append(Open.nothing(grid.width))
                done.append([])
            labels, pieces = _pieces(strip, index, min_pixels)
            working[index], closed = advance(working[index], pieces, labels[0], labels[-1], min_pixels)
            done[index].append(_placed(closed, grid))
    for index, still in enumerate(working):
        done[index].append(_placed(still.close(min_pixels), grid))
    return _detections([Closed.join(closed).sorted() for closed in done], scale)


def _checked(strips: Iterable[Strip], grid: Grid) -> Iterator[Strip]:
    """The strips, each known to fit the grid and the one before it."""
    row, classes = 0, None
    for strip in strips:
        count, rows, width = strip.presence.shape
        classes = count if classes is None else classes
        if strip.row_off != row or width != grid.width or row + rows > grid.height or count != classes:
            raise ValueError(
                f"want row {row}, width {grid.width}, {classes} classes, {grid.height - row} rows at most; "
                f"the strip has row {strip.row_off}, width {width}, {count} classes and {rows} rows"
            )
        row += rows
        yield strip
    if row != grid.height:
        raise ValueError(f"the strips end at row {row}, the grid at {grid.height}")


def _pieces(strip: Strip, index: int, min_pixels: int) -> tuple[NDArray[np.int32], Pieces]:
    """Patches of one class within a strip: labels (rows, width), 0 outside, and a row for each label.

    One row stands for all where there is no patch.
    """
    _, rows, width = strip.presence.shape
    if not strip.presence[index].any():  # most strips of a rare class
        return np.zeros((1, width), dtype=np.int32), Pieces.nothing()
    labels = np.empty((rows, width), dtype=np.int32)
    count = int(ndimage.label(strip.presence[index], output=labels))
    inside = np.flatnonzero(labels)
    label, value = labels.ravel()[inside], strip.probability[index].ravel()[inside]
    pixels = np.bincount(label, minlength=count + 1)
    total = np.bincount(label, weights=value, minlength=count + 1).astype(np.float64)
    highest = np.zeros(count + 1, dtype=value.dtype)
    np.maximum.at(highest, label, value)

    # Too small, and away from both edges, where it might have gone on: not worth an outline.
    wanted = pixels >= min_pixels
    wanted[labels[0]] = wanted[labels[-1]] = True
    wanted[0] = False
    geometries = np.full(count + 1, None, dtype=object)
    polygons, values = _outlines(labels, wanted, strip.row_off)
    geometries[values] = polygons
    number = np.arange(count, dtype=np.int64)
    return labels, Pieces(
        geometries[1:],
        number,
        pixels[1:],
        total[1:],
        highest[1:].astype(np.float64),
        rank=strip.row_off * width + number,
        row_off=np.full(count, strip.row_off),
    )


def _outlines(
    labels: NDArray[np.int32], wanted: NDArray[np.bool_], row_off: int
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Outlines of the wanted labels in (col, row) of the whole raster, and the label of each."""
    rows, width = labels.shape
    pixel_grid = Grid("", Affine.translation(0, row_off), width, rows)
    return polygonise(labels if wanted[1:].all() else np.where(wanted[labels], labels, 0), pixel_grid)


def _placed(closed: Closed, grid: Grid) -> Closed:
    """Closed patches with their outlines in the grid's CRS, each ring starting at a settled vertex."""

    def place(col_row: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(grid.xy(col_row[:, 0], col_row[:, 1]))

    return closed.with_geometries(shapely.normalize(shapely.transform(closed.geometries, place)))


def _detections(by_class: list[Closed], scale: float) -> Detections:
    joined = Closed.join(by_class)
    index = np.repeat(np.arange(len(by_class), dtype=np.int32), [len(closed.pixels) for closed in by_class])
    mean = joined.total * scale / joined.pixels
    return Detections(joined.geometries, index, joined.pixels, mean, joined.highest * scale)
