"""Print longitude and latitude of the largest mine that volunteers mapped: a place to search others like it from."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas


def main(world: Path) -> str:
    """`lon,lat` of a point inside the largest polygon of class quarry."""
    landuse = geopandas.read_file(world / "osm.gpkg", layer="landuse")
    mines = landuse[landuse["fclass"] == "quarry"].to_crs(landuse.estimate_utm_crs())
    largest = mines.loc[[mines.area.idxmax()]].representative_point().to_crs("EPSG:4326").iloc[0]
    return f"{largest.x:.5f},{largest.y:.5f}"


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1])) + "\n")
