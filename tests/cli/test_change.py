"""`geolabel change` on clearings whose pixels are known: dates, sightings, runs one after the other, choices."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from geolabel import alerts as room
from tests.alerts.made import geodesic_ha
from tests.cli.change_scene import (
    CRS,
    FIRST,
    LEFT,
    SECOND,
    THIRD,
    TOP,
    Box,
    at,
    burned,
    median_pixels,
    overlapping,
    part,
    picture,
    read_alerts,
    read_band,
    write_dates,
    write_picture,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Path:
    """Dates, and the alerts of 2019 → 2020; not to be written to."""
    folder = tmp_path_factory.mktemp("place")
    write_dates(folder)
    done = cli("change", folder / "2019.tif", folder / "2020.tif", "-o", folder / "2020.alerts", "--json")
    assert done.code == 0, done.err
    (folder / "said.json").write_text(done.out)
    return folder


def change(cli: Callable[..., Done], *words: object) -> Any:
    done = cli("change", *words, "--json")
    assert done.code == 0, done.err
    return done.json


def test_two_dates_give_the_clearings_pixel_by_pixel(place: Path):
    found = read_alerts(place / "2020.alerts")
    assert len(found) == 2
    ids = burned(found, place / "2020.alerts" / "loss.tif")
    for box in (FIRST, SECOND):
        one = at(found, box).iloc[0]
        pixels = median_pixels(box)
        assert (ids[part(box)] == at(found, box).index[0] + 1).sum() == pixels
        assert shapely.area(one.geometry) == pytest.approx(pixels * 100)
        assert one["area_ha"] == pytest.approx(geodesic_ha(one.geometry, CRS), rel=1e-4)
        # NDVI of (3000 − 250) / 3250 before, of (2600 − 2000) / 4600 after
        assert one["ndvi_drop"] == pytest.approx(2750 / 3250 - 600 / 4600, abs=0.02)
        assert one[["status", "spectral", "n_obs"]].tolist() == ["new", "agrees", 1]
        assert one[["source_before", "source_after"]].tolist() == ["2019.tif", "2020.tif"]
        assert one["date_window_days"] == 366  # 2019-07-01 to 2020-07-01
    said = json.loads((place / "said.json").read_text())
    assert said["alerts"] == 2
    assert said["area_ha"] == pytest.approx(found["area_ha"].sum())
    assert said["new_ha"] == pytest.approx(said["area_ha"], abs=0.01)
    assert all(Path(path).exists() for path in said["open_in_qgis"])


def test_a_third_date_confirms_and_dates_stay_apart(cli: Callable[..., Done], place: Path, tmp_path: Path):
    dates = [place / f"{year}.tif" for year in (2021, 2019, 2020)]  # in any order
    change(cli, *dates, "-o", tmp_path / "out")
    found = read_alerts(tmp_path / "out")
    assert len(found) == 3
    for box in (FIRST, SECOND):
        one = at(found, box).iloc[0]
        assert one[["status", "level", "n_obs", "date_window_days"]].tolist() == ["confirmed", "high", 2, 366]
        assert (str(one["date_first"])[:10], str(one["date_last"])[:10]) == ("2020-07-01", "2021-07-01")
    third = at(found, THIRD).iloc[0]
    assert third[["status", "n_obs", "date_window_days", "source_before"]].tolist() == ["new", 1, 365, "2020.tif"]
    loss = read_band(tmp_path / "out" / "loss.tif")
    ids = burned(found, tmp_path / "out" / "loss.tif")
    year = np.append(0, found["date_first"].dt.year - 2019)
    assert (loss == year[ids]).all()
    with rasterio.open(tmp_path / "out" / "loss.tif") as dataset:
        assert dataset.nodata == 255
        assert len({dataset.colormap(1)[number] for number in (0, 1, 2, 254)}) == 4
    assert overlapping(found) == 0


def test_clouds_at_the_date_between_widen_the_window(cli: Callable[..., Done], place: Path, tmp_path: Path):
    hidden = (FIRST[0] - 8, FIRST[1] - 8, 36, 36)
    write_picture(tmp_path / "2020.tif", picture((FIRST, SECOND), 5, hidden=(hidden,)))
    change(cli, place / "2019.tif", tmp_path / "2020.tif", place / "2021.tif", "-o", tmp_path / "out")
    found = read_alerts(tmp_path / "out")
    one = at(found, FIRST).iloc[0]
    assert one[["n_obs", "date_window_days"]].tolist() == [1, 731]
    assert one[["source_before", "source_after"]].tolist() == ["2019.tif", "2021.tif"]
    assert at(found, SECOND).iloc[0][["n_obs", "date_window_days"]].tolist() == [2, 366]


def test_the_same_run_again_finds_nothing_new(cli: Callable[..., Done], place: Path, tmp_path: Path):
    words = (place / "2019.tif", place / "2020.tif", "--previous", place / "2020.alerts")
    said = change(cli, *words, "-o", tmp_path / "out")
    assert said["new_ha"] == 0
    before, after = read_alerts(place / "2020.alerts"), read_alerts(tmp_path / "out")
    for name in ("alert_id", "area_ha", "n_obs", "date_first", "date_last", "level"):
        assert (before[name] == after[name]).all(), name
    assert before.geometry.geom_equals(after.geometry).all()
    assert set(after["status"]) == {"persisting"}
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["inputs"]["previous"]["path"] == "2020.alerts"


def test_a_later_run_confirms_what_is_still_gone_and_withdraws_what_is_back(
    cli: Callable[..., Done], place: Path, tmp_path: Path
):
    """2020 → 2022: the first clearing lies before this run, the second is forest again, the third is new."""
    before = read_alerts(place / "2020.alerts")
    words = (place / "2020.tif", place / "2022.tif", "--previous", place / "2020.alerts" / "alerts.gpkg")
    said = change(cli, *words, "-o", tmp_path / "out")
    found = read_alerts(tmp_path / "out")
    old, back, new = (at(found, box).iloc[0] for box in (FIRST, SECOND, THIRD))
    assert old[["alert_id", "area_ha"]].tolist() == at(before, FIRST).iloc[0][["alert_id", "area_ha"]].tolist()
    assert old[["status", "n_obs", "new_ha"]].tolist() == ["confirmed", 2, 0]
    assert str(old["date_last"])[:10] == "2022-07-01"
    assert str(old["date_first"])[:10] == "2020-07-01"
    assert back["status"] == "withdrawn"
    assert back["new_ha"] == -back["area_ha"]
    assert new["status"] == "new"
    assert said["alerts"] == 2
    assert said["area_ha"] == pytest.approx(old["area_ha"] + new["area_ha"])
    assert overlapping(found) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["total"]["alerts"] == 2


def test_an_earlier_image_withdraws_nothing(cli: Callable[..., Done], place: Path, tmp_path: Path):
    """2019 shows forest where the alerts of 2020 are: it is older than they are."""
    write_picture(tmp_path / "2018.tif", picture((), 18))
    words = (tmp_path / "2018.tif", place / "2019.tif", "--as-they-are", "--previous", place / "2020.alerts")
    change(cli, *words, "-o", tmp_path / "out")
    found = read_alerts(tmp_path / "out")
    assert found["status"].tolist() == ["persisting"] * 2
    assert found["n_obs"].tolist() == [1, 1]


def test_gain_and_both(cli: Callable[..., Done], place: Path, tmp_path: Path):
    """2021 → 2022: the second clearing grows over. With --what both, one kind that is missing takes nothing away."""
    words = (place / "2021.tif", place / "2022.tif", "--as-they-are")
    gain = change(cli, *words, "--what", "gain", "-o", tmp_path / "gain")
    found = read_alerts(tmp_path / "gain")
    assert gain["alerts"] == len(at(found, SECOND)) == 1
    assert found.iloc[0][["change", "title", "spectral"]].tolist() == ["gain", "Forest gain", "agrees"]
    assert found.iloc[0]["ndvi_drop"] < -0.6
    assert {path.name for path in (tmp_path / "gain").glob("*.tif")} == {"gain.tif", "gain-confidence.tif"}
    change(cli, place / "2019.tif", place / "2020.tif", "--what", "both", "-o", tmp_path / "both")
    both, only = read_alerts(tmp_path / "both"), read_alerts(place / "2020.alerts")
    assert list(both.columns) == list(only.columns)
    assert both.drop(columns="geometry").equals(only.drop(columns="geometry"))
    assert (read_band(tmp_path / "both" / "gain.tif") == 0).sum() > 0


def test_an_area_of_interest_hides_the_rest(cli: Callable[..., Done], place: Path, tmp_path: Path):
    half = shapely.box(LEFT, TOP - 900, LEFT + 2400, TOP)  # rows 0 to 90: the first clearing
    geopandas.GeoDataFrame(geometry=[half], crs=CRS).to_crs("EPSG:4326").to_file(tmp_path / "aoi.geojson")
    words = (place / "2019.tif", place / "2020.tif", "--as-they-are", "--aoi", tmp_path / "aoi.geojson")
    change(cli, *words, "-o", tmp_path / "out")
    found, whole = read_alerts(tmp_path / "out"), read_alerts(place / "2020.alerts")
    assert found["alert_id"].tolist() == at(whole, FIRST)["alert_id"].tolist()
    loss = read_band(tmp_path / "out" / "loss.tif")
    assert (loss[92:] == 255).all()
    assert (loss[:88] != 255).all()


def test_the_minimum_mapping_unit(cli: Callable[..., Done], place: Path, tmp_path: Path):
    """3.96 and 2.96 ha: one of them reaches 3.5; none reaches 4, and the folder of no alerts is whole."""
    words = (place / "2019.tif", place / "2020.tif", "--as-they-are")
    change(cli, *words, "--mmu", "3.5ha", "-o", tmp_path / "large")
    found = read_alerts(tmp_path / "large")
    assert found["mmu_ha"].tolist() == [3.5]
    assert len(at(found, FIRST)) == 1
    assert (read_band(tmp_path / "large" / "loss.tif") == 1).sum() == median_pixels(FIRST)
    none = change(cli, *words, "--mmu", "0.04km2", "-o", tmp_path / "none")
    assert (none["alerts"], none["area_ha"], none["totals"]) == (0, 0, [])
    names = {path.name for path in (tmp_path / "none").iterdir()}
    assert names == {path.name for path in (tmp_path / "large").iterdir()}
    assert len(read_alerts(tmp_path / "none")) == 0
    assert json.loads((tmp_path / "none" / "alerts.geojson").read_text())["features"] == []
    again = change(cli, *words, "--previous", tmp_path / "none", "-o", tmp_path / "again")
    assert again["alerts"] == 2


def test_whose_land(cli: Callable[..., Done], place: Path, tmp_path: Path):
    """The western half of the first clearing is a reserve; all lies in one municipality, but the south."""
    row, col, _, width = FIRST
    middle = LEFT + 10 * (col + width / 2)
    reserve = shapely.box(LEFT, TOP - 2400, middle, TOP - 10 * (row - 5))
    geopandas.GeoDataFrame({"NAME": ["Tambo"]}, geometry=[reserve], crs=CRS).to_file(tmp_path / "wdpa.gpkg")
    north = shapely.box(LEFT, TOP - 1000, LEFT + 2400, TOP)
    geopandas.GeoDataFrame({"unit": ["North"]}, geometry=[north], crs=CRS).to_file(tmp_path / "units.gpkg")
    words = ("--protected", tmp_path / "wdpa.gpkg", "--admin", tmp_path / "units.gpkg", "--admin-name", "unit")
    said = change(cli, place / "2019.tif", place / "2020.tif", *words, "--as-they-are", "-o", tmp_path / "out")
    found = read_alerts(tmp_path / "out")
    first, second = (at(found, box).iloc[0] for box in (FIRST, SECOND))
    assert first[["protected_name", "admin"]].tolist() == ["Tambo", "North"]
    assert first["protected_ha"] == pytest.approx(first["area_ha"] / 2, rel=0.01)
    assert second[["protected_name", "admin", "protected_ha"]].tolist() == ["", "", 0]
    assert said["protected_ha"] == pytest.approx(first["protected_ha"], abs=0.01)
    rows = (tmp_path / "out" / "summary.csv").read_text().splitlines()
    assert [row.split(",")[2] for row in rows] == ["unit", "", "North"]


def test_another_crs_and_fewer_bands_work(cli: Callable[..., Done], place: Path, tmp_path: Path):
    """The later date in longitude and latitude, without near infrared: what both have tells the forest.

    It is resampled to there and back, so that pixels at the clearings' edges are mixed.
    """
    with rasterio.open(place / "2020.tif") as source:
        west, south, east, north = transform_bounds(source.crs, "EPSG:4326", *source.bounds)
        there = Affine((east - west) / 240, 0, west, 0, (south - north) / 240, north)
        how = {"crs": "EPSG:4326", "transform": there, "width": 240, "height": 240, "resampling": Resampling.bilinear}
        with WarpedVRT(source, **how) as warped:
            pixels = warped.read()[:2]
    write_picture(tmp_path / "2020.tif", pixels, bands=("green", "red"), crs="EPSG:4326", transform=there)
    change(cli, place / "2019.tif", tmp_path / "2020.tif", "-o", tmp_path / "out")
    found, same = read_alerts(tmp_path / "out"), read_alerts(place / "2020.alerts")
    assert found.crs == CRS
    assert len(found) == 2
    for box in (FIRST, SECOND):
        one, other = at(found, box).geometry.iloc[0], at(same, box).geometry.iloc[0]
        assert one.covers(other)
        assert other.buffer(15).covers(one)


def test_as_they_are_compares_the_files_themselves(cli: Callable[..., Done], place: Path, tmp_path: Path):
    said = change(cli, place / "2019.tif", place / "2020.tif", "--as-they-are", "-o", tmp_path / "out")
    assert [row["cloud"] for row in said["images"]] == [None, None]
    assert [row["normalised"] for row in said["images"]] == ["", ""]
    assert read_alerts(tmp_path / "out")["alert_id"].tolist() == read_alerts(place / "2020.alerts")["alert_id"].tolist()
    project = (tmp_path / "out" / "project.qgz").read_bytes()
    assert project[:2] == b"PK"


def test_the_same_input_gives_the_same_bytes(cli: Callable[..., Done], place: Path, tmp_path: Path):
    for name in ("2019.tif", "2020.tif"):  # named by relative paths
        shutil.copyfile(place / name, tmp_path / name)
    change(cli, tmp_path / "2019.tif", tmp_path / "2020.tif", "-o", tmp_path / "2020.alerts")
    names = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(names) >= 14
    different = [str(name) for name in names if (tmp_path / name).read_bytes() != (place / name).read_bytes()]
    assert not different


def test_alerts_are_read_as_they_were_made(place: Path):
    layer = room.read(place / "2020.alerts")
    optional = {"nbr_drop"}  # no short-wave infrared
    assert list(layer.columns) == [name for name in room.COLUMNS if name not in optional]
    assert len(layer.geometries) == 2


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    cli: Callable[..., Done], place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "2020.alerts"
    for name in ("2019.tif", "2020.tif"):
        shutil.copyfile(place / name, tmp_path / name)
    words = ("change", tmp_path / "2019.tif", tmp_path / "2020.tif", "-o", out)
    work = out.with_name("2020.alerts.work")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("geolabel.steps.change.measure", stop)
        done = cli(*words)
    assert done.code == 130
    assert f"{work} keeps what is done" in done.err
    assert not out.exists()
    assert (work / "prepared.json").is_file()
    other = cli(*words, "--mmu", "1ha")
    assert other.code == 1
    assert "holds the work of another run" in other.err
    # what was prepared is taken, not made again
    with monkeypatch.context() as patch:
        patch.setattr("geolabel.steps.changes.sources.prepare", stop)
        assert cli(*words).code == 0
    assert not work.exists()
    for name in ("alerts.gpkg", "alerts.geojson", "loss.tif", "loss-confidence.tif", "run.json"):
        assert (out / name).read_bytes() == (place / "2020.alerts" / name).read_bytes(), name
    shutil.rmtree(out)


def test_forest_in_a_corner_is_found(cli: Callable[..., Done], tmp_path: Path):
    """The last rows alone are forest: the sample that it is learned from reaches them."""
    farm: Box = (0, 48, 196, 192)
    lost: Box = (210, 120, 16, 20)
    for year, cleared in ((2019, (farm,)), (2020, (farm, lost))):
        write_picture(tmp_path / f"{year}.tif", picture(cleared, year))
    change(cli, tmp_path / "2019.tif", tmp_path / "2020.tif", "--as-they-are", "-o", tmp_path / "out")
    found = read_alerts(tmp_path / "out")
    assert len(found) == len(at(found, lost)) == 1
    assert (read_band(tmp_path / "out" / "loss.tif") == 1).sum() == median_pixels(lost)
