"""No tile of test lies within the buffer of train or val, whatever the blocks, the buffer and the sources' CRSs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geolabel.errors import EmptyError
from geolabel.steps.split import split
from geolabel.tiling import Source, TileIndex, read_index, write_index
from geolabel.tiling.index import dictionary

if TYPE_CHECKING:
    from pathlib import Path

_ZONES = ("EPSG:32631", "EPSG:32632")
_TRANSFORM = (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)
_SIDE_M = 320.0
_LON, _LAT = 6.0, 45.0
"""Where the two zones meet."""


def _in_degrees(shapes: np.ndarray, crs: str) -> np.ndarray:
    there = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    return np.asarray(shapely.transform(shapes, lambda xy: np.column_stack(there.transform(*xy.T))))


def _tiles(seed: int, crss: tuple[str, ...]) -> TileIndex:
    """Tiles of one side and 40 places near the border of two zones, in the plane of each source."""
    rng = np.random.default_rng(seed)
    shapes, names = [], []
    for number, crs in enumerate(crss):
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(_LON, _LAT)
        corner = np.floor(np.column_stack([x + rng.uniform(-6e3, 6e3, 40), y + rng.uniform(-6e3, 6e3, 40)]))
        boxes = shapely.box(*corner.T, *(corner + _SIDE_M).T)
        if len(crss) > 1:
            boxes = _in_degrees(boxes, crs)
        shapes.append(boxes)
        names += [f"{number}.tif"] * 40
    count = len(names)
    zeros = np.zeros(count, np.int32)
    table = pa.table(
        {
            "tile": pa.array(np.arange(count), pa.int64()),
            "source": dictionary(names),
            **dict.fromkeys(("col_off", "row_off"), zeros),
            **dict.fromkeys(("width", "height"), zeros + 32),
            "valid": np.ones(count, np.float32),
            "geometry": pa.array(shapely.to_wkb(np.concatenate(shapes)), pa.binary()),
        }
    )
    sources = tuple(
        Source(
            f"{number}.tif",
            "raster",
            ("red",),
            "uint8",
            (1.0,),
            (0.0,),
            None,
            crs,
            (10.0, 0, 0, 0, -10.0, 0),
            10.0,
            "f",
        )
        for number, crs in enumerate(crss)
    )
    return TileIndex(table, sources, crss[0] if len(crss) == 1 else "EPSG:4326", {"size": [32, 32]})


@pytest.mark.parametrize("crss", [_ZONES[:1], _ZONES], ids=["one CRS", "two CRSs"])
@settings(max_examples=12)
@given(
    seed=st.integers(0, 9_999), block_m=st.sampled_from([500.0, 2_000.0]), buffer_m=st.sampled_from([0.0, 300.0, 900.0])
)
def test_parts_keep_their_distance(
    tmp_path_factory: pytest.TempPathFactory, crss: tuple[str, ...], seed: int, block_m: float, buffer_m: float
) -> None:
    path: Path = tmp_path_factory.mktemp("split") / "tiles.parquet"
    write_index(path, _tiles(seed, crss))
    try:
        split(path, block_m=block_m, buffer_m=buffer_m, val=0.2, test=0.2, seed=seed)
    except EmptyError:  # the buffer takes a whole part away, which is refused
        return
    index = read_index(path)
    parts = index.column("split")
    lonlat = index.lonlat()
    geod = Geod(ellps="WGS84")
    for one, other in (("test", "train"), ("test", "val"), ("val", "train")):
        first, second = lonlat[parts == one], lonlat[parts == other]
        lon1, lon2 = np.broadcast_arrays(first[:, None, 0], second[None, :, 0])
        lat1, lat2 = np.broadcast_arrays(first[:, None, 1], second[None, :, 1])
        azimuth, _, apart = geod.inv(lon1, lat1, lon2, lat2)
        east, north = (abs(apart * turn(np.radians(azimuth))) for turn in (np.sin, np.cos))
        # squares of 320 m lie turned by 2° at the most, and metres of a zone differ from the ground's by 1/1000
        between = np.maximum(east, north) - _SIDE_M
        assert (between >= buffer_m * 0.995 - 0.05 * _SIDE_M).all()
