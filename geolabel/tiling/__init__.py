"""Tiles: where they lie (sampling), which of them learn and which test (split), and their index on disk."""

from geolabel.tiling.described import Source
from geolabel.tiling.index import TileIndex, read_index, write_index
from geolabel.tiling.sampling import TileWindows, grid_windows

__all__ = ["Source", "TileIndex", "TileWindows", "grid_windows", "read_index", "write_index"]
