"""`geolabel change` by models: of one image, of predictions that exist, of pairs, and by embeddings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio

from geolabel import files
from tests.cli.change_scene import burned, read_alerts
from tests.cli.conftest import FIELD, SIDE
from tests.cli.test_bad_input import fails
from tests.cli.test_pairs import cells, changed, place, write_date
from tests.steps.test_change_vector import PLANTED, scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from geopandas import GeoDataFrame

    from tests.cli.conftest import Done, Way

__all__ = ["place", "scene"]


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fields at two dates, the second a little brighter."""
    folder = tmp_path_factory.mktemp("dates")
    before = cells(3)
    write_date(folder / "2019.tif", before, seed=1, light=1.0, nodata_rows=slice(0, 0))
    write_date(folder / "2020.tif", before | cells(4), seed=2, light=1.1, nodata_rows=slice(0, 0))
    return folder


def hit(alerts: GeoDataFrame, raster: Path) -> np.ndarray:
    """Whether an alert holds the middle of each field."""
    centres = np.arange(SIDE // FIELD) * FIELD + FIELD // 2
    return burned(alerts, raster)[np.ix_(centres, centres)] > 0


def test_a_class_by_a_model(cli: Callable[..., Done], way: Way, dates: Path, tmp_path: Path):
    words = (dates / "2019.tif", dates / "2020.tif", "--model", way.model, "--class", "forest")
    done = cli("change", *words, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = read_alerts(tmp_path / "out")
    assert (hit(found, tmp_path / "out" / "loss.tif") == changed()).mean() > 0.9
    assert set(found["model_sha"]) == {files.fingerprint(way.model)}
    assert done.json["by"] == "model.safetensors"
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["inputs"]["model"] == {"name": "model.safetensors", "fingerprint": files.fingerprint(way.model)}
    unknown = ("change", *words[:4], "--class", "water", "-o", tmp_path / "none")
    fails(cli, tmp_path, *unknown, says=("model.safetensors", "not water", "--class"))


@pytest.fixture(scope="module")
def predictions(dates: Path, way: Way, cli: Callable[..., Done]) -> list[Path]:
    found = []
    for year in (2019, 2020):
        found.append(dates / f"{year}.geolabel")
        done = cli("predict", dates / f"{year}.tif", "--model", way.model, "-o", found[-1])
        assert done.code == 0, done.err
    return found


def test_predictions_that_exist(cli: Callable[..., Done], predictions: list[Path], tmp_path: Path):
    """No images: no pictures, no page, and no second opinion; what is to be opened is there."""
    done = cli("change", *predictions, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = read_alerts(tmp_path / "out")
    assert (hit(found, tmp_path / "out" / "loss.tif") == changed()).mean() > 0.9
    assert "spectral" not in found.columns
    assert set(found["source_after"]) == {"2020.geolabel"}
    assert all(Path(path).is_file() for path in done.json["open_in_qgis"])
    assert {Path(path).name for path in done.json["open_in_qgis"]} == {"project.qgz", "alerts.gpkg"}
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert [image["path"] for image in record["inputs"]["images"]] == ["2019.geolabel", "2020.geolabel"]


def test_predictions_of_another_class(cli: Callable[..., Done], predictions: list[Path], tmp_path: Path):
    words = ("change", *predictions, "--class", "water", "-o", tmp_path / "out")
    fails(cli, tmp_path, *words, says=("2019.geolabel", "bare, forest, not water"))


@pytest.mark.slow
def test_a_model_of_pairs(cli: Callable[..., Done], place: tuple[Path, dict[str, Any]], tmp_path: Path):
    folder, _ = place
    images = (folder / "before.tif", folder / "after.tif", "--dates", "2019,2020")
    model = ("--model", folder / "run" / "model.safetensors")
    fails(
        cli, tmp_path, "change", *images, *model, "-o", tmp_path / "out", says=("loss, stable, not forest", "--class")
    )
    words = ("change", *images, *model, "--class", "loss", "--what", "gain", "-o", tmp_path / "out")
    fails(cli, tmp_path, *words, says=("--what gain",))
    done = cli("change", *images, *model, "--class", "loss", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = read_alerts(tmp_path / "out")
    assert set(found["change"]) == {"change"}
    assert set(found["n_obs"]) == {1}
    assert set(found["date_window_days"]) == {366}
    inner = slice(1, -1)
    shown = hit(found, tmp_path / "out" / "change.tif")[inner, inner]
    assert (shown == changed()[inner, inner]).mean() > 0.85
    assert {path.name for path in (tmp_path / "out").glob("change*.tif")} == {"change.tif", "change-confidence.tif"}
    assert not list((tmp_path / "out").glob("loss*"))
    again = cli("change", *images, *model, "--class", "loss", "--previous", tmp_path / "out", "-o", tmp_path / "b")
    assert again.code == 0, again.err
    same = read_alerts(tmp_path / "b")
    assert same["alert_id"].tolist() == found["alert_id"].tolist()
    assert set(same["status"]) == {"persisting"}


def test_unsupervised_needs_no_labels(
    cli: Callable[..., Done], write_raster: Callable[..., Path], scene: tuple[np.ndarray, np.ndarray], tmp_path: Path
):
    """A mine planted in forest, by the embeddings of the built-in network: most of what is alerted lies about it."""
    for year, date in zip((2019, 2020), scene, strict=True):
        write_raster(f"{year}.tif", date, descriptions=("blue", "green", "red", "nir"), nodata=0)
    words = ("--unsupervised", "--as-they-are", "-o", tmp_path / "out", "--json")
    done = cli("change", tmp_path / "2019.tif", tmp_path / "2020.tif", *words)
    assert done.code == 0, done.err
    assert done.json["by"] == "embeddings"
    found = read_alerts(tmp_path / "out")
    with rasterio.open(tmp_path / "out" / "change.tif") as dataset:
        there = dataset.read(1) == 1
    middle = slice(PLANTED.start + 16, PLANTED.stop - 16)
    assert there[middle, middle].mean() > 0.8
    assert there.mean() < 0.25
    assert set(found["class"]) == {"change"}
    assert {len(sha) for sha in found["model_sha"]} == {32}  # of the detector that was made for these two dates
