"""Presets that need nothing but images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest

from tests.cli.change_scene import FIRST, SECOND, at, picture, read_alerts, write_dates, write_picture
from tests.cli.records import untitled
from tests.cli.test_bad_input import fails
from tests.steps.test_change_vector import scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

__all__ = ["scene"]


def test_deforestation_is_change_with_its_defaults(
    cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same bytes, but for the output's name; which is that of the last image."""
    write_dates(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = cli("detect", "deforestation", "2019.tif", "2020.tif", "--json")
    assert done.code == 0, done.err
    assert done.json["output"] == "2020.alerts"
    found = read_alerts(tmp_path / "2020.alerts")
    assert [len(at(found, box)) for box in (FIRST, SECOND)] == [1, 1]
    assert cli("change", "2019.tif", "2020.tif", "-o", "same").code == 0
    for name in ("alerts.gpkg", "alerts.geojson", "loss.tif", "summary.csv"):
        assert (tmp_path / "same" / name).read_bytes() == (tmp_path / "2020.alerts" / name).read_bytes(), name
    assert untitled(tmp_path / "same") == untitled(tmp_path / "2020.alerts")


def test_deforestation_takes_what_change_takes(
    cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_dates(tmp_path)
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "later.tif", picture((FIRST, SECOND), 9))
    assert cli("detect", "deforestation", "2019.tif", "2020.tif").code == 0
    words = ("2020.tif", "later.tif", "--dates", "2020,2021-03-01", "--mmu", "1ha", "--previous", "2020.alerts")
    done = cli("detect", "deforestation", *words, "-o", "b")
    assert done.code == 0, done.err
    assert set(read_alerts(tmp_path / "b")["status"]) == {"confirmed"}
    fails(cli, tmp_path, "detect", "deforestation", "2019.tif", says=("two images at least",))
    fails(cli, tmp_path, "detect", "deforestation", "2019.tif", "2020.tif", says=("exists already", "--overwrite"))


def test_mining_is_predict_with_the_built_in_model(
    cli: Callable[..., Done],
    write_raster: Callable[..., Path],
    scene: tuple[np.ndarray, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The same bytes; the folder is named after the raster, as `change` names its own."""
    write_raster("after.tif", scene[1], descriptions=("blue", "green", "red", "nir"), nodata=0)
    monkeypatch.chdir(tmp_path)
    done = cli("detect", "mining", "after.tif", "--json")
    assert done.code == 0, done.err
    assert len(geopandas.read_file("after.mining/detections.gpkg", layer="detections")) > 0
    words = ("predict", "after.tif", "--model", "amazon-mining-rgb", "--min-area", "0.5ha", "-o", "same")
    assert cli(*words).code == 0
    for name in ("detections.gpkg", "detections.geojson", "classes.tif", "probabilities.tif"):
        assert (tmp_path / "same" / name).read_bytes() == (tmp_path / "after.mining" / name).read_bytes(), name
    record = json.loads((tmp_path / "after.mining" / "run.json").read_text())
    assert record["command"] == "predict"
    assert "amazon-mining-rgb" in json.dumps(record["inputs"]["model"])


def test_mining_says_which_bands_it_needs(cli: Callable[..., Done], write_raster: Callable[..., Path], tmp_path: Path):
    path = write_raster("nir.tif", np.full((2, 96, 96), 500, "uint16"), descriptions=("red", "nir"))
    fails(cli, tmp_path, "detect", "mining", path, "-o", tmp_path / "mines", says=("green", "blue"))
