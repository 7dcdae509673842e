"""`geolabel dehaze --dry-run`: what it would write and take, from a part in the middle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster
from geolabel.grid import Window
from geolabel.steps.dehazing.passes import made
from geolabel.steps.dehazing.source import STRIP_ROWS, Strip, lane_cols
from geolabel.steps.dehazing.tone import Tones, Veil
from geolabel.tones.veil import CELL_PX

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.haze import DarkChannel
    from geolabel.raster import RasterInfo
    from geolabel.steps.dehazing.source import Source

_MB = 1e6


@dataclass(frozen=True, slots=True)
class DehazePlan:
    """What would be written and taken on this machine: a part was read and worked on as if it were hazy."""

    raster: str
    output: Path
    width: int
    height: int
    bands: int
    passes: int
    """Ways through the raster."""
    read_mb: float
    """Uncompressed, all ways together."""
    write_mb: float
    seconds: float


def estimate(source: Source, output: Path, settings: DarkChannel, contrast: str, shadows: float) -> DehazePlan:
    """Read, work on and write a part in the middle; nothing stays."""
    info, seen = source.info, source.in_colour.info
    rows, cols = min(info.height, STRIP_ROWS), min(info.width, lane_cols(info, STRIP_ROWS, 0))
    top, left = (info.height - rows) // 2, (info.width - cols) // 2
    window = Window(left, top, cols, rows)
    look_s, (shown, _) = _read(seen, window)
    read_s, (pixels, valid) = _read(info, window)
    began = time.perf_counter()
    cells = (-(-info.height // CELL_PX), -(-info.width // CELL_PX))
    values = source.physical(pixels)
    finite = source.seen(pixels, values, valid)
    light = np.full(len(values), max(float(values.max(where=finite, initial=0)), 1e-6))
    veil = Veil(light, np.full(cells, 0.5), settings)
    core = (slice(0, rows), slice(0, cols))
    strip = Strip(pixels, valid, slice(top, top + rows), slice(left, left + cols), core)
    result = made(source, Tones(veil, float(light[0]), shadows), strip)
    work_s = time.perf_counter() - began
    began = time.perf_counter()
    with files.scratch() as scratch:
        trial = scratch / "trial.tif"
        style = raster.BandStyle(("",) * len(info.bands), info.dtype, nodata=info.nodata, like=info)
        with raster.write_cog(trial, info.place.part(window), style) as writer:
            writer.write(0, result.pixels, valid if info.mask == "mask" else None)
        size = trial.stat().st_size
    write_s = time.perf_counter() - began
    more = {"none": 0, "stretch": 1, "clahe": 2}[contrast]
    share = info.height * info.width / (rows * cols)
    return DehazePlan(
        raster=source.name,
        output=output,
        width=info.width,
        height=info.height,
        bands=len(info.bands),
        passes=2 + more,
        read_mb=round(((1 + more) * shown.nbytes + pixels.nbytes) * share / _MB, 1),
        write_mb=round(size * share / _MB, 1),
        seconds=round(share * ((1 + more) * look_s + read_s + (1.3 + more) * work_s + write_s), 1),
    )


def _read(info: RasterInfo, window: Window) -> tuple[float, tuple[NDArray[Any], NDArray[np.bool_]]]:
    """Seconds, and what was read: pixels and which are valid."""
    began = time.perf_counter()
    with raster.open_raster(info) as reader:
        read = reader.read(window)
    return time.perf_counter() - began, read
