"""The tiles of a region and their vectors, as they come: read ahead in a thread, answered swath by swath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from geolabel import raster
from geolabel.ahead import ahead
from geolabel.errors import EmptyError
from geolabel.inference import down_columns
from geolabel.inference.swaths import Reach, swaths
from geolabel.progress import counting
from geolabel.steps.region.ready import Ready
from geolabel.steps.tile_rows import raster_source
from geolabel.tiling import TileIndex

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.inference import Shard
    from geolabel.inference.swaths import Swath
    from geolabel.steps.region.scene import Scene
    from geolabel.steps.region.trial import Found

RESAMPLED = "resampled.vrt"
_ANY = 1e-9
"""Less than one valid pixel of any tile."""


@dataclass(frozen=True, slots=True)
class Tiled:
    """Some tiles of a region, and what the encoder says of them."""

    col_off: NDArray[np.int64]
    """(n,), pixels of the grid on which the region is read."""
    row_off: NDArray[np.int64]
    valid: NDArray[np.float32]
    """Valid part of each: (n,), 0–1."""
    vectors: NDArray[np.float32]
    """(n, size)."""


def described(scene: Scene, room: Path, output: Path, min_valid: float) -> TileIndex:
    """What the tiles of a region have in common, for an index at `output`; it has no rows yet.

    Their pixels are named as they are read: where the region is resampled, a view of it is written into `room`.
    """
    fit, card = scene.fit, scene.predictor.card
    path = scene.path
    if fit.resampled:
        path = room / RESAMPLED
        raster.write_view(fit.info, fit.grid, fit.resampling, path)
    source = raster_source(raster.describe(path, fit.info.band_names), output)
    tiling = {"sampling": "grid", "size": list(card.tile_px), "stride": scene.plan.stride, "min_valid": min_valid}
    empty = _table(_nothing(card.outputs), scene, source.path, 0)
    return TileIndex(empty, (source,), scene.fit.grid.crs, tiling, history=("embed encode",))


def encoded(
    scene: Scene, found: Found, index: TileIndex, min_valid: float
) -> Generator[tuple[pa.Table, NDArray[np.float32]]]:
    """Columns of a tile index and vectors (n, size) of all tiles of a region, in the order in which they are read.

    Tiles with less valid pixels than `min_valid`, 0–1, or none, are left out. Raises InputError (a damaged raster),
    EmptyError (none is left).
    """
    first = 0
    with counting(scene.plan.tiles, what="encoding", unit="tiles") as tell:
        for tiles in answered(scene, found, down_columns(scene.shards), min_valid, tell=tell):
            yield _table(tiles, scene, index.sources[0].path, first), tiles.vectors
            first += len(tiles.vectors)
    if not first:
        raise EmptyError(
            f"{scene.path}: no tile has {min_valid:.0%} valid pixels; lower --min-valid, or check its nodata value "
            "(gdalinfo) and the area of interest"
        )


def answered(
    scene: Scene, found: Found, shards: Sequence[Shard], min_valid: float, *, tell: Any = lambda _: None
) -> Iterator[Tiled]:
    """The tiles of some shards, a swath at a time; `tell` hears how many tiles of the plan are done."""
    plan = scene.plan
    answer = Ready.of(scene, found.engine, None, windows=found.dense is not None).answer
    reach = Reach(answer.halo, answer.lattice, answer.span)
    with scene.reader() as reader:

        def read() -> Iterator[tuple[Shard, Swath]]:
            for shard in shards:
                for swath in swaths(reader, plan, shard, reach, scene.block[1], scene.inside):
                    yield shard, swath

        with ahead(read()) as parts:
            for shard, swath in parts:
                tell(len(swath.rows))
                kept = swath.shares >= max(min_valid, _ANY)
                if not kept.any():
                    continue
                row, col = (axis[kept] for axis in swath.tiles)
                yield Tiled(
                    plan.cols[shard.cols][col],
                    plan.rows[shard.rows][row],
                    swath.shares[kept],
                    answer(swath.pixels, swath.valid, swath.rows[kept], swath.cols[kept]),
                )


def _nothing(size: int) -> Tiled:
    none = np.zeros(0, np.int64)
    return Tiled(none, none, none.astype(np.float32), np.zeros((0, size), np.float32))


def _table(tiles: Tiled, scene: Scene, source: str, first: int) -> pa.Table:
    """The columns of a tile index; `first` is the number of the first tile."""
    grid, plan = scene.fit.grid, scene.plan
    # a raster smaller than a tile is mirrored, in training as here
    width = np.minimum(plan.tile_width, plan.width - tiles.col_off)
    height = np.minimum(plan.tile_height, plan.height - tiles.row_off)
    count = len(tiles.vectors)
    return pa.table(
        {
            "tile": pa.array(np.arange(first, first + count), pa.int64()),
            "source": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([source], pa.string())),
            "col_off": pa.array(tiles.col_off, pa.int32()),
            "row_off": pa.array(tiles.row_off, pa.int32()),
            "width": pa.array(width, pa.int32()),
            "height": pa.array(height, pa.int32()),
            "valid": pa.array(tiles.valid, pa.float32()),
            "geometry": pa.array(shapely.to_wkb(grid.boxes(tiles.col_off, tiles.row_off, width, height)), pa.binary()),
        }
    )
