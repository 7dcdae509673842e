"""The map layers of a label report: where sources disagree, and which labels to doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import geodesy
from geolabel.labels.confusion import NONE
from geolabel.maps import Step, graduated_qml, write_layer_style
from geolabel.tiling.index import LABEL_PREFIX, shapes_of
from geolabel.vector import Layer, write_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

_CHUNK = 1 << 16
_M2_PER_HA = 10_000.0
_POLYGON, _POINT = 3, 0
_REDS = ("#fed976", "#feb24c", "#fd8d3c", "#f03b20", "#bd0026")
_DISAGREE = (0.0, 0.1, 0.25, 0.5, 0.75)
_SCORES = ((0.0, 0.1, "#bd0026"), (0.1, 0.25, "#f03b20"), (0.25, 0.5, "#fd8d3c"), (0.5, 1.0, "#8fb8a8"))


def tile_areas(index: TileIndex) -> NDArray[np.float64] | None:
    """Hectares of each tile (n,): geodesic where tiles are polygons, else by GSD; None where nobody said that."""
    if index.crs and index.has_place().all() and _kind(index) == _POLYGON:
        shapes, crs = index.column("geometry"), index.crs
        parts = [geodesy.area_ha(shapes_of(shapes[at : at + _CHUNK]), crs) for at in range(0, len(shapes), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0)
    paths, which = np.unique(index.column("source").astype(str), return_inverse=True)
    gsd = np.array([index.source_of(path).gsd_m or np.nan for path in paths.tolist()])[which]
    area = np.asarray(gsd**2 * index.column("width") * index.column("height") / _M2_PER_HA, dtype=np.float64)
    return area if np.isfinite(area).all() else None


def _kind(index: TileIndex) -> int:
    """Number of the type of the first geometry."""
    return int(shapely.get_type_id(shapes_of(index.column("geometry")[index.has_place()][0])))


def disagreement_layer(
    index: TileIndex, names: Sequence[str], area_ha: NDArray[np.float64], about: str
) -> Layer | None:
    """Tiles with anything in dispute, most first; None where the index does not say what each source says of a tile.

    `names`: of the sources; `area_ha` (n,): of the tiles.
    """
    if not {"agree", "disagree"} <= set(index.table.column_names) or not index.crs:
        return None
    share = np.clip(index.column("disagree"), 0, None).astype(np.float64)
    disputed_ha = (share * area_ha).round(4)
    row = np.flatnonzero((disputed_ha > 0) & index.has_place())
    row = row[np.argsort(-disputed_ha[row], kind="stable")]
    columns: dict[str, NDArray[Any]] = {
        "tile": index.column("tile")[row].astype(np.int64),
        "source": index.column("source")[row].astype(object),
        "agree": index.column("agree")[row].astype(np.float64).round(4),
        "disagree": share[row].round(4),
        "disagree_ha": disputed_ha[row],
    }
    taken = {name.lower() for name in columns}
    for name in names:
        own = name if f"{name}.class".lower() not in taken else f"{name}_{len(taken)}"  # SQLite knows no case
        chosen, largest = _largest(index, name, row)
        columns |= {f"{own}.class": chosen, f"{own}.share": largest}
        taken |= {f"{own}.class".lower()}
    shapes = shapes_of(index.column("geometry")[row])
    return Layer("disagreement", np.asarray(shapes, dtype=object), columns, index.crs, "Polygon", about)


def _largest(index: TileIndex, name: str, row: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The class with the largest share by one source of the tiles `row` (n,), and its share; None where it is silent.

    A source that knows a tile, and finds no class in it, says "none".
    """
    columns = index.table.column_names
    prefix = f"{name}." if f"{name}.known" in columns else f"{LABEL_PREFIX}{name}."
    own = [column for column in columns if column.startswith(prefix) and column != f"{name}.known"]
    largest = np.full(len(row), np.nan)
    chosen = np.full(len(row), None, dtype=object)
    for column in own:
        share = index.column(column)[row].astype(np.float64)
        more = np.isfinite(share) & ((share > largest) | np.isnan(largest))
        largest[more], chosen[more] = share[more], column.removeprefix(prefix)
    nothing = largest == 0
    chosen[nothing] = NONE
    if f"{name}.known" in columns:
        largest[nothing] = index.column(f"{name}.known")[row][nothing]
    return chosen, largest.round(4)


def doubts_layer(index: TileIndex, row: NDArray[np.int64], columns: Mapping[str, NDArray[Any]], about: str) -> Layer:
    """Judged tiles `row` (n,) of an index with their columns (n,); those without a place are left out."""
    assert index.crs
    placed = index.has_place()[row]
    shapes = shapes_of(index.column("geometry")[row[placed]])
    kept = {name: values[placed] for name, values in columns.items()}
    return Layer("doubts", shapes, kept, index.crs, "Polygon" if _kind(index) == _POLYGON else "Point", about)


def write_disagreement(path: Path, layer: Layer) -> None:
    """Write it as a GeoPackage that opens coloured by the share of the tile in dispute."""
    ends = [*_DISAGREE[1:], max(1.0, float(layer.columns["disagree"].max(initial=1)))]
    steps = [
        Step(lower, upper, f"{lower:.0%} – {min(upper, 1):.0%} in dispute", color)
        for lower, upper, color in zip(_DISAGREE, ends, _REDS, strict=True)
    ]
    _write(path, layer, graduated_qml(steps, "disagree"))


def write_doubts(path: Path, layer: Layer) -> None:
    """Write it as a GeoPackage that opens coloured by the score of the label."""
    steps = [Step(lower, upper, f"score {lower:g} – {upper:g}", color) for lower, upper, color in _SCORES]
    _write(path, layer, graduated_qml(steps, "score", points=layer.kind == "Point"))


def _write(path: Path, layer: Layer, qml: str) -> None:
    write_layer(path, layer, "GPKG")
    write_layer_style(path, layer.name, "geom", qml)
