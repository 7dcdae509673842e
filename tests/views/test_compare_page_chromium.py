"""The page of before and after in a real browser: the divider by mouse and by key, and that nothing leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from geolabel import dehaze
from tests.steps.dehazing.test_passes import hazy
from tests.views.chromium import opened, settled

if TYPE_CHECKING:
    from tests.conftest import WriteRaster


@pytest.fixture
def page_file(write_raster: WriteRaster, tmp_path: Path) -> Path:
    names = ("red", "green", "blue", "nir")
    path = write_raster("a & <b>.tif", hazy(300, 400).astype("uint8"), descriptions=names)
    dehaze(path, output=tmp_path / "o.tif", compare=tmp_path / "compare.html")
    return tmp_path / "compare.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_divider_moves(browser: Any, page_file: Path, scheme: str) -> None:
    with opened(browser, page_file, color_scheme=scheme) as page:
        assert page.locator("h1").inner_text() == "a & <b>.tif: before and after"
        assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
        left = "getComputedStyle(document.getElementById('line')).left"
        width = page.locator("#pair").bounding_box()["width"]
        assert float(page.evaluate(left)[:-2]) == pytest.approx(width / 2, abs=2)
        page.locator("#divider").focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        assert float(page.evaluate(left)[:-2]) == pytest.approx(0.6 * width, abs=2)
        box = page.locator("#pair").bounding_box()
        page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 40)
        settled(page)
        assert float(page.evaluate(left)[:-2]) == pytest.approx(0.25 * width, abs=0.02 * width)
        assert page.locator("#divider").get_attribute("aria-valuetext").endswith("% before")


def test_a_phone_shows_it_whole(browser: Any, page_file: Path) -> None:
    with opened(browser, page_file, viewport={"width": 380, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
