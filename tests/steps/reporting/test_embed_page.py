"""The page of an embedder's training: its curves, what is not as by default, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from geolabel.errors import InterruptedRunError
from geolabel.learn.metric import loop
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.run import EmbedEpoch
from geolabel.steps.embed.train import EmbedTrainReport, train
from geolabel.steps.reporting.embed_page import page_of
from geolabel.views.embed_report import embed_page
from tests.steps.embed.places import QUICK, write_places
from tests.views.chromium import launched, opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

NAN = float("nan")


def test_a_run_has_its_page(write_raster: WriteRaster, tmp_path: Path) -> None:
    tiles = write_places(write_raster).tiles
    pages = []
    for name in ("one", "two"):
        report = train([tiles], output=tmp_path / name / "embedder", **{**QUICK, "epochs": 2})
        pages.append((report.model.parent / "report.html").read_bytes())
    assert pages[0] == pages[1]
    text = pages[0].decode()
    assert text.count('<svg class="chart"') == 3
    score, untrained = (f"{value:.3f}" for value in (report.score, report.untrained))
    for words in (
        *("2 epochs, as many as were asked for", "--epochs", score, untrained, "MAP@R"),
        f"geolabel embed evaluate embedder/model.safetensors {tiles.name}",
        "geolabel embed encode region.tif --model embedder/model.safetensors",
        *('href="model.safetensors"', 'href="history.csv"', "geolabel report embedder another-run"),
    ):
        assert words in text, words
    with launched() as browser, opened(browser, report.model.parent / "report.html") as page:
        assert page.locator("svg.chart").count() == 3


def test_a_run_that_was_stopped_has_one_too(
    write_raster: WriteRaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles, whole = write_places(write_raster).tiles, loop._train_epoch

    def stopping(run: Any, lessons: Any) -> tuple[float, float]:
        if run.history:
            raise KeyboardInterrupt
        return whole(run, lessons)

    monkeypatch.setattr(loop, "_train_epoch", stopping)
    with pytest.raises(InterruptedRunError):
        train([tiles], output=tmp_path / "e", **{**QUICK, "epochs": 3})
    text = (tmp_path / "e" / "report.html").read_text(encoding="utf-8")
    assert "1 epoch, stopped by hand" in text
    assert f"geolabel embed train {tiles.name} -o e --resume" in text
    monkeypatch.setattr(loop, "_train_epoch", whole)
    train([tiles], output=tmp_path / "e", resume=True)
    assert "3 epochs, as many as were asked for" in (tmp_path / "e" / "report.html").read_text(encoding="utf-8")


def test_what_went_wrong_is_said(tmp_path: Path) -> None:
    """An embedder that is no better than before, one that has no tuples left, and one that nobody judged."""
    report = EmbedTrainReport(
        tmp_path / "model.safetensors", "small-cnn", 9, 6, "triplet", "places", 2, 2, None, "tuples in order", 0.5, 0.6
    )
    recipe = EmbedRecipe(epochs=2)
    epochs = [EmbedEpoch(at, 1e-3, 1 / at, 0.04 / at, 0.5, 9.0, best=True) for at in (1, 2)]
    raster = (tmp_path / "<a>.tif",)
    text = embed_page(page_of(report, epochs, recipe, raster, interrupted=False, judged=True))
    for words in (
        *("No epoch does better", "2.0 % of the tuples", "evaluation/report.html", "&lt;a&gt;.tif"),
        "tiles drawn anew each epoch",
    ):
        assert words in text, words
    assert "embed evaluate" not in text
    unjudged = replace(report, score=None, untrained=None)
    epochs = [replace(row, score=NAN) for row in epochs]
    page = page_of(unjudged, epochs, recipe, raster, interrupted=False, judged=False)
    assert [line.title for line in page.charts["scores"].lines] == ["Tuples that still teach"]
    assert "nothing was kept apart" in page.course
    assert "Nothing was kept apart" in embed_page(page)
    assert "The last epoch was the best" not in embed_page(page)
    assert "nan" not in embed_page(page).lower()
