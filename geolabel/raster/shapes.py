"""Between pixels and polygons: burning geometries into an array, and outlining equal pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.raster import door

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.grid import Grid

_CLOSED_RING = 4


def burn(geometries: NDArray[Any], values: NDArray[Any], grid: Grid, *, fill: int = 0) -> NDArray[Any]:
    """Burn `values` where pixel centres lie inside `geometries`: (height, width), later ones on top."""
    from rasterio.features import rasterize

    if len(geometries) == 0:
        return np.full((grid.height, grid.width), fill, dtype=values.dtype)
    with door.environment(), door.without_place():
        burned = rasterize(
            zip(geometries, values.tolist(), strict=True),
            out_shape=(grid.height, grid.width),
            transform=grid.transform,
            fill=fill,
            dtype=values.dtype,
        )
    return np.asarray(burned)


def polygonise(labels: NDArray[np.int32], grid: Grid) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Outline each 4-connected patch of equal, non-zero labels: polygons (n,) and their labels (n,)."""
    import shapely
    from rasterio.features import shapes

    values: list[int] = []
    rings: list[NDArray[np.float64]] = []
    rings_per_polygon: list[int] = []
    with door.environment(), door.without_place():
        for outline, value in shapes(labels, mask=labels != 0, connectivity=4, transform=grid.transform):
            values.append(int(value))
            rings.extend(np.asarray(ring) for ring in outline["coordinates"])
            rings_per_polygon.append(len(outline["coordinates"]))
    if not values:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int32)
    ring_ends = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])])
    polygon_ends = np.concatenate([[0], np.cumsum(rings_per_polygon)])
    polygons = shapely.from_ragged_array(shapely.GeometryType.POLYGON, np.concatenate(rings), (ring_ends, polygon_ends))
    return np.asarray(polygons, dtype=object), np.array(values, dtype=np.int32)
