"""`geolabel report`: runs side by side, ranked only where they were judged by the same tiles."""

from __future__ import annotations

import csv
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from geolabel.errors import OutputError
from geolabel.steps import report as step
from tests.steps.lesson import draw_classes, write_region, write_tiles
from tests.views.chromium import launched, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from geolabel.views.charts import Chart
    from tests.cli.conftest import Done

EVIL = "<b>a & 'b'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Path:
    """Two networks, a forest, an evaluation of each of the first two; and a search, written by hand."""
    folder = tmp_path_factory.mktemp("runs")
    shown = draw_classes(2)

    def write(name: str, pixels: np.ndarray, *, descriptions: tuple[str, ...] = ()) -> Path:
        import rasterio
        from affine import Affine

        place = Affine(10, 0, 5e5, 0, -10, 5.5e6)
        profile = {"driver": "GTiff", "count": 3, "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint8"}
        with rasterio.open(folder / name, "w", crs="EPSG:32631", transform=place, **profile) as dataset:
            dataset.write(pixels)
            dataset.descriptions = descriptions
        return folder / name

    tiles = write_tiles(write_region(write, shown, doubt=20), {"mine": shown[:, 0], EVIL: shown[:, 1]})
    words = ("--epochs", 2, "--augment", "none")
    for name, more in {"a": words, "b": (*words, "--lr", 0.01), "forest": ("--model", "rf", "--trees", 9)}.items():
        done = cli("train", tiles, *more, "-o", folder / name, "--json")
        assert done.code == 0, done.err
    for name in ("a", "b"):
        done = cli("evaluate", folder / name / "model.safetensors", tiles, "-o", folder / f"of-{name}", "--json")
        assert done.code == 0, done.err
    return folder


def test_runs_stand_side_by_side(made: Path, cli: Callable[..., Done], tmp_path: Path):
    names = ("a", "b", "forest", "of-a", "of-b")
    out = tmp_path / "runs.html"
    done = cli("report", *(made / name for name in names), "-o", out, "--json")
    assert done.code == 0, done.err
    assert [row["name"] for row in done.json["runs"]] == list(names)
    assert [row["differs"] for row in done.json["runs"]][:3] == [
        "--epochs 2 --augment none",
        "--epochs 2 --lr 0.01 --augment none",
        "--trees 9",
    ]
    assert [row["of"] for row in done.json["runs"]] == ["", "", "", "a", "b"]
    for row, name in zip(done.json["scores"], names, strict=True):
        kept = json.loads((made / name / "metrics.json").read_text(encoding="utf-8"))
        scores = kept.get("val") or kept["scores"]
        assert row["average_precision"] == pytest.approx(scores["macro_average_precision"])
        assert row["f2"] == pytest.approx(scores["macro"]["f2"])
        assert (row["part"], row["measured_by"]) == (("test", "B") if name.startswith("of") else ("val", "A"))
    assert done.json["doubts"] == []
    with (made / "a" / "history.csv").open(newline="", encoding="utf-8") as stream:
        spent = sum(float(row["seconds"]) for row in csv.DictReader(stream))
    assert done.json["runs"][0]["minutes"] == pytest.approx(spent / 60)
    measures = ("train_loss", "val_loss", "val_average_precision", "val_f1", "lr")
    assert {path.name for path in tmp_path.iterdir()} == {"runs.html", *(f"runs.{name}.svg" for name in measures)}
    page = out.read_text(encoding="utf-8")
    assert page.count('title="the highest here"') == 2  # of val, and of test
    assert EVIL not in page
    again = cli("report", *(made / name for name in names), "-o", out, "--overwrite")
    assert (again.code, out.read_text(encoding="utf-8")) == (0, page)
    assert "measured by" in again.out


def test_scores_of_different_tiles_are_not_ranked(made: Path, cli: Callable[..., Done], tmp_path: Path):
    done = cli("evaluate", made / "a" / "model.safetensors", made / "tiles.parquet", "--split", "val",
               "-o", tmp_path / "on-val")  # fmt: skip
    assert done.code == 0, done.err
    other = shutil.copytree(made / "b", tmp_path / "other")
    kept = json.loads((other / "metrics.json").read_text(encoding="utf-8"))
    (other / "metrics.json").write_text(json.dumps(kept | {"ground": "of other tiles"}), encoding="utf-8")
    out = tmp_path / "runs.html"
    done = cli("report", made / "a", other, tmp_path / "on-val", "-o", out, "--json")
    # the same model on the same tiles, scored by train and by evaluate, is on the same ground
    assert [row["measured_by"] for row in done.json["scores"]] == ["A", "B", "A"]
    assert len(done.json["doubts"]) == 1
    page = out.read_text(encoding="utf-8")
    assert "must not be compared" in page
    assert 'title="the highest here"' not in page


def test_searches_and_comparisons_have_their_rows(made: Path, cli: Callable[..., Done], tmp_path: Path):
    record = json.loads((made / "a" / "run.json").read_text(encoding="utf-8"))
    search = tmp_path / "search"
    search.mkdir()
    (search / "run.json").write_text(json.dumps(record | {"command": "tune"}), encoding="utf-8")
    best = {"best_trial": 2, "average_precision": 0.75, "recipe": record["options"] | {"lr": 0.02}}
    (search / "best.json").write_text(json.dumps(best), encoding="utf-8")
    (search / "trials.csv").write_text(
        "trial,state,average_precision,epochs\n0,done,.5,2\n1,pruned,,1\n2,done,.75,2\n", encoding="utf-8"
    )
    done = cli("compare", made / "tiles.parquet", "--vary", "model=logistic,knn", "-o", tmp_path / "ways", "--json")
    assert done.code == 0, done.err
    out = tmp_path / "runs.html"
    done = cli("report", made / "a", search, tmp_path / "ways", made / "of-b", "-o", out, "--json")
    assert done.code == 0, done.err
    found = {row["name"]: row for row in done.json["scores"]}
    assert list(found) == ["a", "search: trial 2", "ways: model=logistic", "ways: model=knn", "of-b"]
    assert found["ways: model=knn"]["measured_by"] == found["of-b"]["measured_by"] != found["a"]["measured_by"]
    assert found["search: trial 2"]["average_precision"] == 0.75
    assert found["search: trial 2"]["measured_by"] == found["a"]["measured_by"]  # the same index, read alike
    assert found["ways: model=knn"]["part"] == "test"
    assert "best: trial 2" in (tmp_path / "runs.trials.svg").read_text(encoding="utf-8")


def test_a_search_that_names_its_ground_compares_by_it(made: Path, cli: Callable[..., Done], tmp_path: Path):
    """Not by the index: other labels elsewhere in it change the file, and not the tiles that judged."""
    record = json.loads((made / "a" / "run.json").read_text(encoding="utf-8"))
    kept = json.loads((made / "a" / "metrics.json").read_text(encoding="utf-8"))
    best = {"best_trial": 0, "average_precision": 0.75, "recipe": record["options"]}
    for name, ground in (("same", kept["ground"]), ("other", "of other tiles")):
        (tmp_path / name).mkdir()
        told = record | {"command": "tune", "tiles_fingerprint": "of another file"}
        (tmp_path / name / "run.json").write_text(json.dumps(told), encoding="utf-8")
        (tmp_path / name / "best.json").write_text(json.dumps(best | {"ground": ground}), encoding="utf-8")
    done = cli("report", made / "a", tmp_path / "same", tmp_path / "other", "-o", tmp_path / "runs.html", "--json")
    assert done.code == 0, done.err
    letters = [row["measured_by"] for row in done.json["scores"]]
    assert letters == ["A", "A", "B"]


def test_a_run_keeps_its_own_page(made: Path, cli: Callable[..., Done]):
    for run, page in (("a", made / "a" / "report.html"), ("of-a", made / "of-a" / "report.html")):
        before = page.read_bytes()
        done = cli("report", made / run, made / "b", "-o", page, "--overwrite")
        assert (done.code, "is, or holds, the input" in done.err) == (1, True)
        assert page.read_bytes() == before
    side = made / "a" / "side.html"  # a page of this command's may lie there, and be replaced
    for more in ((), ("--overwrite",)):
        assert cli("report", made / "a", made / "b", "-o", side, *more).code == 0
    for path in made.glob("a/side.*"):
        path.unlink()


def test_page_and_charts_come_together(
    made: Path, cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "runs.html"
    drawn = iter(range(3))

    def failing(chart: Chart) -> str:
        if next(drawn) == 2:
            raise OutputError("the disk is full")
        return chart.title

    with monkeypatch.context() as broken:
        broken.setattr(step, "picture_file", failing)
        assert cli("report", made / "a", "-o", out).code == 1
    assert list(tmp_path.iterdir()) == []
    assert cli("report", made / "a", "-o", out).code == 0
    assert len(list(tmp_path.iterdir())) == 6
    assert cli("report", made / "forest", "-o", out, "--overwrite").code == 0
    assert list(tmp_path.iterdir()) == [out]  # a model without epochs has no curves
    (tmp_path / "other.trials.svg").write_text("of another page")
    done = cli("report", made / "forest", "-o", tmp_path / "other.html")
    assert (done.code, "other.trials.svg: exists already" in done.err) == (1, True)


def test_what_is_damaged_or_no_run_is_named(made: Path, cli: Callable[..., Done], tmp_path: Path):
    run = shutil.copytree(made / "a", tmp_path / "run", ignore=shutil.ignore_patterns("*.safetensors", "*.ckpt"))
    (run / "history.csv").write_text("epoch,lr\n1", encoding="utf-8")
    done = cli("report", run, "-o", tmp_path / "one.html")
    assert done.code == 0
    assert len(done.err.strip().splitlines()) == 1
    assert "history.csv: is damaged" in done.err
    (run / "metrics.json").unlink()
    done = cli("report", run, "-o", tmp_path / "two.html", "--json")
    assert (done.code, done.json["scores"]) == (0, [])
    assert "did not come to its end" in done.err
    for text, words in {
        '{"command": "predict"}': "made by geolabel predict",
        "[]": "run.json: is damaged",
        "{": "run.json",
    }.items():
        (run / "run.json").write_text(text, encoding="utf-8")
        done = cli("report", run, "-o", tmp_path / "three.html")
        assert done.code == 1
        assert words in done.err
        assert len(done.err.strip().splitlines()) == 1
    (run / "run.json").write_text('{"command": "evaluate", "inputs": 3, "options": {}}', encoding="utf-8")
    (run / "metrics.json").write_text("{}", encoding="utf-8")
    done = cli("report", run, "-o", tmp_path / "three.html")
    assert (done.code, "damaged" in done.err) == (1, True)
    for words in ((tmp_path / "nowhere",), (made / "a", made / "a"), (made / "a", "-o", tmp_path / "page.txt")):
        done = cli("report", *words)
        assert (done.code, len(done.err.strip().splitlines())) == (1, 1)
    assert {path.suffix for path in tmp_path.glob("three*")} == set()


def test_pages_open_and_ask_for_nothing(made: Path, cli: Callable[..., Done], tmp_path: Path, browser: Any):
    done = cli("report", made / "a", made / "b", made / "of-a", "-o", tmp_path / "runs.html")
    assert done.code == 0, done.err
    with opened(browser, tmp_path / "runs.html") as page:
        assert page.locator("h1").inner_text() == "2 runs and 1 evaluation side by side"
        assert page.locator("svg.chart").count() == 5
        assert page.locator("svg.chart").first.locator("circle").count() == 2  # the kept epoch of either run
    for report in (made / "a" / "report.html", made / "of-a" / "report.html"):
        for options in ({"color_scheme": "dark"}, {"viewport": {"width": 400, "height": 800}}):
            with opened(browser, report, **options) as page:
                assert page.evaluate("document.documentElement.scrollWidth") <= options.get("viewport", {}).get(
                    "width", 1300
                )
                pictures = page.locator("details img")
                assert pictures.count() > 5
                page.locator("details summary").first.focus()
                page.keyboard.press("Enter")
                assert page.locator("details").first.get_attribute("open") is None
                page.keyboard.press("Enter")
                pictures.first.scroll_into_view_if_needed()
                page.wait_for_function("document.querySelector('details img').naturalWidth > 0")


def test_a_training_has_a_page_without_times(made: Path, cli: Callable[..., Done], tmp_path: Path):
    page = (made / "a" / "report.html").read_text(encoding="utf-8")
    assert page.count('<svg class="chart"') == 4
    for words in ("2 epochs, as many as were asked for", "--augment", "geolabel evaluate a/model.safetensors"):
        assert words in page, words
    plain = (made / "forest" / "report.html").read_text(encoding="utf-8")
    assert "rf is fitted at once" in plain
    assert '<svg class="chart"' not in plain
    again = cli("train", made / "tiles.parquet", "--epochs", 2, "--augment", "none", "-o", tmp_path / "a")
    assert again.code == 0, again.err
    other = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert _without_origin(other) == _without_origin(page)


def _without_origin(page: str) -> str:
    """Without what made it, which names inputs as seen from its folder."""
    return re.sub(r'<meta name="geolabel"[^>]*>', "", page)
