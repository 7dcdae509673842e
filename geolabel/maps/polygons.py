"""Class presence, or maps of classes, to polygons, strip by strip, as if the whole raster had been outlined at once.

All of it happens in pixel coordinates, which are whole numbers: no crack and no sliver can come of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from geolabel.maps.detections import Detections
from geolabel.maps.holes import absorb
from geolabel.maps.patches import Closed, Patches, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid


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

    @property
    def shape(self) -> tuple[int, ...]:
        """Classes, rows, width."""
        return self.presence.shape


@dataclass(frozen=True, slots=True)
class ClassStrip:
    """Full-width rows of maps, each of which says one class for each pixel: of several dates, say."""

    row_off: int
    """First row."""
    number: NDArray[np.uint8]
    """(maps, rows, width): the number of the class, from 1; 0 where there is none."""

    def __post_init__(self) -> None:
        if self.number.ndim != 3 or 0 in self.number.shape:  # noqa: PLR2004 - maps, rows, columns
            raise ValueError(f"a strip of classes is (maps, rows, width), got {self.number.shape}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Maps, rows, width."""
        return self.number.shape


_S = TypeVar("_S", Strip, ClassStrip)


def outline(
    strips: Iterable[Strip],
    grid: Grid,
    *,
    scale: float = 1.0,
    min_pixels: int = 1,
    seeds: Sequence[float] = (),
    fill_pixels: int = 0,
) -> Detections:
    """Outline every 4-connected patch of every class that has `min_pixels` or more.

    With `seeds`, one a class, in the unit of the strips' probability, only patches that reach it somewhere (hysteresis:
    presence says how far they grow). Holes of fewer than `fill_pixels` vanish; patches of the class inside them become
    part of the patch around them, the pixels between do not count. Strips come from the top down without gaps and end
    at the grid's last row. Memory: one strip, the runs of the patches that reach its last row (as many again wait to be
    outlined), and the result, which does not depend on how the rows are cut into strips. Raises ValueError where strips
    leave gaps or do not fit the grid.
    """
    classes: list[Patches] = []
    overlap = False
    for strip in _checked(strips, grid):
        least = seeds or [-np.inf] * len(strip.presence)
        classes = classes or [Patches(grid, Wanted(min_pixels, seed, fill_pixels)) for seed in least]
        for patches, presence, probability in zip(classes, strip.presence, strip.probability, strict=True):
            patches.go_on(presence.view(np.uint8), probability, strip.row_off)
        if len(classes) > 1 and not overlap:  # a hole that is filled may hold another class
            overlap = fill_pixels > 0 or bool((np.count_nonzero(strip.presence, axis=0) > 1).any())
    found = [absorb(patches.end()) for patches in classes]
    index = np.repeat(np.arange(len(found), dtype=np.int32), [len(closed.pixels) for closed in found])
    closed = Closed.join(found)
    return _detections(closed, index, closed.total * scale / closed.pixels, closed.highest * scale, overlap=overlap)


def outline_classes(
    strips: Iterable[ClassStrip], grid: Grid, *, min_pixels: int = 1, fill_pixels: int = 0
) -> list[Detections]:
    """Outline every 4-connected patch of one class that has `min_pixels` or more, in each of some maps of classes.

    As `outline`, with all classes followed at once; probabilities are NaN. Holes of fewer than `fill_pixels` vanish
    with all that lies in them, whatever its class, so that patches of a map never overlap.
    """
    each: list[Patches] = []
    for strip in _checked(strips, grid):
        each = each or [Patches(grid, Wanted(min_pixels, fill_pixels=fill_pixels)) for _ in strip.number]
        for patches, number in zip(each, strip.number, strict=True):
            patches.go_on(number, None, strip.row_off)
    found = []
    for patches in each:
        closed = absorb(patches.end())
        unknown = np.full(len(closed.pixels), np.nan)
        found.append(_detections(closed, closed.value.astype(np.int32) - 1, unknown, unknown, overlap=False))
    return found


def _checked(strips: Iterable[_S], grid: Grid) -> Iterator[_S]:
    """The strips, each known to fit the grid and the one before it."""
    row, classes = 0, None
    for strip in strips:
        count, rows, width = strip.shape
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


def _detections(
    closed: Closed,
    index: NDArray[np.int32],
    mean: NDArray[np.float64],
    highest: NDArray[np.float64],
    *,
    overlap: bool,
) -> Detections:
    """In the order that detections have."""
    order = np.lexsort([closed.first, closed.left, closed.top, index])
    geometries, pixels = closed.geometries[order], closed.pixels[order]
    return Detections(geometries, index[order], pixels, mean[order], highest[order], overlap)
