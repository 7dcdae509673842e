"""Detections: the polygons of a map's classes, with what the pixels inside say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = ("geometries", "class_index", "pixels", "mean_probability", "max_probability")


@dataclass(frozen=True, slots=True)
class Detections:
    """One row a detection, sorted by class, then top row, then left column."""

    geometries: NDArray[Any]
    """(n,) shapely Polygons, holes included, in the grid's CRS."""
    class_index: NDArray[np.int32]
    """(n,) position of the class, from 0."""
    pixels: NDArray[np.int64]
    """(n,) pixels of the class; filled holes do not count."""
    mean_probability: NDArray[np.float64]
    """(n,) mean over the pixels, 0 to 1; NaN where the map only says classes."""
    max_probability: NDArray[np.float64]
    """(n,) highest among the pixels, 0 to 1, or NaN."""
    overlap: bool = True
    """Whether detections of different classes may overlap; those of one class never do."""

    def __post_init__(self) -> None:
        rows = {len(getattr(self, name)) for name in _COLUMNS}
        if len(rows) > 1:
            raise ValueError(f"columns of different lengths: {sorted(rows)}")

    def __len__(self) -> int:
        return len(self.geometries)

    def take(self, chosen: NDArray[np.bool_]) -> Detections:
        """The detections that are True in `chosen`: (n,)."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})
