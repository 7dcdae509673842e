"""The built-in network as a detector of change, on a scene of the made-up world with a planted change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio

from geolabel import raster
from geolabel.errors import BandError, EmptyError, OutputError
from geolabel.model import read_card
from geolabel.steps.change_vector import change_vector_model
from geolabel.steps.predict import predict
from geolabel.world import BANDS, CLASSES, World, make_world
from tests.alike import differences

if TYPE_CHECKING:
    from pathlib import Path

PLANTED = slice(96, 168)
SIDE = 336


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A place at one date, and the same under other light and noise, where a mine took the place of forest."""
    world = make_world(512, 7)
    side = PLANTED.stop - PLANTED.start
    before = world.before.image[:, :SIDE, :SIDE].astype(np.float64)
    before[:, PLANTED, PLANTED] = fullest(world, "forest", side)
    after = 1.04 * before + np.random.default_rng(0).normal(0, 15, before.shape)
    after[:, PLANTED, PLANTED] = fullest(world, "quarry", side)
    return before.clip(1, 16_000).astype("uint16"), after.clip(1, 16_000).astype("uint16")


def fullest(world: World, name: str, side: int) -> np.ndarray:
    """The square of the first date (bands, side, side) that is most of all of a class, in sight."""
    code = next(entry.code for entry in CLASSES if entry.name == name)
    there = (world.before.truth == code) & ~(world.before.cloud | world.before.shadow) & world.before.valid
    shares = np.lib.stride_tricks.sliding_window_view(there, (side, side))[::8, ::8].mean(axis=(2, 3))
    row, col = 8 * np.argwhere(shares == shares.max())[0]
    return world.before.image[:, row : row + side, col : col + side]


def both(folder: Path, write_raster: Any, scene: tuple[np.ndarray, np.ndarray]) -> raster.RasterInfo:
    names = {"descriptions": BANDS, "nodata": 0}
    before, after = (write_raster(f"{name}.tif", date, **names) for name, date in zip("ba", scene, strict=True))
    return raster.pair(raster.describe(before), raster.describe(after), folder)


def test_a_planted_change_is_found_and_little_else(tmp_path: Path, write_raster: Any, scene: Any):
    info = both(tmp_path, write_raster, scene)
    model = change_vector_model(None, info, tmp_path / "change.safetensors")
    predict(info.path, model=model, output=tmp_path / "map", stride=12)
    with rasterio.open(tmp_path / "map" / "probabilities.tif") as dataset:
        assert dataset.descriptions == ("change",)
        change = dataset.read(1)
    middle = slice(PLANTED.start + 16, PLANTED.stop - 16)
    near = np.zeros(change.shape, bool)
    near[PLANTED.start - 48 : PLANTED.stop + 48, PLANTED.start - 48 : PLANTED.stop + 48] = True
    assert (change[middle, middle] > 125).mean() > 0.9
    assert (change[~near] > 125).mean() < 0.1
    card = read_card(model)
    assert card.is_of_pairs
    assert card.trained_on["pair"]["name"] == "pair.vrt"
    again = change_vector_model(None, info, tmp_path / "again.safetensors")
    assert not differences(again, model)


def test_what_cannot_be_is_refused(tmp_path: Path, write_raster: Any, scene: Any):
    info = both(tmp_path, write_raster, scene)
    (tmp_path / "there.safetensors").write_bytes(b"")
    with pytest.raises(OutputError, match="exists already"):
        change_vector_model(None, info, tmp_path / "there.safetensors")
    nir = raster.pair(
        raster.describe(tmp_path / "b.tif", ("nir", "red")), raster.describe(tmp_path / "a.tif"), tmp_path, "few"
    )
    with pytest.raises(BandError, match=r"need the bands red, green, blue at both dates, found nir, red"):
        change_vector_model(None, nir, tmp_path / "new.safetensors")
    small = both(tmp_path / "small", write_raster, tuple(date[:, :100, :100] for date in scene))
    with pytest.raises(EmptyError, match="tiles are seen at both dates, 32 at least"):
        change_vector_model(None, small, tmp_path / "new.safetensors")
    assert not (tmp_path / "new.safetensors").exists()
