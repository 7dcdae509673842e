"""Tables of a real PostgreSQL with PostGIS, read back by SQL."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from pyproj import Geod

from geolabel import maps, vector
from geolabel.errors import GeolabelError, OptionError, OutputError
from geolabel.maps import ClassStyle
from geolabel.vector import Layer
from tests.postgres import DATABASE, PASSWORD, USER, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Server

WHOLE, HOLE = shapely.box(701_000, 9e6, 701_100, 9e6 + 100), shapely.box(701_040, 9e6 + 40, 701_060, 9e6 + 60)
TWO = [shapely.box(702_000, 9e6, 702_030, 9e6 + 30), shapely.box(702_060, 9e6, 702_090, 9e6 + 30)]
BOXES = np.array(
    [shapely.box(700_000, 9e6, 700_500, 9e6 + 200), shapely.difference(WHOLE, HOLE), shapely.multipolygons(TWO)]
)
LAYER = Layer(
    "alerts",
    BOXES,
    {
        "alert_id": np.array(["FL-1", "FL-2", "ML-3"], dtype=object),
        "class": np.array(["forest", "it's; DROP TABLE", "mine"], dtype=object),
        "driver": np.array(["", None, "garimpo \\N \t"], dtype=object),
        "confidence": np.array([0.5, 1.0, 0.25]),
        "date_first": np.array(["2020-02-29", "1985-07-01", "NaT"], dtype="datetime64[D]"),
        "n_obs": np.array([1, 2, 2**40]),
        "nbr_drop": np.array([0.1, np.nan, -0.2]),
    },
    "EPSG:32721",
    attribution=("© somebody's", "© other"),
)
QML = maps.vector_qml([ClassStyle(1, "forest", "Forest <&> wood", "#1b7837"), ClassStyle(2, "mine", "Mine", "#f28c1e")])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as found:
        yield found


def test_a_table_reads_back_by_sql(server: Server) -> None:
    vector.write_postgis(vector.table_at(server.dsn, "alerts"), LAYER, QML)
    rows = server.rows(
        'SELECT fid, alert_id, "class", driver, confidence, date_first, n_obs, nbr_drop FROM alerts ORDER BY fid'
    )
    assert rows == [
        (1, "FL-1", "forest", "", 0.5, dt.date(2020, 2, 29), 1, 0.1),
        (2, "FL-2", "it's; DROP TABLE", None, 1.0, dt.date(1985, 7, 1), 2, None),
        (3, "ML-3", "mine", "garimpo \\N \t", 0.25, None, 2**40, -0.2),
    ]
    told = server.rows("SELECT DISTINCT ST_IsValid(geom), ST_SRID(geom), GeometryType(geom) FROM alerts")
    assert told == [(True, 32721, "MULTIPOLYGON")]
    assert server.rows("SELECT type, srid FROM geometry_columns WHERE f_table_name = 'alerts'") == [
        ("MULTIPOLYGON", 32721)
    ]
    types = dict(server.rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_name='alerts'"))
    assert [types[name] for name in ("fid", "alert_id", "confidence", "date_first", "n_obs")] == [
        "bigint",
        "text",
        "double precision",
        "date",
        "bigint",
    ]
    wkb = [bytes(row[0]) for row in server.rows("SELECT ST_AsBinary(geom) FROM alerts ORDER BY fid")]
    assert shapely.equals(shapely.from_wkb(wkb), BOXES).all()


def test_areas_are_those_of_the_ellipsoid(server: Server) -> None:
    vector.write_postgis(vector.table_at(server.dsn, "areas"), LAYER, QML)
    found = server.rows("SELECT ST_Area(ST_Transform(geom, 4326)::geography) FROM areas ORDER BY fid")
    lonlat = vector.to_wgs84(BOXES, LAYER.crs)
    expected = [abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.normalize(one))[0]) for one in lonlat]
    np.testing.assert_allclose([row[0] for row in found], expected, rtol=1e-6)


def test_key_index_comment_and_style(server: Server) -> None:
    server.rows("CREATE SCHEMA deforestation")
    table = vector.table_at("PG:" + server.dsn, "deforestation.My Alerts")
    vector.write_postgis(table, LAYER, QML)
    indexes = [row[0] for row in server.rows("SELECT indexdef FROM pg_indexes WHERE tablename = 'My Alerts'")]
    assert any("USING gist (geom)" in text for text in indexes)
    assert sum("UNIQUE" in text for text in indexes) == 2  # the key, and the alerts' ids
    assert server.rows("""SELECT obj_description('deforestation."My Alerts"'::regclass)""") == [
        ("Written by geolabel; © somebody's; © other",)
    ]
    vector.write_postgis(table, LAYER, QML, overwrite=True)
    styles = server.rows(
        "SELECT f_table_catalog, f_geometry_column, useasdefault, styleqml::text FROM layer_styles "
        "WHERE f_table_schema = 'deforestation' AND f_table_name = 'My Alerts'"
    )
    assert len(styles) == 1
    assert styles[0][:3] == ("maps", "geom", True)
    assert "Forest &lt;&amp;&gt; wood" in styles[0][3]


def test_qgis_opens_it_styled(server: Server) -> None:
    python, environment = "/usr/bin/python3", {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONPATH", None)
    if subprocess.run([python, "-c", "import qgis.core"], capture_output=True, check=False).returncode:
        pytest.skip(f"QGIS is not installed for {python}; apt install python3-qgis")
    vector.write_postgis(vector.table_at(server.dsn, "styled"), LAYER, QML)
    words = [server.folder, DATABASE, USER, PASSWORD, "public", "styled"]
    command = [python, Path(__file__).with_name("table_in_qgis.py"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["valid"]
    assert seen["crs"] == "EPSG:32721"
    assert seen["legend"] == [["Forest <&> wood", "#1b7837"], ["Mine", "#f28c1e"]]
    assert seen["ids"] == ["FL-1", "FL-2", "ML-3"]
    assert seen["abstract"] == "Written by geolabel; © somebody's; © other"
    assert seen["types"]["date_first"] == "date"


def test_a_table_that_exists_is_replaced_only_when_asked(server: Server) -> None:
    table = vector.table_at(server.dsn, "twice")
    vector.write_postgis(table, LAYER, QML)
    small = replace(LAYER, geometries=BOXES[:1], columns={name: values[:1] for name, values in LAYER.columns.items()})
    with pytest.raises(OutputError, match="twice: exists already; give --overwrite"):
        vector.write_postgis(table, small, QML)
    assert server.rows("SELECT count(*) FROM twice") == [(3,)]
    vector.write_postgis(table, small, QML, overwrite=True)
    assert server.rows("SELECT count(*) FROM twice") == [(1,)]
    server.rows("CREATE VIEW seen AS SELECT * FROM twice")
    with pytest.raises(OutputError, match="views are made of it"):
        vector.write_postgis(table, LAYER, QML, overwrite=True)
    with pytest.raises(OutputError, match="seen: is no table"):
        vector.write_postgis(vector.table_at(server.dsn, "seen"), LAYER, QML, overwrite=True)
    assert server.rows("SELECT count(*) FROM seen") == [(1,)]


def test_somebody_else_s_table_stays(server: Server) -> None:
    server.rows("CREATE TABLE mine AS SELECT 7 AS x")
    with pytest.raises(OutputError, match="mine: is a table that geolabel did not make"):
        vector.write_postgis(vector.table_at(server.dsn, "mine"), LAYER, QML, overwrite=True)
    assert server.rows("SELECT x FROM mine") == [(7,)]


def test_without_a_right_to_styles_the_table_is_written(server: Server) -> None:
    server.rows("CREATE SCHEMA IF NOT EXISTS team")
    server.rows("DROP TABLE IF EXISTS layer_styles")
    server.rows("DO $$ BEGIN CREATE ROLE plain LOGIN PASSWORD 'plain'; EXCEPTION WHEN duplicate_object THEN END $$")
    server.rows("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    server.rows("GRANT ALL ON SCHEMA team TO plain")
    plain = server.dsn.replace(USER, "plain", 1).replace(PASSWORD, "plain", 1)
    vector.write_postgis(vector.table_at(plain, "team.own"), LAYER, QML)
    assert server.rows("SELECT count(*) FROM team.own") == [(3,)]


def test_whole_or_not_at_all(server: Server) -> None:
    """A row that cannot be written leaves the table that was there, its style too."""
    table = vector.table_at(server.dsn, "kept")
    vector.write_postgis(table, LAYER, QML)
    before = server.rows("SELECT id, stylename FROM layer_styles WHERE f_table_name = 'kept'")
    twice = replace(LAYER, columns={**LAYER.columns, "alert_id": np.array(["a", "b", "a"], dtype=object)})
    with pytest.raises(OutputError, match="kept: .*unique"):
        vector.write_postgis(table, twice, QML, overwrite=True)
    zero = replace(LAYER, columns={**LAYER.columns, "driver": np.array(["", "\0", ""], dtype=object)})
    with pytest.raises(OutputError, match="kept: .*0x00"):
        vector.write_postgis(table, zero, QML, overwrite=True)
    with pytest.raises(OutputError, match="fresh: .*XML"):
        vector.write_postgis(vector.table_at(server.dsn, "fresh"), LAYER, "<qgis")
    assert server.rows("SELECT alert_id FROM kept ORDER BY fid") == [("FL-1",), ("FL-2",), ("ML-3",)]
    assert server.rows("SELECT id, stylename FROM layer_styles WHERE f_table_name = 'kept'") == before
    assert server.rows("SELECT to_regclass('fresh')") == [(None,)]


def test_a_crs_without_a_number_becomes_wgs84(server: Server) -> None:
    laea = "+proj=laea +lat_0=-9 +lon_0=-54 +ellps=WGS84 +units=m"
    columns = {"class": np.array(["mine"], dtype=object)}
    layer = Layer("detections", np.array([shapely.box(0, 0, 1_000, 1_000)]), columns, laea)
    vector.write_postgis(vector.table_at(server.dsn, "own_crs"), layer, QML)
    ((srid, x, y, area),) = server.rows(
        "SELECT ST_SRID(geom), ST_XMin(geom), ST_YMin(geom), ST_Area(geom::geography) FROM own_crs"
    )
    assert srid == 4326
    assert (x, y) == pytest.approx((-54, -9))
    assert area == pytest.approx(1e6, rel=1e-5)


def test_no_rows_are_a_table_too(server: Server) -> None:
    empty = replace(LAYER, geometries=BOXES[:0], columns={name: values[:0] for name, values in LAYER.columns.items()})
    vector.write_postgis(vector.table_at(server.dsn, "nothing"), empty, QML)
    assert server.rows("SELECT count(*), count(alert_id) FROM nothing") == [(0, 0)]


def test_two_at_once_make_one_table(server: Server) -> None:
    failed: list[GeolabelError] = []

    def write() -> None:
        try:
            vector.write_postgis(vector.table_at(server.dsn, "raced"), LAYER, QML)
        except GeolabelError as error:
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 2
    assert server.rows("SELECT count(*) FROM raced") == [(3,)]


def test_without_postgis(server: Server) -> None:
    table = vector.table_at(server.dsn.replace("/maps?", "/postgres?"), "alerts")
    with pytest.raises(OutputError, match="has no PostGIS; run there: CREATE EXTENSION postgis"):
        vector.write_postgis(table, LAYER, QML)
    with pytest.raises(OutputError, match="no schema 'none'"):
        vector.write_postgis(vector.table_at(server.dsn, "none.alerts"), LAYER, QML)


def test_the_password_is_nowhere(server: Server, tmp_path) -> None:
    table = vector.table_at(server.dsn, "alerts")
    assert PASSWORD not in str(table)
    wrong = vector.table_at(server.dsn.replace(PASSWORD, "oth3r-Secret"), "alerts")
    nobody = vector.table_at(f"postgresql://{USER}:{PASSWORD}@/maps?host={tmp_path}", "alerts")
    for where in (wrong, nobody):
        with pytest.raises(OutputError, match="is the server running") as caught:
            vector.write_postgis(where, LAYER, QML)
        assert "\n" not in str(caught.value)
        assert "oth3r" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "dsn", ["out.gpkg", "PG:host=a password='oops secret", "postgresql://a:oops@[secret", "PG:secret"]
)
def test_an_address_that_is_none(dsn: str) -> None:
    with pytest.raises(OptionError, match="postgresql://user@host/database") as caught:
        vector.table_at(dsn, "alerts")
    assert "oops" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a.", "x" * 64, "a\0b"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(OptionError, match="--table"):
        vector.table_at("postgresql://localhost/maps", name)


def test_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(GeolabelError, match=r"pip install 'geolabel\[postgis\]'"):
        vector.table_at("postgresql://localhost/maps", "alerts")
