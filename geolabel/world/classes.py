"""The bands and the eight land-cover classes of the synthetic world."""

from __future__ import annotations

from dataclasses import dataclass

BANDS = ("blue", "green", "red", "nir")
"""Band order of every image: Sentinel-2's B02, B03, B04, B08."""

FOREST, WATER, SAND, FARMLAND, CLEARING, ROAD, RESIDENTIAL, QUARRY = range(1, 9)


@dataclass(frozen=True, slots=True)
class WorldClass:
    """One land-cover class."""

    code: int
    """Value in the truth rasters, 1-255; 0 is left for "nothing said"."""
    name: str
    """Machine name, also OSM's value where OSM has one."""
    title: str
    """Name for people."""
    color: str
    """Legend colour, ``#rrggbb``."""


CLASSES: tuple[WorldClass, ...] = (
    WorldClass(FOREST, "forest", "Forest", "#1f6b3a"),
    WorldClass(WATER, "water", "Water", "#2f7fc1"),
    WorldClass(SAND, "sand", "Sand bar", "#f2e3a6"),
    WorldClass(FARMLAND, "farmland", "Farmland", "#b9cf5a"),
    WorldClass(CLEARING, "clearing", "Fresh clearing", "#a8673f"),
    WorldClass(ROAD, "road", "Road", "#5b5b5b"),
    WorldClass(RESIDENTIAL, "residential", "Village", "#d9489b"),
    WorldClass(QUARRY, "quarry", "Mine", "#f28c1e"),
)
