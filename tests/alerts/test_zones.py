"""Alerts and whose land they lie on, with files as agencies publish them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel import alerts
from geolabel.alerts import Zones
from geolabel.errors import EmptyError, InputError
from tests.alerts.made import UTM, cell, cell_sets, clearings, column, geodesic_ha, made, moved

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = made([cell(0, 0, 4), cell(10, 5, 2), cell(20, 20)])
"""4, 2 and 1 ha, from north to south."""


def write(path: Path, shapes, columns, crs: str = "EPSG:4326") -> Path:
    geometries = moved(np.array(shapes, dtype=object), UTM, crs)
    geopandas.GeoDataFrame(columns, geometry=geometries, crs=crs).to_file(path)
    return path


@pytest.fixture
def wdpa(tmp_path: Path) -> Path:
    """As WDPA: degrees, NAME beside ORIG_NAME, designations that overlap. A park of three of the four columns of the
    first alert, a site on two of these, and one of the second alert's two."""
    return write(
        tmp_path / "wdpa.gpkg",
        [cell(1, -5, 3, 20), cell(2, -5, 5, 20), cell(11, -5, 5, 20), cell(40, 40)],
        {
            "WDPAID": [1.0, 2.0, 3.0, 4.0],
            "NAME": ["Parque", "Sítio", "Sítio", "Far"],
            "ORIG_NAME": ["p", "s", "s", "f"],
        },
    )


def test_protected_areas_that_overlap_count_once(wdpa: Path) -> None:
    found = alerts.protected(ALERTS, alerts.read_zones(wdpa, ALERTS))
    assert column(found, "protected_name") == ["Parque; Sítio", "Sítio", ""]
    expected = [geodesic_ha(cell(1, 0, 3)), geodesic_ha(cell(11, 5)), 0]
    assert column(found, "protected_ha") == pytest.approx(expected, abs=1e-3)
    assert list(found.columns) == list(ALERTS.columns)


@pytest.mark.parametrize("name", ["ti.gpkg", "ti.shp", "ti.geojson"])
def test_territories_as_funai_publishes_them(tmp_path: Path, name: str) -> None:
    """SIRGAS 2000, and a ring that crosses itself: what it encloses is two triangles."""
    west, north = cell(0, 0).bounds[0], cell(0, 0).bounds[3]
    bow = shapely.Polygon([(west, north), (west + 400, north - 100), (west + 400, north), (west, north - 100)])
    crs = "EPSG:4326" if name.endswith("geojson") else "EPSG:4674"
    path = write(tmp_path / name, [bow], {"gid": [7], "terrai_nom": ["Munduruku"]}, crs)
    found = alerts.protected(ALERTS, alerts.read_zones(path, ALERTS))
    assert column(found, "protected_name") == ["Munduruku", "", ""]
    assert found.columns["protected_ha"][0] == pytest.approx(geodesic_ha(cell(0, 0, 4)) / 2, abs=2e-3)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:5880", UTM])
def test_an_area_is_never_more_than_the_alert(tmp_path: Path, crs: str) -> None:
    """A zone a thousand kilometres wide, its sides straight in its own CRS."""
    path = write(tmp_path / "a.gpkg", [cell(-5000, -2000, 10_000, 4_000)], {"name": ["All"]}, crs)
    found = alerts.protected(ALERTS, alerts.read_zones(path, ALERTS))
    assert column(found, "protected_ha") == column(ALERTS, "area_ha")


def test_units_by_the_largest_part(tmp_path: Path) -> None:
    """As GADM: the smallest units' names, two of which share the first alert 3 to 1."""
    path = write(
        tmp_path / "gadm.gpkg",
        [cell(-9, -9, 10, 40), cell(1, -9, 15, 40)],
        {"NAME_0": ["Brazil"] * 2, "NAME_1": ["Pará"] * 2, "NAME_2": ["Altamira", "Itaituba"]},
    )
    found = alerts.admin(ALERTS, alerts.read_zones(path, ALERTS))
    assert column(found, "admin") == ["Itaituba", "Itaituba", ""]
    states = alerts.admin(ALERTS, alerts.read_zones(path, ALERTS, "name_1"))
    assert column(states, "admin") == ["Pará", "Pará", ""]


def test_names_that_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [cell(0, 0, 4)], {"NAME": [None], "n": [1]})
    assert column(alerts.protected(ALERTS, alerts.read_zones(path, ALERTS)), "protected_name")[0] == "unnamed"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (None, "no field that is known to hold names; there are code, etiqueta. Say which one"),
        ("nome", "no field 'nome'; there are code, etiqueta. Say which one"),
    ],
)
def test_no_field_of_names(tmp_path: Path, field: str | None, words: str) -> None:
    path = write(tmp_path / "a.gpkg", [cell(0, 0)], {"code": [1], "etiqueta": ["A"]})
    with pytest.raises(InputError, match=words):
        alerts.read_zones(path, ALERTS, field)
    assert alerts.read_zones(path, ALERTS, "Etiqueta").names.tolist() == ["A"]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        alerts.read_zones(tmp_path / "a.gpkg", ALERTS)
    empty = geopandas.GeoDataFrame({"NAME": np.array([], dtype=object)}, geometry=[], crs="EPSG:4326")
    empty.to_file(tmp_path / "b.gpkg")
    with pytest.raises(EmptyError, match="holds no features"):
        alerts.read_zones(tmp_path / "b.gpkg", ALERTS)


def test_only_what_lies_around_the_alerts_is_read(wdpa: Path) -> None:
    """A zone beyond the alerts' box is left out; one that reaches beyond is cut."""
    zones = alerts.read_zones(wdpa, made([cell(-6, 0, 4)]))
    assert zones.names.tolist() == ["Parque", "Sítio"]
    none = made([])
    assert len(alerts.read_zones(wdpa, none).names) == 0
    assert len(alerts.protected(none, alerts.read_zones(wdpa, none)).geometries) == 0
    assert len(alerts.admin(none, alerts.read_zones(wdpa, ALERTS)).geometries) == 0
    without = alerts.protected(ALERTS, alerts.read_zones(wdpa, none))
    assert column(without, "protected_name") == ["", "", ""]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32701", "EPSG:3832"])
def test_across_the_antimeridian(tmp_path: Path, crs: str) -> None:
    """A reserve around Taveuni, Fiji, in two halves; one alert on each side, and one on both."""
    halves = [shapely.box(179.9, -16.9, 180, -16.7), shapely.box(-180, -16.9, -179.9, -16.7)]
    path = tmp_path / "fiji.gpkg"
    geopandas.GeoDataFrame({"NAME": ["Taveuni"]}, geometry=[shapely.multipolygons(halves)], crs="EPSG:4326").to_file(
        path
    )
    both = [shapely.box(179.995, -16.81, 180, -16.80), shapely.box(-180, -16.81, -179.995, -16.80)]
    shapes = [
        shapely.box(179.98, -16.81, 179.99, -16.80),
        shapely.box(-179.99, -16.81, -179.98, -16.80),
        shapely.multipolygons(both),
        shapely.box(-179.85, -16.81, -179.84, -16.80),
    ]
    layer = made(list(moved(np.array(shapes, dtype=object), "EPSG:4326", crs)), crs=crs)
    found = alerts.protected(layer, alerts.read_zones(path, layer))
    inside = found.columns["protected_name"] == "Taveuni"
    assert inside.sum() == 3
    assert (found.columns["protected_ha"] == np.where(inside, layer.columns["area_ha"], 0)).all()


@given(places=st.lists(cell_sets(), min_size=1, max_size=4), cleared=cell_sets())
def test_zones_add_up(places, cleared) -> None:
    """Whatever overlaps what: the protected part of all alerts is the area in any zone."""
    layer = made(clearings(cleared))
    shapes = [shapely.union_all([cell(*at) for at in sorted(cells)]) for cells in places if cells]
    zones = Zones(
        np.array(shapes, dtype=object), np.array(["ab"[at % 2] for at in range(len(shapes))], dtype=object), UTM
    )
    found = alerts.protected(layer, zones)
    inside = cleared & set().union(*places)
    assert found.columns["protected_ha"].sum() == pytest.approx(sum(geodesic_ha(cell(*at)) for at in inside), abs=5e-3)
    assert ((found.columns["protected_name"] != "") == (found.columns["protected_ha"] > 0)).all()
    one_name = alerts.admin(layer, zones).columns["admin"]
    assert ((one_name != "") == (found.columns["protected_name"] != "")).all()


def test_corine_land_cover_as_zones(shared_data: Path) -> None:
    """A real partition of land: each alert lies in it whole, most of it where geopandas says. The CRSs differ."""
    path = shared_data / "clc-granada" / "clc.gpkg"
    zones = geopandas.read_file(path, layer="clc")
    random = np.random.default_rng(0)
    x, y = random.uniform((456_000, 4_085_000), (462_000, 4_095_000), (60, 2)).round(-1).T
    squares = shapely.box(x, y, x + 300, y + 200)
    layer = made(list(moved(squares, "EPSG:25830", "EPSG:3857")), crs="EPSG:3857")
    assert layer.crs != zones.crs
    read = alerts.read_zones(path, layer, "CODE_18")
    found = alerts.admin(alerts.protected(layer, read), read)
    np.testing.assert_allclose(found.columns["protected_ha"], found.columns["area_ha"], atol=2e-4)

    frame = geopandas.GeoDataFrame({"id": found.columns["alert_id"]}, geometry=found.geometries, crs=layer.crs)
    cut = geopandas.overlay(frame.to_crs("EPSG:3035"), zones[["CODE_18", "geometry"]].to_crs("EPSG:3035"))
    areas = cut.assign(ha=cut.area / 10_000).groupby(["id", "CODE_18"])["ha"].sum()
    for alert_id, code, names in zip(
        *(column(found, name) for name in ("alert_id", "admin", "protected_name")), strict=True
    ):
        mine = areas[alert_id][areas[alert_id] > 1e-3].sort_values(ascending=False)
        assert areas[alert_id][code] == pytest.approx(mine.max(), abs=1e-3)
        assert set(mine.index) <= set(names.split("; "))
