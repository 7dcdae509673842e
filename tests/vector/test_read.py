"""Features of real formats, moved at the door."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from geolabel import geodesy, vector
from geolabel.errors import CRSError, EmptyError, InputError, OptionError
from geolabel.grid import Grid

SQUARE = shapely.box(500_000, 5_000_000, 500_100, 5_000_100)


def write(path: Path, geometries, columns=None, crs: str | None = "EPSG:32631", **options) -> Path:
    frame = geopandas.GeoDataFrame(columns or {}, geometry=list(geometries), crs=crs)
    frame.to_file(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb", "a.shp"])
def test_every_format_is_read_in_the_crs_asked_for(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, [SQUARE], {"class": ["forest"]})
    found = vector.read_features(path, "EPSG:3857", field="class")
    expected = Transformer.from_crs("EPSG:32631", "EPSG:3857", always_xy=True).transform(500_000, 5_000_000)
    corners = shapely.get_coordinates(found.geometries)
    assert np.hypot(*(corners - expected).T).min() < 0.02
    assert (found.values.tolist(), found.repaired) == (["forest"], 0)


def test_geojson_is_degrees_longitude_first(tmp_path: Path) -> None:
    """RFC 7946: WGS 84, longitude before latitude; a corner known from UTM's definition."""
    path = tmp_path / "a.geojson"
    ring = [[3.0, 0.0], [4.0, 0.0], [4.0, 1.0], [3.0, 0.0]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (found,) = vector.read_features(path, "EPSG:32631").geometries
    assert shapely.get_coordinates(found)[0] == pytest.approx((500_000, 0), abs=1e-6)
    assert shapely.get_coordinates(found)[2] == pytest.approx((611_280.2, 110_556.5), abs=2_000)


def test_a_crs_with_northing_first_is_read_x_before_y(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [shapely.box(450_000, 4_090_000, 450_100, 4_090_100)], crs="EPSG:25830")
    (found,) = vector.read_features(path, "EPSG:3042").geometries
    assert found.bounds == pytest.approx((450_000, 4_090_000, 450_100, 4_090_100), abs=1e-3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["311", None, "a b"], ["311", "", "a b"]),
        ([311, 312, 313], ["311", "312", "313"]),
        ([1.5, 2.0, 3.25], ["1.5", "2", "3.25"]),
    ],
)
def test_values_are_text(tmp_path: Path, values, expected) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE] * 3, {"code": values})
    assert vector.read_features(path, "EPSG:32631", field="code").values.tolist() == expected


def test_whole_numbers_stay_whole_beside_a_missing_one(tmp_path: Path) -> None:
    """GDAL gives an integer field with a null as floats: 311.0 is no CORINE code, and NaN is nobody's class."""
    path = tmp_path / "a.geojson"
    geometry = json.loads(shapely.to_geojson(shapely.box(3, 0, 4, 1)))
    features = [{"type": "Feature", "properties": {"code": code}, "geometry": geometry} for code in (311, None, 211)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert vector.read_features(path, "EPSG:4326", field="code").values.tolist() == ["311", "", "211"]


def test_without_a_field_values_are_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE] * 2, {"code": ["a", "b"]})
    assert vector.read_features(path, "EPSG:32631").values.tolist() == ["", ""]


def test_a_file_without_a_crs_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.shp", [SQUARE], {"n": [1]})
    path.with_suffix(".prj").unlink()
    for read in (lambda: vector.read_features(path, "EPSG:4326"), lambda: vector.read_layer(path)):
        with pytest.raises(CRSError, match=r"a\.shp: has no coordinate reference system; assign one.*ogr2ogr -a_srs"):
            read()


def test_a_wrong_crs_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], crs="EPSG:4326")  # metres said to be degrees
    with pytest.raises(CRSError, match=r"a\.gpkg: .*EPSG:4326.*check"):
        vector.read_features(path, "EPSG:32631")


def test_a_field_that_is_missing_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], {"code": ["a"], "year": [1]})
    with pytest.raises(InputError, match=r"a\.gpkg: no field 'klass'; there are code, year\. Choose with --field"):
        vector.read_features(path, "EPSG:4326", field="klass")


def test_layers_are_chosen_and_a_missing_one_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], layer="one")
    write(path, [SQUARE] * 2, layer="two")
    assert len(vector.read_features(path, "EPSG:4326").geometries) == 1
    assert len(vector.read_features(path, "EPSG:4326", layer="two").geometries) == 2
    with pytest.raises(InputError, match=r"a\.gpkg: no layer 'three'; there are one, two\. Choose with --layer"):
        vector.read_features(path, "EPSG:4326", layer="three")
    with pytest.raises(InputError, match="no layer 'three'"):
        vector.read_layer(path, "three")


def test_a_layer_without_features_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE], layer="none")
    frame = geopandas.read_file(path).iloc[:0]
    frame.to_file(tmp_path / "b.gpkg", layer="none")
    with pytest.raises(EmptyError, match=r"b\.gpkg: layer 'none' holds no features; choose another with --layer"):
        vector.read_features(tmp_path / "b.gpkg", "EPSG:4326")


def test_files_that_are_no_vectors_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.gpkg").touch()
    (tmp_path / "text.gpkg").write_text("hello")
    (tmp_path / "cut.geojson").write_bytes(
        write(tmp_path / "whole.geojson", [SQUARE] * 50, crs="EPSG:32631").read_bytes()[:1_000]
    )
    (tmp_path / "cut.gpkg").write_bytes(write(tmp_path / "whole.gpkg", [SQUARE] * 50).read_bytes()[:30_000])
    (tmp_path / "cut.fgb").write_bytes(
        write(tmp_path / "whole.fgb", [SQUARE] * 500, {"n": range(500)}).read_bytes()[:3_000]
    )
    for name, says in [
        ("missing.gpkg", "no such file; a vector file was expected"),
        ("empty.gpkg", "the file is empty"),
        ("text.gpkg", "is not a vector file that geolabel reads.*ogrinfo"),
        ("cut.geojson", "truncated"),
        ("cut.gpkg", "truncated"),
        ("cut.fgb", "truncated"),
    ]:
        with pytest.raises(InputError, match=rf"{name}: .*{says}"):
            vector.read_features(tmp_path / name, "EPSG:4326")
        with pytest.raises(InputError, match=rf"{name}: .*{says}"):
            vector.read_layer(tmp_path / name)


BOWTIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
SPIKE = shapely.Polygon([(0, 0), (4, 0), (4, 2), (4, 7), (4, 2), (4, 4), (0, 4)])


@pytest.mark.parametrize(("broken", "area"), [(BOWTIE, 2.0), (SPIKE, 16.0)])
def test_broken_rings_are_repaired_into_polygons(tmp_path: Path, broken, area: float) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE, shapely.affinity.translate(broken, 500_000, 0)])
    found = vector.read_features(path, "EPSG:32631")
    assert found.repaired == 1
    assert shapely.is_valid(found.geometries).all()
    assert found.geometries[1].geom_type in ("Polygon", "MultiPolygon"), "a collection would be no area"
    assert found.geometries[1].area == pytest.approx(area)


def test_rings_without_area_are_dropped(tmp_path: Path) -> None:
    flat = shapely.Polygon([(500_000, 0), (500_005, 0), (500_000, 0)])
    path = write(tmp_path / "a.gpkg", [SQUARE, flat], {"code": ["a", "b"]})
    found = vector.read_features(path, "EPSG:32631", field="code")
    assert found.values.tolist() == ["a"]


def test_null_and_empty_geometries_are_dropped_with_their_values(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [None, SQUARE, shapely.Polygon()], {"code": ["null", "square", "empty"]})
    found = vector.read_features(path, "EPSG:4326", field="code")
    assert found.values.tolist() == ["square"]
    assert len(found.geometries) == 1


def test_heights_are_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [shapely.force_3d(SQUARE, 7)])
    assert not shapely.has_z(vector.read_features(path, "EPSG:32631").geometries).any()


def test_an_area_is_what_touches_the_grid(tmp_path: Path) -> None:
    from affine import Affine

    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_000_100), 10, 10)
    path = write(tmp_path / "a.gpkg", [SQUARE, shapely.affinity.translate(SQUARE, 1_000, 0)])
    assert len(vector.read_area(path, grid)) == 1
    far = Grid("EPSG:32631", Affine(10, 0, 700_000, 0, -10, 5_000_100), 10, 10)
    assert vector.read_area(path, far).shape == (0,)


def test_a_whole_layer_comes_with_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [SQUARE] * 2, {"code": ["a", "b"], "ha": [1.0, 2.0]})
    layer = vector.read_layer(path)
    assert (layer.name, list(layer.columns)) == ("a", ["code", "ha"])
    assert layer.columns["ha"].tolist() == [1.0, 2.0]
    assert shapely.equals_exact(layer.geometries, SQUARE, tolerance=1e-9, normalize=True).all()


def test_real_land_cover(shared_data: Path) -> None:
    path = shared_data / "clc-granada" / "clc.gpkg"
    found = vector.read_features(path, "EPSG:4326", field="CODE_18")
    expected = geopandas.read_file(path, layer="clc")
    assert (len(found.values), len(set(found.values))) == (136, 20)
    assert sorted(found.values) == sorted(expected["CODE_18"].astype(str))
    np.testing.assert_allclose(
        shapely.total_bounds(found.geometries), expected.to_crs("EPSG:4326").total_bounds, atol=1e-9
    )


def test_real_training_polygons(shared_data: Path) -> None:
    found = vector.read_features(shared_data / "para-landsat" / "training_lsat.geojson", "EPSG:32622", field="class")
    assert set(found.values) == {"cleared", "fallen_dry", "forest", "water"}
    assert len(found.geometries) == 36


def test_real_openstreetmap_extract(shared_data: Path) -> None:
    path = shared_data / "osm-liechtenstein" / "liechtenstein-latest.osm.pbf"
    found = vector.read_features(path, "EPSG:32632", field="landuse", layer="multipolygons")
    assert len(found.values) == 19_572
    assert {"forest", "meadow", "residential"} <= set(found.values)
    assert shapely.is_valid(found.geometries).all()


def test_only_the_region_is_read_so_that_the_rest_of_the_world_does_no_harm(tmp_path: Path) -> None:
    """A polygon on the other side of the Earth has no place in a UTM zone; it is not asked for."""
    near, far = shapely.box(2.9, 49.6, 3.1, 49.7), shapely.box(-177, -10, -176, -9)
    path = tmp_path / "world.gpkg"
    geopandas.GeoDataFrame({"c": ["near", "far"]}, geometry=[near, far], crs="EPSG:4326").to_file(path)
    box = (490_000.0, 5_490_000.0, 510_000.0, 5_510_000.0)
    found = vector.read_features(path, "EPSG:32631", field="c", within=box)
    assert found.values.tolist() == ["near"]
    assert vector.read_values(path, "c") == ["far", "near"]


def test_a_rectangle_is_written_in_degrees() -> None:
    from affine import Affine

    grid = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 200, 200)
    (found,) = vector.read_area(Path("3.0,49.64,3.01,49.65"), grid)
    corners = geodesy.project_geometries(np.array([shapely.box(3.0, 49.64, 3.01, 49.65)]), "EPSG:4326", grid.crs)
    assert found.symmetric_difference(corners[0]).area < 1e-4 * found.area
    assert len(vector.read_area(Path("10,10,11,11"), grid)) == 0
    for text in ("3,50,2,51", "3,49,3,50", "3,49,4,95", "nan,0,1,1", "-181,0,1,1"):
        with pytest.raises(OptionError, match="west,south,east,north in degrees"):
            vector.read_area(Path(text), grid)
    with pytest.raises(InputError):
        vector.read_area(Path("3,49,4"), grid)  # a file of that name
