"""One pass over tiles: everything that is kept of them is theirs, whatever the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from geolabel.learn.statistics import statistics
from geolabel.steps.exploring import seeing
from geolabel.steps.exploring.features import Eyes
from geolabel.steps.tile import tile
from geolabel.tiling.index import read_index

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

SIZE = 16
BANDS = ("red", "green", "blue")


@pytest.fixture
def scene(write_raster: WriteRaster, tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Tiles of two rasters, the second darker and cut by its edge; and their physical pixels."""
    rng = np.random.default_rng(0)
    level = np.kron(rng.uniform(200, 3000, (3, 4, 5)), np.ones((SIZE, SIZE)))
    first = (level + rng.normal(0, 60, level.shape)).clip(1).astype("uint16")
    second = (first[:, :, : 4 * SIZE + 9] * 0.5).astype("uint16")
    write_raster("first.tif", first, descriptions=BANDS, scales=[1e-4] * 3, nodata=0)
    write_raster("second.tif", second, descriptions=BANDS, scales=[1e-4] * 3, nodata=0)
    tile([tmp_path / "first.tif", tmp_path / "second.tif"], output=tmp_path / "tiles.parquet", size=SIZE)
    return tmp_path / "tiles.parquet", first * 1e-4, second * 1e-4


def test_what_is_kept_of_a_tile_is_its_own(
    scene: tuple[Path, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, *physical = scene
    index = read_index(path)
    monkeypatch.setattr(seeing, "_AT_ONCE_BYTES", 3 * SIZE * SIZE * 2 * 3)  # three tiles at a time
    sample = seeing.sample_tiles(index, path.parent, 0)
    seen = seeing.see(index, path.parent, Eyes("colour", by_statistics=True), sample.painter, None)
    assert seen.features is not None
    assert seen.probabilities is None
    source = (index.column("source").astype(str) == "second.tif").astype(int)
    windows = np.column_stack([index.column(name) for name in ("col_off", "row_off", "width", "height")])
    for at, (left, top, width, height) in enumerate(windows.tolist()):
        cut = physical[source[at]][:, top : top + height, left : left + width]
        shown = seen.pictures[at].mean(axis=(0, 1))
        low, high = sample.painter.stretch.low[0], sample.painter.stretch.high[0]
        expected = 255 * np.clip((cut - low) / (high - low), 0, 1) ** sample.painter.stretch.gamma
        assert shown == pytest.approx(expected.mean(axis=(1, 2)), abs=2)
        if width == SIZE:
            by_hand = statistics(cut[None].astype(np.float32), np.ones((1, height, width), bool))[0]
            assert seen.features[at] == pytest.approx(by_hand, rel=1e-3, abs=1e-5)
    assert (windows[:, 2] < SIZE).sum() == 4
    assert np.linalg.norm(seen.signatures, axis=1) == pytest.approx(1.0, abs=1e-5)
    # the second raster shows what the first does
    own = {tuple(window): at for at, window in enumerate(windows.tolist()) if not source[at]}
    pairs = [(own[tuple(window)], at) for at, window in enumerate(windows.tolist()) if source[at] and window[2] == SIZE]
    for one, other in pairs:
        assert seen.signatures[one] @ seen.signatures[other] > 0.99


def test_artefacts_are_those_of_their_tiles(write_raster: WriteRaster, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(90, 110, (3, 32, 64), dtype=np.uint8)
    pixels[:, :16, 16:32] = 255
    pixels[:, 16:, 32:48] += rng.integers(0, 60, 16, dtype=np.uint8)[:, None]  # an offset a row
    write_raster("spoilt.tif", pixels, descriptions=BANDS)
    tile([tmp_path / "spoilt.tif"], output=tmp_path / "tiles.parquet", size=16)
    index = read_index(tmp_path / "tiles.parquet")
    eyes = Eyes("colour", by_statistics=True)
    sample = seeing.sample_tiles(index, tmp_path, 0)
    seen = seeing.see(index, tmp_path, eyes, sample.painter, tmp_path / "cache")
    assert np.flatnonzero(seen.artefacts.bright).tolist() == [1]
    assert np.flatnonzero(seen.artefacts.blank).tolist() == [1]  # one value everywhere
    assert np.flatnonzero(seen.artefacts.striped).tolist() == [6]
    again = seeing.see(index, tmp_path, eyes, sample.painter, tmp_path / "cache")
    assert np.array_equal(seen.pictures, again.pictures)
