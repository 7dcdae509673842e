"""`geolabel explore` of 50,000 tiles: the page stays under 40 MB, opens, and shows the picture that is pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from geolabel.steps.tile import tile
from geolabel.tiling.index import dictionary, read_index, write_index
from tests.views.chromium import launched, opened
from tests.views.explore_page_seen import decoded, mean_color, where

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done
    from tests.conftest import WriteRaster

SIZE, COLS, ROWS = 8, 250, 200
COUNT = COLS * ROWS


@pytest.fixture
def many(write_raster: WriteRaster, tmp_path: Path) -> tuple[Path, np.ndarray]:
    """An index in two parts, and the mean colour of each tile (COUNT, 3): noise, which no compression makes small."""
    rng = np.random.default_rng(0)
    level = rng.uniform(30, 150, (3, ROWS, COLS))
    pixels = np.kron(level, np.ones((SIZE, SIZE))) + rng.normal(0, 30, (3, ROWS * SIZE, COLS * SIZE))
    pixels = pixels.clip(1, 255).astype("uint8")
    raster = write_raster("region.tif", pixels, descriptions=("red", "green", "blue"))
    path = tmp_path / "tiles.parquet"
    tile([raster], output=path, size=SIZE)
    index = read_index(path)
    part = np.where(index.column("col_off") < COLS * SIZE // 2, "train", "test")
    split = {"method": "random", "by": None, "seed": 0}
    write_index(path, index.with_columns({"split": dictionary(part.tolist())}, split=split), overwrite=True)
    cells = pixels.reshape(3, ROWS, SIZE, COLS, SIZE).mean(axis=(2, 4))
    return path, cells.reshape(3, COUNT).T


@pytest.mark.slow
def test_fifty_thousand_tiles(cli: Callable[..., Done], many: tuple[Path, np.ndarray], tmp_path: Path):
    tiles, mean = many
    page_file = tmp_path / "explore.html"
    done = cli("explore", tiles, "--method", "pca", "--dims", "2,3", "-o", page_file, "--json")
    assert done.code == 0, done.err
    assert (done.json["tiles"], done.json["left_out"]) == (COUNT, 0)
    assert page_file.stat().st_size < 40e6
    with launched() as browser, opened(browser, page_file) as page:
        shown, true = [], []
        for row in (COUNT // 2 + 7, 3 * COLS + 11, COUNT - 1):
            page.evaluate(f"select([{row}]); map.frame([{row}])")
            decoded(page)
            page.mouse.move(*where(page, "map", row))
            assert page.evaluate("seen.hover") == row
            decoded(page)
            shown.append(mean_color(page, "#card canvas"))
            true.append(mean[row])
    gain = np.sum(np.array(shown) * true) / np.sum(np.square(true))
    assert np.abs(np.array(shown) - gain * np.array(true)).max() < 15
