"""Which vector files GDAL is given, and under which names."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel import vector
from geolabel.errors import InputError
from geolabel.vector import trust
from geolabel.vector.layer import Layer

BOX = shapely.box(9, 47, 9.01, 47.01)
VIRTUAL = (
    '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>a.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
)


@pytest.mark.parametrize(
    "name", ["a.gpkg", "a.fgb", "a.geojson", "a.shp", "a.kml", "a.gpx", "a.csv", "a.geojsonl", "a.dxf"]
)
def test_what_holds_its_features_is_opened(tmp_path: Path, name: str) -> None:
    shape = BOX.centroid if name.endswith("gpx") else BOX
    frame = geopandas.GeoDataFrame({"name": ["x"]}, geometry=[shape], crs="EPSG:4326")
    if name.endswith("dxf"):
        frame = frame[["geometry"]]
    options = {"GEOMETRY": "AS_WKT"} if name.endswith("csv") else {}
    frame.to_file(tmp_path / name, driver="LIBKML" if name.endswith("kml") else None, engine="pyogrio", **options)
    trust.check(tmp_path / name)
    assert vector.list_layers(tmp_path / name)


def test_gdal_would_follow_what_is_refused(tmp_path: Path) -> None:
    """What the check is for: GDAL itself reads another file through these, whatever they are called."""
    geopandas.GeoDataFrame({"name": ["x"]}, geometry=[BOX], crs="EPSG:4326").to_file(tmp_path / "a.gpkg")
    path = tmp_path / "lure.gpkg"
    path.write_text(VIRTUAL.replace("a.gpkg", str(tmp_path / "a.gpkg")))
    assert pyogrio.read_info(path)["features"] == 1
    with pytest.raises(InputError, match=r"lure.gpkg: says where other data are .* is not opened"):
        vector.list_layers(path)


@given(st.sampled_from(["", " ", "\n\t", "\ufeff", '{"a": "', "landuse,WKT\n"]), st.integers(0, 3_000), st.booleans())
def test_words_that_lead_elsewhere_are_found_wherever_gdal_sees_them(
    tmp_path_factory: pytest.TempPathFactory, before: str, blanks: int, large: bool
) -> None:
    path = tmp_path_factory.mktemp("lure") / "a.csv"
    path.write_text(before + " " * blanks + (VIRTUAL.upper() if large else VIRTUAL), encoding="utf-8")
    with pytest.raises(InputError, match="not opened"):
        trust.check(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("space", [0, 5_000])
def test_entities_are_refused_in_any_encoding(tmp_path: Path, encoding: str, space: int) -> None:
    told = "utf-8" if encoding.startswith("utf-8") else encoding
    start = f'<?xml version="1.0" encoding="{told}"?>{" " * space}'
    text = f'{start}<!DOCTYPE kml [<!ENTITY a "b">]><kml><name>&a;</name></kml>'
    (tmp_path / "a.kml").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="defines XML entities"):
        trust.check(tmp_path / "a.kml")
    (tmp_path / "b.kml").write_bytes(text.replace('<!ENTITY a "b">', "").replace("&a;", "é").encode(encoding))
    trust.check(tmp_path / "b.kml")


@pytest.mark.parametrize("name", ["a!b", "a;b", "a!b/a", "100%", "a#b?c=d&e", "PG:x"])
@pytest.mark.parametrize(("driver", "suffix"), [("GPKG", ".gpkg"), ("GeoJSON", ".geojson"), ("FlatGeobuf", ".fgb")])
def test_what_is_written_bears_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, driver: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(f"{name}{suffix}")
    path.parent.mkdir(exist_ok=True)
    layer = Layer("places", np.array([BOX], object), {"name": np.array(["x"], object)}, "EPSG:4326", "Polygon")
    vector.write_layer(path, layer, driver)  # type: ignore[arg-type]
    assert [one.as_posix() for one in sorted(Path().rglob("*")) if one.is_file()] == [path.as_posix()]
    assert not path.is_symlink()
    plain = path.rename(f"plain{path.suffix}")
    assert pyogrio.read_info(plain)["features"] == 1


@pytest.mark.parametrize("name", ["a!b.gpkg", "a;b.gpkg", "a!b/a.gpkg", "a\nb.gpkg", "PG:x.gpkg"])
def test_names_that_mislead_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"SQLite format 3\0")
    with pytest.raises(InputError, match="would mislead GDAL; rename it"):
        trust.check(path)


def test_a_log_beside_a_database_is_refused_while_it_holds_something(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    geopandas.GeoDataFrame({"name": ["x"]}, geometry=[BOX], crs="EPSG:4326").to_file(path)
    log = tmp_path / "a.gpkg-wal"
    log.touch()  # QGIS leaves it so while it only shows the layer
    trust.check(path)
    log.write_bytes(b"x")
    with pytest.raises(InputError, match=re.escape("(a.gpkg-wal lies beside it)")):
        trust.check(path)
