"""What a run found becomes the layer `alerts`: every column, names that stay, areas on the ellipsoid."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel import alerts
from geolabel.alerts import schema
from geolabel.alerts.identity import distinct
from tests.alerts.made import EAST, NORTH, UTM, cell, cell_sets, changes, clearings, column, geodesic_ha, made, moved


def test_the_columns_of_the_schema_in_their_order() -> None:
    evidence = {"spectral": np.array(["agrees"], dtype=object), "ndvi_drop": np.array([0.4])}
    layer = made([cell(0, 0)], n_obs=2, evidence=evidence)
    assert list(layer.columns) == [name for name in alerts.COLUMNS if name != "nbr_drop"]
    assert {name: str(values.dtype) for name, values in layer.columns.items()} == {
        name: str(np.dtype(alerts.COLUMNS[name])) for name in layer.columns
    }
    row = {name: values.tolist()[0] for name, values in layer.columns.items()}
    assert row["title"] == "Forest loss"
    assert (row["level"], row["status"], row["color"]) == ("high", "confirmed", "#d7191c")
    assert (row["new_ha"], row["merged"], row["protected_name"]) == (row["area_ha"], "", "")
    assert re.fullmatch("FL-2020-[0-9A-HJKMNP-TV-Z]{8}", row["alert_id"])


def test_areas_and_perimeters_are_geodesic() -> None:
    shapes = [cell(0, 0, 3, 2), cell(10, 10), shapely.difference(cell(20, 0, 4, 4), cell(21, 1, 2, 2))]
    layer = made(shapes)
    expected = [geodesic_ha(shape) for shape in layer.geometries]
    np.testing.assert_allclose(layer.columns["area_ha"], expected, atol=2e-4)
    # UTM's scale at 100 km from the central meridian is within .04 % of 1; an outline counts its hole
    assert sorted(column(layer, "perimeter_m")) == pytest.approx([400, 1000, 1600 + 800], rel=1e-3)


@given(cells=cell_sets(), seed=st.integers(0, 2**32 - 1), crs=st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:5880"]))
def test_a_name_depends_on_neither_order_nor_crs(cells, seed, crs) -> None:
    shapes = clearings(cells)
    layer = made(shapes)
    random = np.random.default_rng(seed)
    turned = [_turned(shapes[at], random) for at in random.permutation(len(shapes))]
    other = made(list(moved(np.array(turned, dtype=object), UTM, crs)), crs=crs)
    assert column(other, "alert_id") == column(layer, "alert_id")
    assert len(set(column(layer, "alert_id"))) == len(shapes)
    np.testing.assert_allclose(other.columns["area_ha"], layer.columns["area_ha"], atol=2e-4)


def _turned(polygon, random):
    """The same polygon, its ring begun elsewhere and run the other way."""
    ring = shapely.get_coordinates(polygon.exterior)[:-1]
    ring = np.roll(ring, random.integers(len(ring)), axis=0)[::-1]
    return shapely.Polygon(ring, [hole.coords for hole in polygon.interiors])


def test_a_neighbouring_run_gives_the_same_name() -> None:
    """Another region, other alerts beside it, an outline that differs by a metre: the centre stays in its cell."""
    (name,) = column(made([cell(2, 2, 4, 3)]), "alert_id")
    calm = shapely.buffer(cell(2, 2, 4, 3), 1, join_style="mitre")
    assert name in column(made([cell(30, 30), calm, cell(-9, -9)]), "alert_id")
    other = [{"first": "2020-08-02"}, {"change": "gain"}, {"name": "mangrove"}]
    assert name not in [made([cell(2, 2, 4, 3)], **given).columns["alert_id"][0] for given in other]


def test_round_coordinates_are_safe() -> None:
    """Centres at whole thousandths of a degree, as planned squares have them, lie on no border of a cell."""
    squares = [shapely.box(at / 1000, at / 1000, (at + 2) / 1000, (at + 2) / 1000) for at in range(0, 400, 4)]
    names = column(made(squares, crs="EPSG:4326"), "alert_id")
    again = made(list(moved(np.array(squares, dtype=object), "EPSG:4326", "EPSG:32631")), crs="EPSG:32631")
    assert column(again, "alert_id") == names


def test_two_alerts_in_one_cell_have_two_names() -> None:
    """A ring and what lies in it have one centre."""
    inner = cell(1, 1)
    ring = shapely.difference(cell(0, 0, 3, 3), inner)
    names = column(made([ring, inner]), "alert_id")
    assert len(set(names)) == 2
    assert names == column(made([inner, ring]), "alert_id")
    assert distinct(["FL-2020-A", "FL-2020-A"], ["FL-2020-A"]).tolist() == distinct(["FL-2020-A"] * 3).tolist()[1:]


@pytest.mark.parametrize(
    ("name", "first", "start"),
    [("água", "2021-01-01", "AL-2021-"), ("森", "2021-01-01", "XL-2021-"), ("forest", "NaT", "FL-0000-")],
)
def test_names_are_plain(name: str, first: str, start: str) -> None:
    assert made([cell(0, 0)], name=name, first=first).columns["alert_id"][0].startswith(start)


def test_a_place_counts_once() -> None:
    """Two outlines of one kind that overlap share the place out; another kind may lie over both."""
    layer = made(
        [cell(0, 0, 2), cell(1, 0, 2), cell(1, 0)],
        name=["forest", "forest", "mine"],
        change=["loss", "loss", "gain"],
    )
    assert column(layer, "class") == ["forest", "forest", "mine"]
    np.testing.assert_allclose(layer.columns["area_ha"], [2, 1, 1], rtol=2e-3)


@pytest.mark.parametrize(
    ("confidence", "n_obs", "level", "status"),
    [
        (0.95, 1, "nominal", "new"),
        (0.95, 2, "high", "confirmed"),
        (0.8, 2, "high", "confirmed"),
        (0.79, 5, "nominal", "confirmed"),
        (0.6, 1, "nominal", "new"),
        (0.59, 1, "low", "new"),
        (0.59, 2, "nominal", "confirmed"),
        (np.nan, 1, "low", "new"),
        (np.nan, 3, "nominal", "confirmed"),
    ],
)
def test_level_and_status(confidence: float, n_obs: int, level: str, status: str) -> None:
    layer = made([cell(0, 0)], confidence=confidence, n_obs=n_obs)
    assert (column(layer, "level"), column(layer, "status")) == ([level], [status])


def test_no_alerts_at_all() -> None:
    layer = made([])
    assert len(layer.geometries) == 0
    assert [str(values.dtype) for values in layer.columns.values()] == [
        str(np.dtype(kind)) for name, kind in schema.COLUMNS.items() if name not in schema.OPTIONAL
    ]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32701", "EPSG:3832"])
def test_across_the_antimeridian(crs: str) -> None:
    """Taveuni, Fiji: two boxes of 0.01° × 0.01°, one of them in two halves, as GeoJSON cuts it."""
    west = shapely.box(179.98, -16.81, 179.99, -16.80)
    both = shapely.multipolygons(
        [shapely.box(179.995, -16.81, 180, -16.80), shapely.box(-180, -16.81, -179.995, -16.80)]
    )
    shapes = list(moved(np.array([west, both], dtype=object), "EPSG:4326", crs))
    layer = made(shapes, crs=crs)
    expected = geodesic_ha(west, "EPSG:4326")
    np.testing.assert_allclose(layer.columns["area_ha"], [expected, expected], rtol=1e-5)
    assert column(layer, "alert_id") == column(made([west, both], crs="EPSG:4326"), "alert_id")


@pytest.mark.parametrize(
    "given", [{"change": "lost"}, {"n_obs": 0}, {"evidence": {"ndvi": np.zeros(1)}}, {"name": ["a", "b"]}]
)
def test_what_cannot_be(given) -> None:
    with pytest.raises(ValueError):
        changes([cell(0, 0)], **given)


def test_the_lattice_lies_in_para() -> None:
    """So that the areas above are those of real clearings."""
    lon, lat = shapely.get_coordinates(moved(shapely.Point(EAST, NORTH), UTM, "EPSG:4326"))[0]
    assert (-51 < lon < -49, -6 < lat < -5) == (True, True)
