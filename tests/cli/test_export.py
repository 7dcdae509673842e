"""`geolabel export` as it is typed: files, a real PostGIS, and what goes wrong in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import pytest

from tests.postgres import PASSWORD, USER, running
from tests.steps.export_folders import BOXES, WORDS, alerts, prediction

if TYPE_CHECKING:
    from tests.cli.conftest import Done
    from tests.postgres import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as found:
        yield found


def one_line(done: Done, *words: str) -> None:
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err
    assert PASSWORD not in done.err + done.out


def test_a_geojson_to_send_by_mail(cli: Callable[..., Done], tmp_path: Path):
    folder = alerts(tmp_path / "region.alerts")
    done = cli("export", folder, "--to", "geojson", "--min-area", "7500m2", "--json")
    assert done.code == 0, done.err
    assert done.json["features"] == 2
    value = json.loads((tmp_path / "region-alerts.geojson").read_text(encoding="utf-8"))
    assert value["description"] == WORDS
    assert [feature["properties"]["date_first"] for feature in value["features"]] == ["2021-07-01", "2020-08-01"]


def test_a_table_and_another_in_its_place(cli: Callable[..., Done], server: Server, tmp_path: Path):
    folder = alerts(tmp_path / "region.alerts")
    words = ("export", folder, "--to", "postgis", "-o", server.dsn)
    done = cli(*words, "--json")
    assert done.code == 0, done.err
    assert PASSWORD not in done.out + done.err
    assert done.json["output"] == f"{server.folder}/maps alerts"
    assert server.rows("SELECT alert_id FROM alerts ORDER BY fid") == [("FL-A",), ("MG-B",), ("FL-C",)]
    assert server.rows("SELECT obj_description('alerts'::regclass)") == [(f"Written by geolabel; {WORDS}",)]
    one_line(cli(*words), "alerts: exists already; give --overwrite")
    again = cli(*words, "--overwrite", "--min-area", ".75ha")
    assert again.code == 0, again.err
    assert server.rows("SELECT count(*), count(nbr_drop) FROM alerts") == [(2, 0)]
    areas = [row[0] for row in server.rows("SELECT ST_Area(geom) FROM alerts ORDER BY fid")]
    assert areas == [BOXES[1].area, BOXES[2].area]


def test_a_table_by_libpqs_words_in_a_schema(cli: Callable[..., Done], server: Server, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    server.rows("CREATE SCHEMA brazil")
    folder = prediction(tmp_path / "region.geolabel")
    dsn = f"PG:host={server.folder} dbname=maps user={USER}"
    done = cli("export", folder, "--to", "postgis", "-o", dsn, "--table", "brazil.mines", "--json")
    assert done.code == 0, done.err
    assert done.json["output"].endswith("maps brazil.mines")
    assert server.rows("SELECT count(*) FROM brazil.mines") == [(3,)]
    assert server.rows("SELECT f_table_schema FROM layer_styles WHERE f_table_name = 'mines'") == [("brazil",)]


def test_a_database_that_cannot_be_written(cli: Callable[..., Done], server: Server, tmp_path: Path):
    folder = prediction(tmp_path / "region.geolabel")
    words = ("export", folder, "--to", "postgis")
    server.rows("CREATE ROLE reader LOGIN PASSWORD 'read'")
    for dsn, says in (
        (f"postgresql://{USER}:{PASSWORD}@/maps?host={tmp_path}", "is the server running"),
        (f"postgresql://{USER}:{PASSWORD}@127.0.0.1:1/maps", "is the server running"),
        (server.dsn.replace("/maps?", "/atlas?"), '"atlas" does not exist'),
        (f"postgresql://{USER}:{PASSWORD}x@/maps?host={server.folder}", "password"),
        (f"postgresql://reader:read@/maps?host={server.folder}", "ask for the right"),
        (f"postgresql://{USER}:{PASSWORD}@[oops", "postgresql://user@host/database"),
    ):
        one_line(cli(*words, "-o", dsn), says)
    one_line(cli(*words), "-o postgresql://user@host/database")
    one_line(cli(*words, "-o", server.dsn, "--table", "none.mines"), "CREATE SCHEMA")
    assert server.rows("SELECT to_regclass('detections')") == [(None,)]


def test_the_item_names_what_is_there(cli: Callable[..., Done], tmp_path: Path):
    folder = prediction(tmp_path / "region.geolabel")
    done = cli("export", folder, "--to", "stac", "--json")
    assert done.code == 0, done.err
    assert done.json["assets"] == ["classes", "detections-gpkg", "probabilities", "run-json"]
    one_line(cli("export", folder, "--to", "stac"), "item.json: exists already")
    one_line(cli("export", folder, "--to", "stac", "--simplify", "5m"), "--simplify")


def test_simplified_on_a_metric_plane(cli: Callable[..., Done], tmp_path: Path):
    folder = prediction(tmp_path / "region.geolabel")
    target = tmp_path / "a.fgb"
    done = cli("export", folder, "--to", "flatgeobuf", "--simplify", "15m", "-o", target, "--json")
    assert done.code == 0, done.err
    assert sorted(geopandas.read_file(target)["area_ha"]) == [0.5, 1.0, 2.0]


def test_without_the_extra(cli: Callable[..., Done], tmp_path: Path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    folder = prediction(tmp_path / "region.geolabel")
    words = ("export", folder, "--to", "postgis", "-o", "postgresql://localhost/maps")
    one_line(cli(*words), "pip install 'geolabel[postgis]'")
