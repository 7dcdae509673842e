"""Errors of a model in a table and on a page: those that the scores count, with the pictures of their tiles."""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import rasterio
import torch
from PIL import Image
from pyproj import Transformer

from geolabel.learn.chips import load_chips
from geolabel.learn.store import load_predictor
from geolabel.steps.evaluate import EvaluateReport, evaluate
from geolabel.steps.reporting.ground import ground_of
from geolabel.steps.train import train
from geolabel.tiling.index import LABEL_PREFIX, dictionary, read_index, write_index
from tests.conftest import UTM
from tests.steps.lesson import SIZE, TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


PLACES = np.random.default_rng(5).permutation(TILES)


@pytest.fixture
def tiles(write_raster: WriteRaster) -> Path:
    """Every other river looks like a mine; of some tiles nobody knows whether there is a mine."""
    mine, river = draw_classes(2).T
    seen = np.column_stack([np.maximum(mine, river * (np.arange(TILES) % 2)), river])
    mine = mine.copy()
    mine[::9] = np.nan
    path = write_tiles(write_region(write_raster, seen, doubt=4), {"mine": mine, "river": river})
    index = read_index(path)
    parts = ["test" if number % 2 else part for number, part in zip(PLACES, index.column("split"), strict=True)]
    write_index(path, index.with_columns({"split": dictionary(parts)}), overwrite=True)
    return path


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "errors.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def run(tiles: Path, folder: Path, **options: Any) -> EvaluateReport:
    done = train(tiles, model="logistic", output=folder / "run", **options)
    return evaluate(done.model, tiles, output=folder / "e")


def test_the_table_has_the_errors_that_the_scores_count(tiles: Path, tmp_path: Path):
    found = run(tiles, tmp_path)
    rows = rows_of(tmp_path / "e")
    assert b"\r" not in (tmp_path / "e" / "errors.csv").read_bytes()
    assert found.errors == len(rows) == sum(one.fp + one.fn for one in found.scores.classes) > 10
    index = read_index(tiles)
    at = {int(number): row for row, number in enumerate(index.column("tile"))}
    part = np.flatnonzero(index.column("split") == "test")
    predictor = load_predictor(tmp_path / "run" / "model.safetensors", torch.device("cpu"))
    chips = load_chips(index, part, tiles.parent, tmp_path)
    told = dict(zip(part.tolist(), predictor(chips.pixels, chips.valid), strict=True))
    to_degrees = Transformer.from_crs(index.crs, "EPSG:4326", always_xy=True)
    for one in rows:
        row, column = at[int(one["tile"])], ("mine", "river").index(one["class"])
        share = index.shares[row]
        assert share[column] == (one["kind"] == "miss")  # unknown is no error
        assert float(one["probability"]) == pytest.approx(told[row][column], abs=1e-4)
        labels = ";".join(name for name, part_ in zip(("mine", "river"), share, strict=True) if part_ == 1)
        assert (one["labels"], one["source"]) == (labels, "region.tif")
        left, top = (int(index.column(name)[row]) for name in ("col_off", "row_off"))
        place = to_degrees.transform(UTM.c + 10 * (left + SIZE / 2), UTM.f - 10 * (top + SIZE / 2))
        assert (float(one["lon"]), float(one["lat"])) == pytest.approx(place, abs=1e-5)
    for name in ("mine", "river"):
        for kind, sign in (("false alarm", -1), ("miss", 1)):
            sure = [sign * float(one["probability"]) for one in rows if (one["class"], one["kind"]) == (name, kind)]
            assert sure == sorted(sure)


def test_what_is_taken_for_what_is_said(tiles: Path, tmp_path: Path):
    run(tiles, tmp_path)
    (one, *_) = json.loads((tmp_path / "e" / "metrics.json").read_text(encoding="utf-8"))["confusions"]
    assert (one["kind"], one["name"], one["other"]) == ("false alarm", "mine", "river")
    wrong = [row for row in rows_of(tmp_path / "e") if (row["class"], row["kind"]) == ("mine", "false alarm")]
    assert (one["count"], one["errors"]) == (sum(row["labels"] == "river" for row in wrong), len(wrong))
    page = (tmp_path / "e" / "report.html").read_text(encoding="utf-8")
    assert f"Mine is claimed on River in {one['count']} of {one['errors']} false alarms" in page


def test_the_pictures_are_of_the_tiles(write_raster: WriteRaster, tmp_path: Path):
    """Each tile is of a colour of its own, which its picture shows, on the page of an evaluation as of a training."""
    mine = draw_classes(1)
    shown = np.column_stack([mine[:, 0] * (np.arange(TILES) % 3 > 0)])  # a third of the mines cannot be seen
    raster = write_region(write_raster, shown, doubt=30)
    tiles = write_tiles(raster, {"mine": mine[:, 0]})
    run(tiles, tmp_path)
    index = read_index(tiles)
    with rasterio.open(raster) as region:
        pixels = region.read().astype(float)
    for page in (tmp_path / "e" / "report.html", tmp_path / "run" / "report.html"):
        text = page.read_text(encoding="utf-8")
        found = re.findall(r'alt="tile (\d+) of region\.tif" src="data:image/webp;base64,([^"]+)"', text)
        assert len(found) > 10
        means, colours = [], []
        for number, data in found:
            row = int(np.flatnonzero(index.column("tile") == int(number))[0])
            left, top = (int(index.column(name)[row]) for name in ("col_off", "row_off"))
            means.append(pixels[:, top : top + SIZE, left : left + SIZE].mean(axis=(1, 2)))
            colours.append(np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB")).mean(axis=(0, 1)))
        assert np.corrcoef(np.ravel(means), np.ravel(colours))[0, 1] > 0.97


def test_classes_of_a_group_have_no_threshold(write_raster: WriteRaster, tmp_path: Path):
    which = np.random.default_rng(3).integers(0, 3, TILES)
    shown = np.eye(3, dtype=np.float32)[which]
    labels = dict(zip(("clear", "hazy", "cloudy"), shown.T, strict=True))
    tiles = write_tiles(write_region(write_raster, shown, doubt=25), labels, groups=["weather"] * 3)
    run(tiles, tmp_path)
    assert {one["threshold"] for one in rows_of(tmp_path / "e")} == {""}
    assert "the likeliest of its group" in (tmp_path / "e" / "report.html").read_text(encoding="utf-8")


def test_the_ground_is_the_tiles_with_their_truth(tiles: Path, tmp_path: Path):
    index = read_index(tiles)
    rows, truth = np.arange(20), index.shares[:20]
    first = ground_of(index, rows, ("mine", "river"), truth)
    assert ground_of(index, rows, ("river", "mine"), truth[:, ::-1]) == first
    elsewhere = tmp_path / "other" / "tiles.parquet"
    elsewhere.parent.mkdir()
    more = index.with_columns({f"{LABEL_PREFIX}road": pa.array(np.zeros(TILES, np.float32))})
    write_index(elsewhere, more.moved(tiles, elsewhere))
    assert ground_of(read_index(elsewhere), rows, ("mine", "river"), truth) == first
    other = truth.copy()
    other[3, 1] = 1 - other[3, 1]
    assert ground_of(index, rows, ("mine", "river"), other) != first
    assert ground_of(index, rows + 1, ("mine", "river"), truth) != first
    assert ground_of(index, rows, ("mine", "road"), truth) != first
