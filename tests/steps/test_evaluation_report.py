"""The page of `evaluate`: one file that loads nothing, in which names are text, with every table and curve."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from geolabel.steps.evaluate import evaluate
from geolabel.steps.train import train
from tests.steps.lesson import TILES, draw_classes, write_region, write_tiles
from tests.steps.test_label_page import Links

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

WEATHER = ("clear", "hazy <b>")


@pytest.fixture
def folder(write_raster: WriteRaster, tmp_path: Path) -> Path:
    """A report of a model with an exclusive group, a class with unknown labels and a rare one."""
    hazy, road = draw_classes(2).T
    rare = (np.arange(TILES) % 12 == 0).astype(np.float32)
    road[::3] = np.nan
    labels = {WEATHER[0]: 1 - hazy, WEATHER[1]: hazy, "road": road, "rare": rare}
    shown = np.column_stack([hazy, np.nan_to_num(road), rare])
    tiles = write_tiles(write_region(write_raster, shown), labels, groups=["weather", "weather", "", ""])
    done = train(tiles, model="logistic", abstain=0.2, output=tmp_path / "run")
    (tmp_path / "run" / "history.csv").write_text(
        "epoch,lr,train_loss,val_loss,best\n1,.1,.7,.6,True\n2,.1,.5,.55,True\n3,.1,.3,nan,False\n", encoding="utf-8"
    )
    evaluate(done.model, tiles, output=tmp_path / "e")
    return tmp_path / "e"


def test_the_page_is_whole_and_loads_nothing(folder: Path):
    page = (folder / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert not links.open
    assert not links.tags & {"script", "link", "iframe"}
    beside = {link for link in links.found if not link.startswith("data:image/webp;base64,")}
    assert beside == {"metrics.json", "errors.csv", "pr.svg", "roc.svg", "reliability.svg", "loss.svg"}
    assert all((folder / name).exists() for name in beside)
    assert "http:" not in page
    assert "https:" not in page
    assert "azy <b>" not in page
    assert "Hazy &lt;b&gt;" in page


def test_the_page_says_what_was_measured(folder: Path):
    page = (folder / "report.html").read_text(encoding="utf-8")
    found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    for one in found["scores"]["classes"]:
        for name in ("average_precision", "f1", "precision", "g_mean", "specificity"):
            value = one[name]
            assert f">{value:.3f}<" in page.replace("<br>", "<") if value is not None else True
    for name, value in found["averages"]["micro"].items():
        assert f">{value:.3f}<" in page, name
    for part in found["parts"]:
        assert f">{part['average_precision']:.3f}<" in page
    assert page.count('<svg class="chart"') == 4
    for words in (
        "drawn at random",
        "Fewer than 10 tiles show rare",
        "of the labels are unknown",
        "--folds",
        "Left undecided",
        "Which class is taken for which",
    ):
        assert words in page, words


def test_pictures_are_svg_files_with_a_line_for_every_class(folder: Path):
    named = {one["name"] for one in json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["curves"]}
    for name in ("pr", "roc", "reliability"):
        root = ET.parse(folder / f"{name}.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        titles = [one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}title")][1:]
        assert len(titles) == len(named)
    loss = (folder / "loss.svg").read_text(encoding="utf-8")
    assert "kept: epoch 2" in loss
    assert "nan" not in loss
