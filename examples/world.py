"""Make the made-up world that the examples work on: two dates of a mining front, and what volunteers mapped of it.

    python world.py world

With files of your own leave this out, and name them where the examples name world/….
"""

from __future__ import annotations

import sys
from pathlib import Path

from geolabel.steps.demo_world import write_world

SIDE_PX = 1024
SEED = 7


def main(folder: Path) -> None:
    """Write the world into a new folder: before.tif, after.tif, osm.gpkg, landcover.tif, and the truth."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    write_world(folder, SIDE_PX, SEED)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "world"))
