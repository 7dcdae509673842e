"""`geolabel explain` as it is typed, and its page as it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from geolabel.steps.explaining import trial
from geolabel.steps.train import train
from tests.steps.explaining.planted import Planted, plant
from tests.views.chromium import launched, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

pytest.importorskip("captum")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def model(planted: Planted) -> Path:
    return train(planted.tiles, model="logistic", output=planted.tiles.parent / "run").model


def test_tiles(cli: Callable[..., Done], planted: Planted, model: Path, tmp_path: Path) -> None:
    words = ("explain", model, planted.tiles, "--class", "square", "--method", "occlusion,lime", "--samples", 80)
    done = cli(*words, "--count", 2, "-o", tmp_path / "e", "--json")
    assert done.code == 0, done.err
    assert done.json["tiles"] == 2
    assert [(row["name"], row["method"], row["tiles"]) for row in done.json["methods"]] == [
        ("square", "occlusion", 2),
        ("square", "lime", 2),
    ]
    again = cli(*words, "-o", tmp_path / "e")
    assert again.code == 1
    assert "exists already" in again.err
    shown = cli(*words, "--count", 1, "-o", tmp_path / "e", "--overwrite")
    assert "meaningful" in shown.out


@pytest.mark.slow
def test_a_raster(
    cli: Callable[..., Done], planted: Planted, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_SECONDS", 0.5)
    done = cli("explain", model, planted.raster, "--class", "square", "-o", tmp_path / "e", "--dry-run")
    assert done.code == 0, done.err
    assert "seconds a tile" in done.out
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tile", "one"), "tiles are named by number"),
        (("--tile", "7777"), "has no such tile"),
        (("--class", "lake"), "has no class lake"),
        (("--method", "grad-cam"), "use lime or occlusion"),
    ],
)
def test_bad_input_is_one_line(
    cli: Callable[..., Done], planted: Planted, model: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = cli("explain", model, planted.tiles, *words, "-o", tmp_path / "e")
    assert done.code != 0
    assert said in " ".join(done.err.replace("│", " ").split())
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_says_nothing_and_fetches_nothing(
    cli: Callable[..., Done], planted: Planted, model: Path, tmp_path: Path, width: int
) -> None:
    assert cli("explain", model, planted.tiles, "--count", 1, "-o", tmp_path / "e").code == 0
    report, size = tmp_path / "e" / "report.html", {"width": width, "height": 800}
    with launched() as browser, opened(browser, report, viewport=size) as page:
        assert page.locator("article").count() == 2
        assert page.evaluate("[...document.images].map((image) => image.naturalWidth)") == [24] * 4
        assert page.evaluate("[...document.images].filter((image) => !image.alt).length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
