"""`geolabel tile`: rasters, or a folder of chips, become a tile index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster, vector
from geolabel.errors import EmptyError, OptionError
from geolabel.progress import log
from geolabel.steps.making import makes
from geolabel.steps.tile_images import tile_images
from geolabel.steps.tile_inputs import described
from geolabel.steps.tile_rows import check_alike, index_of, raster_source
from geolabel.steps.tile_sampled import Sampling, tile_sampled
from geolabel.tiling import sampling
from geolabel.tiling.index import TileIndex, write_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.tiling.described import Source

_SAMPLES_PER_TILE = 16
"""Validity is looked at in about 16 × 16 places a tile …"""
_MOST_SAMPLES = 1 << 26
"""… and in so many of a raster: their sums take a quarter of a gigabyte."""


@dataclass(frozen=True, slots=True)
class TileReport:
    """What `tile` made."""

    output: Path
    tiles: int
    sources: int
    skipped_invalid: int
    """Tiles with less valid pixels than --min-valid; none where tiles are drawn."""
    skipped_outside: int
    """Tiles that do not touch the area of interest; none where tiles are drawn."""
    images_missing: int
    """Rows of the table of tags whose image is not in the folder; they are skipped."""
    images_untagged: int
    """Images of which the table says nothing; kept, their labels unknown."""
    classes: tuple[str, ...]


@makes("tile", "rasters", "aoi", "images", "tags")
def tile(
    rasters: Sequence[Path] = (),
    *,
    output: Path = Path("tiles.parquet"),
    size: int = 256,
    stride: int | None = None,
    aoi: Path | None = None,
    min_valid: float = 0.5,
    bands: Sequence[str] = (),
    images: Path | None = None,
    tags: Path | None = None,
    gsd: float | None = None,
    on_missing: str = "skip",
    haze: bool = False,
    pairs: bool = False,
    sampled: Sampling | None = None,
    overwrite: bool = False,
) -> TileReport:
    """Make a tile index of rasters, or of a folder of chips. Pixels are not copied; with `haze` they are looked at.

    With `pairs`, the rasters are dates of places, a date before and one after for each; both are tiled as one, which a
    VRT beside the index shows. With `sampled`, tiles are drawn instead of laid out as a grid. Raises OptionError,
    InputError, BandError, CRSError, TableError, EmptyError (no tiles left), OutputError.
    """
    if bool(rasters) == bool(images):
        raise OptionError("give rasters, or a folder of chips with --images, and not both")
    if not 0 <= min_valid <= 1:
        raise OptionError(f"--min-valid must lie in 0–1, got {min_valid:g}")
    if pairs and (not rasters or len(rasters) % 2 or haze):
        why = "leave --haze out" if haze else f"name the raster before and the one after; there are {len(rasters)}"
        raise OptionError(f"--pairs tiles two dates of a place: {why}")
    if sampled is not None and (images or stride is not None):
        raise OptionError(f"--sampling {sampled.how} draws tiles from rasters: leave --images and --stride out")
    files.check_new(output, overwrite=overwrite, inputs=(*rasters, aoi, tags))
    if images:
        if gsd is not None and not 0 < gsd < math.inf:
            raise OptionError(f"--gsd must be more than 0 m, got {gsd:g}")
        index, missing, untagged = tile_images(images, output, tags, bands, gsd, on_missing)
        skipped = (0, 0)
    else:
        if tags:
            raise OptionError("--tags describes the chips of --images; for rasters use geolabel label")
        step = size if stride is None else stride
        with described(rasters, output, bands, pairs=pairs) as infos:
            if sampled is None:
                index, skipped = _tile_rasters(infos, output, size, step, aoi, min_valid)
            else:
                index, skipped = tile_sampled(infos, output, size, aoi, min_valid, sampled), (0, 0)
        missing = untagged = 0
    if haze:
        from geolabel.steps.tile_haze import with_haze

        index = with_haze(index, output.parent)
    write_index(output, index, overwrite=overwrite)
    return TileReport(output, len(index), len(index.sources), *skipped, missing, untagged, index.class_names)


def _tile_rasters(
    infos: Iterable[raster.RasterInfo], output: Path, size: int, stride: int, aoi: Path | None, min_valid: float
) -> tuple[TileIndex, tuple[int, int]]:
    parts: list[dict[str, Any]] = []
    sources: list[Source] = []
    geometries: list[NDArray[Any]] = []
    count = invalid = outside = 0
    for info in infos:
        count += 1
        check_alike(info, sources)
        if aoi:
            area = vector.read_area(aoi, info.place)
            windows = sampling.grid_windows(info.width, info.height, size, stride, _box(area, info.place))
            windows = windows.keep(sampling.inside_area(windows, info.place, area))
            outside += sampling.count_windows(info.width, info.height, size, stride) - len(windows)
        else:
            windows = sampling.grid_windows(info.width, info.height, size, stride)
        step_px = max(1, size // _SAMPLES_PER_TILE, math.ceil(math.sqrt(info.width * info.height / _MOST_SAMPLES)))
        coarse = raster.valid_overview(info, step_px) if min_valid > 0 else None
        valid = sampling.valid_share(windows, coarse, info.width, info.height)
        kept = valid >= min_valid
        if min_valid == 0:
            valid[:] = np.nan  # nobody looked
        invalid += int((~kept).sum())
        windows, valid = windows.keep(kept), valid[kept]
        if not len(windows):
            log.warning("%s: no tile is left", info.path)
            continue
        source = raster_source(info, output)
        sources.append(source)
        parts.append({"source": [source.path] * len(windows), "valid": valid, **_columns(windows)})
        geometries.append(info.place.boxes(windows.col_off, windows.row_off, windows.width, windows.height))
    if not parts:
        raise EmptyError(
            f"no tile is left of {count} rasters: {invalid} lack valid pixels (lower --min-valid), "
            f"{outside} lie outside the area of interest (check --aoi)"
        )
    tiling = {"sampling": "grid", "size": [size, size], "stride": stride, "min_valid": min_valid}
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "source"}
    names = [name for part in parts for name in part["source"]]
    return index_of(names, columns, sources, geometries, tiling), (invalid, outside)


def _box(area: NDArray[Any], grid: Grid) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of polygons (n,) in pixels of a grid, or beside it where there are none."""
    import shapely

    if not len(area):
        return -1.0, -1.0, -1.0, -1.0
    west, south, east, north = shapely.total_bounds(area)
    cols, rows = grid.col_row(np.array([west, east]), np.array([south, north]))
    return float(cols.min()), float(rows.min()), float(cols.max()), float(rows.max())


def _columns(windows: sampling.TileWindows) -> dict[str, NDArray[np.int32]]:
    return {name: getattr(windows, name) for name in ("col_off", "row_off", "width", "height")}
