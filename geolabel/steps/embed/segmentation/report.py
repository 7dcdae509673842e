"""What `geolabel embed segment` says it made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class WayRow:
    """How one way tells the pixels of test blocks."""

    way: str
    """A probe; `colours`: a random forest on a pixel's own bands; `majority`: always the most frequent class."""
    mean_iou: float
    mean_iou_deviation: float | None
    """Over the folds; None where there are none."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class SegmentClass:
    """One class."""

    name: str
    area_ha: float
    """On the map."""
    labelled_pixels: int | None = None
    """In the whole raster; None where an earlier probe was taken."""
    sampled_pixels: int | None = None
    iou: float | None = None
    """Of the probe that drew the map, on test blocks."""
    iou_colours: float | None = None


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What was made."""

    output: Path
    probe: str
    """That drew the map."""
    features: int
    """Of a pixel."""
    tiles_apart_px: int | None
    """Where the network was asked tile by tile; None: by its trunk's maps."""
    pixels_tested: int | None
    ways: tuple[WayRow, ...]
    classes: tuple[SegmentClass, ...]
    doubts: tuple[str, ...] = ()
    """What a reader of the scores should know, a sentence each."""
