"""Alerts over runs. The law: what stands never overlaps, and what all runs added up is its area."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel import alerts
from geolabel.errors import InputError
from geolabel.vector import Layer, write_layer
from tests.alerts.made import UTM, cell, cell_sets, clearings, column, days, geodesic_ha, made, moved

FIRST, LATER, LAST = "2020-08-01", "2021-08-01", "2022-08-01"


def update(layer: Layer, previous: Layer, observed: float = 0.0, dates: tuple[str, ...] = (LATER,)) -> Layer:
    return alerts.update(layer, previous, np.full(len(previous.geometries), observed), days(*dates))


def standing_ha(layer: Layer) -> float:
    return float(layer.columns["area_ha"][alerts.stands(layer)].sum())


def check(layer: Layer) -> None:
    """What holds of every layer of alerts."""
    standing = layer.geometries[alerts.stands(layer)]
    assert shapely.area(shapely.union_all(standing)) == pytest.approx(shapely.area(standing).sum())
    assert (shapely.is_valid(layer.geometries) & (shapely.area(layer.geometries) > 0)).all()
    names = column(layer, "alert_id")
    assert len(set(names)) == len(names)
    np.testing.assert_allclose(
        layer.columns["area_ha"], [geodesic_ha(shape, layer.crs) for shape in layer.geometries], atol=2e-3
    )


@given(runs=st.lists(cell_sets(), min_size=1, max_size=4))
def test_areas_add_up(runs) -> None:
    """Without withdrawals, what is alerted is the union of all that was ever found."""
    layer = made(clearings(runs[0]))
    added = layer.columns["new_ha"].sum()
    for year, cells in enumerate(runs[1:], 2021):
        day = f"{year}-08-01"
        layer = update(made(clearings(cells), first=day), layer, dates=(day,))
        added += layer.columns["new_ha"].sum()
        check(layer)
    ever = set.union(*runs)
    union = shapely.union_all([cell(*at) for at in ever]) if ever else shapely.Polygon()
    assert shapely.area(shapely.symmetric_difference(shapely.union_all(layer.geometries), union)) < 1
    assert standing_ha(layer) == pytest.approx(added, abs=1e-6)
    assert added == pytest.approx(geodesic_ha(shapely.multipolygons(list(shapely.get_parts(union)))), abs=0.01)


@given(runs=st.lists(cell_sets(), min_size=2, max_size=4), seen=st.lists(st.booleans(), min_size=3, max_size=3))
def test_the_ledger_balances_where_alerts_are_withdrawn(runs, seen) -> None:
    layer = made(clearings(runs[0]))
    added = layer.columns["new_ha"].sum()
    for year, (cells, clear) in enumerate(zip(runs[1:], seen, strict=False), 2021):
        day = f"{year}-08-01"
        previous, layer = layer, update(made(clearings(cells), first=day), layer, float(clear), (day,))
        added += layer.columns["new_ha"].sum()
        check(layer)
        assert set(column(previous, "alert_id")) <= {
            name
            for row in zip(column(layer, "alert_id"), column(layer, "merged"), strict=True)
            for text in row
            for name in text.split("; ")
        }
    assert standing_ha(layer) == pytest.approx(added, abs=1e-6)


@given(first=cell_sets(), second=cell_sets(), observed=st.sampled_from([0.0, 1.0]))
def test_the_same_run_again_changes_nothing(first, second, observed) -> None:
    found = made(clearings(second), first=LATER)
    once = update(found, made(clearings(first)), observed)
    again = update(found, once, observed)
    for name in set(once.columns) - {"status", "new_ha"}:
        np.testing.assert_array_equal(again.columns[name], once.columns[name], err_msg=name)
    assert shapely.equals_exact(again.geometries, once.geometries).all()
    assert not again.columns["new_ha"].any()
    expected = ["persisting" if status == "new" else status for status in column(once, "status")]
    assert column(again, "status") == expected


@given(cells=cell_sets(), seed=st.integers(0, 2**32 - 1), crs=st.sampled_from(["EPSG:4326", "EPSG:5880"]))
def test_neither_the_order_nor_the_crs_of_the_run_before_matters(cells, seed, crs) -> None:
    layer = made(clearings(cells))
    order = np.random.default_rng(seed).permutation(len(layer.geometries))
    shuffled = Layer(
        "alerts",
        moved(layer.geometries[order], UTM, crs),
        {name: values[order] for name, values in layer.columns.items()},
        crs,
    )
    again = update(layer, shuffled, 1.0, (FIRST,))
    for name in ("alert_id", "area_ha", "new_ha", "date_first", "n_obs"):
        expected = np.zeros(len(order)) if name == "new_ha" else layer.columns[name]
        assert column(again, name) == expected.tolist(), name


def one(layer: Layer, name: str):
    (value,) = column(layer, name)
    return value


def test_an_alert_that_grew() -> None:
    """Three hectares, then five: the name and the first day stay, two hectares are new, two images have seen it."""
    before = made([cell(0, 0, 3)], confidence=0.7, before="2019.tif", after="2020.tif")
    now = made(
        [cell(1, 0, 4)], first=LATER, window=365, confidence=0.9, driver="mine", before="2020.tif", after="2021.tif"
    )
    layer = update(now, before, dates=(FIRST, LATER))
    assert one(layer, "alert_id") == one(before, "alert_id")
    assert one(layer, "status") == "confirmed"
    assert (one(layer, "n_obs"), one(layer, "level")) == (2, "high")
    assert (str(one(layer, "date_first")), str(one(layer, "date_last"))) == (FIRST, LATER)
    assert (one(layer, "date_window_days"), one(layer, "source_before"), one(layer, "source_after")) == (
        30,
        "2019.tif",
        "2020.tif",
    )
    assert (one(layer, "confidence"), one(layer, "driver")) == (0.9, "mine")
    assert one(layer, "area_ha") == pytest.approx(geodesic_ha(cell(0, 0, 5)), abs=1e-3)
    assert one(layer, "new_ha") == pytest.approx(geodesic_ha(cell(3, 0, 2)), abs=1e-3)
    assert one(layer, "perimeter_m") == pytest.approx(1200, rel=1e-3)


def test_images_count_once() -> None:
    """Of four images, two had been counted by the run before."""
    before = made([cell(0, 0)], first="2020-06-01", last="2020-07-01", n_obs=2)
    now = made([cell(0, 0)], first="2020-06-01", last="2020-09-01", n_obs=4)
    images = ("2020-05-01", "2020-06-01", "2020-07-01", "2020-08-01", "2020-09-01")
    assert one(update(now, before, dates=images), "n_obs") == 4


def test_an_earlier_first_date_is_found() -> None:
    """Images between those of the run before narrow the window."""
    before = made([cell(0, 0)], first="2020-08-01", window=300, before="2019.tif", after="2020b.tif")
    now = made(
        [cell(0, 0)], first="2020-03-01", last="2020-08-01", window=20, n_obs=2, before="2020.tif", after="2020a.tif"
    )
    layer = update(now, before, dates=("2020-03-01", "2020-08-01"))
    assert str(one(layer, "date_first")) == "2020-03-01"
    assert (one(layer, "date_window_days"), one(layer, "source_after")) == (20, "2020a.tif")
    assert one(layer, "alert_id") == one(before, "alert_id")


def test_alerts_that_grew_together() -> None:
    """Two hectares and one, joined by a fourth: the larger keeps its name and takes the older first day."""
    before = made([cell(0, 0, 2), cell(3, 0)], first=[FIRST, "2019-08-01"])
    small, large = column(before, "alert_id")
    layer = update(made([cell(0, 0, 4)], first=LATER), before)
    assert (one(layer, "alert_id"), one(layer, "merged")) == (large, small)
    assert str(one(layer, "date_first")) == "2019-08-01"
    assert one(layer, "area_ha") == pytest.approx(geodesic_ha(cell(0, 0, 4)), abs=1e-3)
    assert one(layer, "new_ha") == pytest.approx(geodesic_ha(cell(2, 0)), abs=1e-3)


def test_an_alert_that_broke_apart() -> None:
    """Five hectares, of which two and one are found again: the larger part keeps the name and what neither holds."""
    before = made([cell(0, 0, 5)])
    layer = update(made([cell(0, 0, 2), cell(4, 0)], first=LATER), before, 1.0)
    rows = dict(zip(column(layer, "alert_id"), column(layer, "area_ha"), strict=True))
    assert rows.pop(one(before, "alert_id")) == pytest.approx(geodesic_ha(cell(0, 0, 4)), abs=1e-3)
    assert list(rows.values()) == pytest.approx([geodesic_ha(cell(4, 0))], abs=1e-3)
    assert column(layer, "status") == ["confirmed", "confirmed"]
    assert [str(day) for day in column(layer, "date_first")] == [FIRST, FIRST]
    assert column(layer, "new_ha") == [0, 0]


def test_neighbours_do_not_become_one() -> None:
    """An outline that reaches a few metres into the alert beside it: another alert, without those metres."""
    before = made([cell(0, 0, 3)])
    layer = update(made([cell(2.95, 0, 3)], first=LATER), before)
    assert sorted(column(layer, "status")) == ["new", "persisting"]
    new = layer.columns["status"] == "new"
    assert layer.columns["area_ha"][new][0] == pytest.approx(geodesic_ha(cell(3, 0, 2.95)), abs=1e-3)


def test_what_a_withdrawn_alert_held_is_free() -> None:
    """A new alert that reaches a few metres into one that this run withdraws keeps those metres."""
    layer = update(made([cell(2.95, 0, 3)], first=LATER), made([cell(0, 0, 3)]), 1.0)
    assert column(layer, "status") == ["withdrawn", "new"]
    assert layer.columns["area_ha"][1] == pytest.approx(geodesic_ha(cell(2.95, 0, 3)), abs=1e-3)


@pytest.mark.parametrize(
    ("observed", "day", "status"),
    [(1.0, LATER, "withdrawn"), (0.5, LATER, "withdrawn"), (0.49, LATER, "persisting"), (1.0, FIRST, "persisting")],
)
def test_what_is_not_found_again(observed: float, day: str, status: str) -> None:
    before = made([cell(0, 0)])
    layer = update(made([]), before, observed, (day,))
    assert one(layer, "status") == status
    assert one(layer, "alert_id") == one(before, "alert_id")
    gone = one(before, "area_ha") if status == "withdrawn" else 0
    assert one(layer, "new_ha") == -gone


def test_what_was_withdrawn_and_is_cleared_later_is_a_new_alert() -> None:
    """The same images find the same alert; a later clearing of the place is another one. The area counts once."""
    before = made([cell(0, 0)])
    withdrawn = update(made([]), before, 1.0)
    later = update(made([cell(0, 0)], first=LAST), withdrawn, 1.0, (LAST,))
    assert sorted(column(later, "status")) == ["new", "withdrawn"]
    assert len(set(column(later, "alert_id"))) == 2
    assert standing_ha(later) == one(before, "area_ha")
    back = update(made([cell(0, 0)]), withdrawn, 1.0)
    assert (one(back, "alert_id"), one(back, "status")) == (one(before, "alert_id"), "new")


def test_other_classes_and_changes_are_other_alerts() -> None:
    before = made([cell(0, 0)])
    layer = update(made([cell(0, 0)] * 2, name=["forest", "mine"], change="gain", first=LATER), before)
    assert column(layer, "status") == ["new", "persisting", "new"]
    assert column(layer, "title") == ["Forest gain", "Forest loss", "Forest gain"]


def test_a_second_opinion_of_one_run_only() -> None:
    evidence = {"spectral": np.array(["agrees"], dtype=object), "nbr_drop": np.array([0.3])}
    before = made([cell(0, 0)], evidence=evidence)
    layer = update(made([cell(0, 0), cell(9, 9)], first=LATER), before)
    assert [name for name in layer.columns if name in alerts.OPTIONAL] == ["spectral", "nbr_drop"]
    assert column(layer, "spectral") == ["agrees", ""]
    np.testing.assert_array_equal(layer.columns["nbr_drop"], [0.3, np.nan])


def test_without_days() -> None:
    """Images without a date: nothing is withdrawn, no image counts twice."""
    before = made([cell(0, 0), cell(5, 5)], first="NaT")
    layer = alerts.update(made([cell(0, 0)], first="NaT"), before, np.ones(2), days())
    assert column(layer, "status") == ["persisting", "persisting"]
    assert column(layer, "n_obs") == [1, 1]


def test_empty_layers() -> None:
    empty = made([])
    assert len(update(empty, empty).geometries) == 0
    assert column(update(made([cell(0, 0)]), empty), "status") == ["new"]


@pytest.mark.parametrize("name", ["alerts.gpkg", "alerts.geojson", "alerts.fgb"])
def test_the_run_before_comes_from_a_file(tmp_path, name: str) -> None:
    before = made([cell(0, 0, 2), cell(5, 5)], first=[FIRST, "NaT"])
    driver = {"gpkg": "GPKG", "geojson": "GeoJSON", "fgb": "FlatGeobuf"}[name.split(".")[1]]
    write_layer(tmp_path / name, before, driver)
    read = alerts.read(tmp_path if driver == "GPKG" else tmp_path / name)
    assert list(read.columns) == list(before.columns)
    order = [column(read, "alert_id").index(alert_id) for alert_id in column(before, "alert_id")]
    for column_name, values in before.columns.items():
        assert read.columns[column_name].dtype == values.dtype
        np.testing.assert_array_equal(read.columns[column_name][order], values)
    layer = update(made([cell(0, 0, 2)]), read, dates=(FIRST,))
    assert column(layer, "alert_id") == column(before, "alert_id")


def test_an_empty_file_of_alerts(tmp_path) -> None:
    write_layer(tmp_path / "alerts.gpkg", made([]), "GPKG")
    assert len(alerts.read(tmp_path / "alerts.gpkg").geometries) == 0


def test_a_file_that_holds_no_alerts(tmp_path) -> None:
    path = tmp_path / "detections.gpkg"
    write_layer(
        path, Layer("detections", np.array([cell(0, 0)]), {"class": np.array(["a"], dtype=object)}, UTM), "GPKG"
    )
    with pytest.raises(
        InputError, match=r"detections.gpkg: is no layer of alerts, it lacks alert_id, change.*geolabel change"
    ):
        alerts.read(path)
