"""What layers a vector file holds, against geopandas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geolabel.errors import InputError
from geolabel.vector.summary import layers_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def frame() -> geopandas.GeoDataFrame:
    boxes = shapely.box(np.arange(3.0), 0, np.arange(3.0) + 1, 2)
    return geopandas.GeoDataFrame({"name": ["a", "b", None], "ha": [1.5, 2, 3]}, geometry=boxes, crs="EPSG:4326")


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet", "fgb"])
def test_count_extent_and_fields_are_those_of_geopandas(
    tmp_path: Path, frame: geopandas.GeoDataFrame, ending: str
) -> None:
    path = tmp_path / f"places.{ending}"
    frame.to_parquet(path) if ending == "parquet" else frame.to_file(path)
    driver, (layer,) = layers_of(path)
    assert driver == {"gpkg": "GPKG", "geojson": "GeoJSON", "parquet": "Parquet", "fgb": "FlatGeobuf"}[ending]
    assert (layer.features, layer.kind, layer.fields) == (3, "Polygon", ("name", "ha"))
    assert layer.bounds == pytest.approx(tuple(frame.total_bounds))
    assert layer.crs is not None
    assert frame.crs.equals(layer.crs, ignore_axis_order=True)


def test_layers_without_geometries_are_none(tmp_path: Path, frame: geopandas.GeoDataFrame) -> None:
    path = tmp_path / "two.gpkg"
    frame.to_file(path, layer="first")
    frame.to_crs("EPSG:32631").iloc[:0].to_file(path, layer="second")
    _, (first, second) = layers_of(path)
    assert (first.name, second.name, second.features, second.bounds) == ("first", "second", 0, None)


def test_parquet_without_geometries_and_files_that_break_off_are_told(
    tmp_path: Path, frame: geopandas.GeoDataFrame
) -> None:
    table, broken, wrong = (tmp_path / name for name in ("table.parquet", "broken.parquet", "wrong.parquet"))
    pq.write_table(pa.table({"a": [1]}), table)
    with pytest.raises(InputError, match="without geometries"):
        layers_of(table)
    frame.to_parquet(wrong)
    broken.write_bytes(wrong.read_bytes()[:300])
    with pytest.raises(InputError, match="truncated"):
        layers_of(broken)
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"geo": json.dumps({"version": "1.1.0"})}), wrong)
    with pytest.raises(InputError, match="damaged"):
        layers_of(wrong)


def test_real_layers(shared_data: Path) -> None:
    _, (clc, _) = layers_of(shared_data / "clc-granada" / "clc.gpkg")
    assert (clc.name, clc.features, clc.crs) == ("clc", 136, "EPSG:25830")
    driver, layers = layers_of(shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf")
    assert driver == "OSM"
    assert "multipolygons" in [layer.name for layer in layers]
    assert {layer.features for layer in layers} == {None}
