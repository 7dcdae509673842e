"""Totals that add up, and a table summed by hand."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel import alerts
from geolabel.alerts.summary import ALL
from tests.alerts.made import cell, made


def table():
    """Five alerts; the last is withdrawn."""
    layer = made(
        [cell(0, row) for row in range(5)],
        name=["forest", "forest", "forest", "mine", "mine"],
        title=["Forest"] * 3 + ["Mine"] * 2,
        change=["loss", "loss", "loss", "gain", "gain"],
        first=["2020-01-01", "2020-12-31", "2021-01-01", "NaT", "NaT"],
    )
    columns = {
        **layer.columns,
        "area_ha": np.array([1.5, 2.25, 4.0, 8.0, 16.0]),
        "protected_ha": np.array([1.0, 0.25, 0.0, 8.0, 16.0]),
        "admin": np.array(["Itaituba", "Altamira", "Itaituba", "", ""], dtype=object),
        "level": np.array(["low", "nominal", "high", "high", "high"], dtype=object),
        "status": np.array(["new", "new", "persisting", "confirmed", "withdrawn"], dtype=object),
    }
    return replace(layer, columns=columns)


def test_a_table_summed_by_hand() -> None:
    rows = [tuple(getattr(row, name) for name in type(row).__slots__) for row in alerts.summary(table())]
    assert rows == [
        ("forest", "loss", "Altamira", 2020, 1, 2.25, 0.25, 0, 1, 0),
        ("forest", "loss", "Itaituba", 2020, 1, 1.5, 1.0, 1, 0, 0),
        ("forest", "loss", "Itaituba", 2021, 1, 4.0, 0.0, 0, 0, 1),
        ("mine", "gain", "", 0, 1, 8.0, 8.0, 0, 0, 1),
    ]
    (total,) = alerts.summary(table(), by=())
    assert (total.class_name, total.year, total.alerts, total.area_ha, total.protected_ha) == (
        None,
        None,
        4,
        15.75,
        9.25,
    )
    assert [(row.year, row.alerts) for row in alerts.summary(table(), by=("year",))] == [(0, 1), (2020, 2), (2021, 1)]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 30))
def test_totals_add_up(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    base = made([cell(at % 6, at // 6) for at in range(n)])
    columns = {
        **base.columns,
        "class": random.choice(np.array(["forest", "mine"], dtype=object), n),
        "admin": random.choice(np.array(["", "A", "B"], dtype=object), n),
        "date_first": np.array(random.choice(["2020-01-01", "2021-01-01", "NaT"], n), dtype="M8[D]"),
        "area_ha": random.uniform(0, 1e4, n).round(4),
        "status": random.choice(np.array(["new", "withdrawn"], dtype=object), n),
    }
    layer = replace(base, columns=columns)
    standing = columns["area_ha"][columns["status"] == "new"]
    for length in range(len(ALL) + 1):
        for by in itertools.combinations(ALL, length):
            rows = alerts.summary(layer, by)
            assert sum(row.area_ha for row in rows) == pytest.approx(standing.sum())
            assert sum(row.alerts for row in rows) == len(standing)
            assert sum(row.low + row.nominal + row.high for row in rows) == len(standing)
            keys = [(row.class_name, row.change, row.unit, row.year) for row in rows]
            assert len(set(keys)) == len(keys)


def test_the_files(tmp_path) -> None:
    alerts.write_summary_csv(tmp_path / "summary.csv", table())
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        "class",
        "change",
        "unit",
        "year",
        "alerts",
        "area_ha",
        "protected_ha",
        "low",
        "nominal",
        "high",
    ]
    assert [row["area_ha"] for row in rows] == ["2.25", "1.5", "4.0", "8.0"]
    alerts.write_summary_json(tmp_path / "summary.json", table())
    value = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert list(value) == ["total", "by_class", "by_unit", "by_year", "rows"]
    assert value["total"]["area_ha"] == 15.75
    assert value["by_class"][1] == value["by_unit"][2] | {"unit": None}
    assert value["rows"][3] == value["by_unit"][2] | {"year": 0}
    assert (value["by_class"][1]["class"], value["by_class"][1]["area_ha"]) == ("mine", 8.0)


def test_the_files_of_no_alerts(tmp_path) -> None:
    alerts.write_summary_csv(tmp_path / "summary.csv", made([]))
    assert (tmp_path / "summary.csv").read_text(encoding="utf-8").count("\n") == 1
    alerts.write_summary_json(tmp_path / "summary.json", made([]))
    value = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (value["total"]["alerts"], value["rows"]) == (0, [])
