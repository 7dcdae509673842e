"""What a raster may ask of the memory, whatever its header says: the figures, and why they are what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.raster.describe import RasterInfo

MOST_BLOCK_BYTES = 256 << 20
"""Of one block, decoded: GDAL decodes a block whole, and holds it twice meanwhile. A few kilobytes of zeros may stand
for gigabytes (a decompression bomb), and a scene that is one compressed strip is no better. The blocks of any sensible
file have less than a tenth of this."""
MOST_CHIP_PX = 1 << 24
"""Of one chip, 4096 × 4096: chips are decoded whole, many at a time."""


def check_block(path: Path | str, dataset: Any) -> None:
    """Raise InputError where an open raster is stored in blocks that memory should not have to hold."""
    height, width = dataset.block_shapes[0]
    together = dataset.count if dataset.interleaving and dataset.interleaving.name == "pixel" else 1
    needed = height * width * together * max(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    if needed > MOST_BLOCK_BYTES:
        raise InputError(
            f"{path}: is stored in blocks of {width} × {height} px, of which each takes {needed / 1e9:.1f} GB; "
            "store it in smaller ones: gdal_translate -of COG in.tif out.tif"
        )


def check_chip(info: RasterInfo) -> None:
    """Raise InputError where a chip is too large to be one."""
    if info.width * info.height > MOST_CHIP_PX:
        raise InputError(
            f"{info.path}: of {info.width} × {info.height} px is too large for a chip; tile it as a raster"
        )
