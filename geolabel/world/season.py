"""What differs between two acquisitions beside the land itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Season:
    """One date's weather, water and instrument."""

    dryness: float
    """How far pastures have dried, 0-1."""
    silt: float
    """Brightness of the river, as a factor."""
    haze: float
    """Mean veil in the blue, reflectance."""
    cloud_share: float
    """Share of the scene under opaque cloud, 0-1."""
    shadow_x: int
    """Columns from a cloud to its shadow."""
    shadow_y: int
    """Rows from a cloud to its shadow."""
    gain: tuple[float, float, float, float]
    """Calibration of each band, as a factor."""
    wedge: str
    """Corner outside the swath: "south-east" or "north-west"."""


# The sun stands in the north-east in the morning, lower in July than in September, so
# shadows fall to the south-west and the earlier date's are longer.
BEFORE = Season(0.25, 1.0, 0.007, 0.037, -15, 17, (1.0, 1.0, 1.0, 1.0), "south-east")
AFTER = Season(0.70, 1.08, 0.014, 0.046, -17, 10, (1.03, 1.02, 0.98, 0.96), "north-west")
