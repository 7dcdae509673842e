"""Changes made for tests: clearings on a lattice of 100 m cells in Pará, one day a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geolabel import alerts
from geolabel.alerts import Changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.vector import Layer

UTM = "EPSG:32722"
EAST, NORTH, CELL = 600_000.0, 9_400_000.0, 100.0
SIDE = 6


def cell(col: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    west, north = EAST + col * CELL, NORTH - row * CELL
    return shapely.box(west, north - height * CELL, west + width * CELL, north)


def texts(value: str | Sequence[str], n: int) -> np.ndarray:
    return np.array([value] * n if isinstance(value, str) else list(value), dtype=object)


def changes(geometries: Sequence[Any], **given: Any) -> Changes:
    n = len(geometries)
    shapes = np.empty(n, dtype=object)
    shapes[:] = geometries
    first = given.get("first", "2020-08-01")
    return Changes(
        geometries=shapes,
        crs=given.get("crs", UTM),
        class_name=texts(given.get("name", "forest"), n),
        class_title=texts(given.get("title", "Forest"), n),
        change=texts(given.get("change", "loss"), n),
        driver=texts(given.get("driver", ""), n),
        confidence=np.broadcast_to(np.asarray(given.get("confidence", 0.9), dtype=float), n).copy(),
        date_first=np.broadcast_to(np.asarray(first, dtype="M8[D]"), n).copy(),
        date_last=np.broadcast_to(np.asarray(given.get("last", first), dtype="M8[D]"), n).copy(),
        date_window_days=np.broadcast_to(np.asarray(given.get("window", 30)), n).copy(),
        n_obs=np.broadcast_to(np.asarray(given.get("n_obs", 1)), n).copy(),
        source_before=texts(given.get("before", "a.tif"), n),
        source_after=texts(given.get("after", "b.tif"), n),
        color=texts("#D7191C", n),
        mmu_ha=0.5,
        model_sha="abc",
        evidence=given.get("evidence", {}),
    )


def made(geometries: Sequence[Any], **given: Any) -> Layer:
    return alerts.make(changes(geometries, **given))


def clearings(cells: set[tuple[int, int]]) -> list[Any]:
    """Cells as polygons, those that share a side as one."""
    return list(shapely.get_parts(shapely.union_all([cell(*at) for at in sorted(cells)]))) if cells else []


def cell_sets() -> st.SearchStrategy[set[tuple[int, int]]]:
    numbers = st.integers(0, SIDE - 1)
    return st.sets(st.tuples(numbers, numbers), max_size=SIDE * SIDE)


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="M8[D]")


def moved(geometries: Any, source: str, target: str) -> Any:
    change = Transformer.from_crs(source, target, always_xy=True)
    return shapely.transform(geometries, lambda xy: np.column_stack(change.transform(*xy.T)))


def geodesic_ha(geometry: Any, crs: str = UTM) -> float:
    """By Karney's algorithm on the ellipsoid: no plane at all."""
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(moved(geometry, crs, "EPSG:4326")))
    return float(area) / 10_000


def column(layer: Layer, name: str) -> list[Any]:
    return list(layer.columns[name].tolist())
