"""A page that `geolabel explore` wrote, in a real browser: pictures of planted tiles, both views, and space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio

from geolabel.steps.tile import tile
from tests.views.chromium import launched, opened, settled
from tests.views.explore_page_seen import chosen, decoded, drag, mean_color, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Done

ACROSS, SIZE = 12, 16
COLORS = np.random.default_rng(4).integers(20, 236, (ACROSS * ACROSS, 3))
"""Of each tile, all of it but for a little noise."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture
def page_file(cli: Any, tmp_path: Path) -> Path:
    cells = COLORS.T.reshape(3, ACROSS, ACROSS)
    noise = np.random.default_rng(0).integers(-3, 4, (3, ACROSS * SIZE, ACROSS * SIZE))
    pixels = (np.kron(cells, np.ones((SIZE, SIZE), int)) + noise).astype(np.uint8)
    pixels[:, ::SIZE, ::SIZE] = 255  # white is white
    path = tmp_path / "region.tif"
    place = {"crs": "EPSG:32719", "transform": rasterio.Affine(10, 0, 350_000, 0, -10, 8_600_000)}
    with rasterio.open(
        path, "w", driver="GTiff", width=ACROSS * SIZE, height=ACROSS * SIZE, count=3, dtype="uint8", **place
    ) as raster:
        raster.write(pixels)
        raster.descriptions = ("red", "green", "blue")
    tile([path], output=tmp_path / "tiles.parquet", size=SIZE)
    output = tmp_path / "explore.html"
    words = ("--method", "pca", "--dims", "2,3", "-o", output)
    done: Done = cli("explore", tmp_path / "tiles.parquet", *words)
    assert done.code == 0, done.err
    return output


def test_what_explore_wrote_works_in_a_browser(browser: Any, page_file: Path) -> None:
    with rasterio.open(page_file.parent / "region.tif") as raster:
        white = np.percentile(raster.read(), 98)  # of all bands, as true colour is stretched
    with opened(browser, page_file) as page:
        for view, row in (("map", 5), ("map", 77), ("plot", 20), ("plot", 130)):
            page.mouse.move(*where(page, view, row))
            found = page.evaluate("seen.hover")
            assert view == "plot" or found == row  # in the plot, the nearest of those that lie upon each other
            decoded(page)
            assert page.locator("#card h2").inner_text() == f"Tile {found}"
            expected = np.minimum(COLORS[found] / white, 1) * 255
            assert np.abs(mean_color(page, "#card canvas") - expected).max() < 8
        page.mouse.move(2, 2)
        page.locator('[data-mode="box"]').click()
        one, other = where(page, "map", ACROSS * 2 + 3), where(page, "map", ACROSS * 4 + 5)
        drag(page, (one[0] - 4, one[1] - 4), (other[0] + 4, other[1] + 4))
        assert chosen(page) == [ACROSS * row + col for row in (2, 3, 4) for col in (3, 4, 5)]
        assert page.locator("#chosen .tile").count() == 9
        page.locator('[data-mode="move"]').click()
        page.select_option("#projection", label="PCA in 3-D")
        settled(page)
        before = page.evaluate("[plot.turned.yaw, plot.u[5]]")
        box = page.locator("#plot").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        drag(page, middle, (middle[0] + 120, middle[1] + 30))
        after = page.evaluate("[plot.turned.yaw, plot.u[5]]")
        assert abs(after[0] - before[0]) > 0.2
        assert after[1] != before[1]
        assert len(chosen(page)) == 9  # turning leaves the selection
