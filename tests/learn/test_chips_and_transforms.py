"""Chips are the pixels that the index names; normalising does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import torch
from rasterio.windows import Window

from geolabel.learn.chips import Chips, load_chips
from geolabel.learn.transforms import Normalise, band_contracts, to_tensor
from geolabel.model import BandContract
from geolabel.raster import mirror
from geolabel.steps.tile import tile
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from tests.conftest import WriteRaster


def test_chips_are_the_windows_and_edges_are_mirrored(write_raster: WriteRaster, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(1, 4000, (3, 70, 53), dtype="uint16")
    pixels[:, 10:12, 5:9] = 0
    path = write_raster("r.tif", pixels, nodata=0, descriptions=("red", "green", "blue"))
    out = tmp_path / "t.parquet"
    tile([path], size=16, stride=8, min_valid=0, output=out)
    index = read_index(out)
    rows = np.random.default_rng(1).permutation(len(index))[:25]
    chips = load_chips(index, rows, tmp_path, tmp_path / "scratch")
    with rasterio.open(path) as dataset:
        for at, row in enumerate(rows):
            col, top, width, height = (int(index.column(n)[row]) for n in ("col_off", "row_off", "width", "height"))
            wanted = dataset.read(window=Window(col, top, width, height))
            assert (chips.pixels[at, :, :height, :width] == wanted).all()
            assert (chips.valid[at, :height, :width] == (wanted != 0).any(axis=0)).all()
            padded = np.pad(wanted, ((0, 0), (0, 16 - height), (0, 16 - width)), mode="symmetric")
            assert (chips.pixels[at] == padded).all()


def test_chips_too_many_for_memory_go_to_disk(
    write_raster: WriteRaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_raster("r.tif", np.arange(64 * 64, dtype="uint16").reshape(1, 64, 64))
    tile([path], size=16, output=tmp_path / "t.parquet")
    index = read_index(tmp_path / "t.parquet")
    small = load_chips(index, np.arange(16), tmp_path, tmp_path / "a")
    monkeypatch.setattr("geolabel.learn.chips._IN_MEMORY_BYTES", 100)
    mapped = load_chips(index, np.arange(16), tmp_path, tmp_path / "b")
    assert isinstance(mapped.pixels, np.memmap)
    assert (mapped.pixels == small.pixels).all()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "float32", "float64"])
def test_every_stored_type_reaches_the_network(dtype: str):
    values = np.array([[[[0, 1], [100, 255 if dtype == "uint8" else 30_000]]]], dtype=dtype)
    assert to_tensor(values, torch.device("cpu")).float().tolist() == values.astype(float).tolist()


def test_normalising_gives_mean_0_and_deviation_1_and_0_for_nodata():
    rng = np.random.default_rng(2)
    stored = rng.normal(1000, 200, (32, 2, 8, 8)).astype("uint16")
    valid = rng.random((32, 8, 8)) < 0.8
    stored[~np.broadcast_to(valid[:, None], stored.shape)] = 9999
    bands = band_contracts(Chips(stored, valid), np.arange(32), ("a", "b"), (0.1, 0.2), (-3.0, 5.0))
    assert bands[0].mean == pytest.approx(stored[:, 0][valid].mean() * 0.1 - 3, rel=1e-6)
    assert bands[1].std == pytest.approx(stored[:, 1][valid].std() * 0.2, rel=1e-6)
    done = Normalise(bands)(to_tensor(stored, torch.device("cpu")), torch.from_numpy(valid)).numpy()
    seen = done[:, 0][valid]
    assert abs(seen.mean()) < 1e-4
    assert abs(seen.std() - 1) < 1e-4
    assert (done[:, 1][~valid] == 0).all()


def test_a_band_without_spread_is_no_division_by_zero():
    stored, valid = np.full((4, 1, 4, 4), 7, "uint8"), np.ones((4, 4, 4), bool)
    (band,) = band_contracts(Chips(stored, valid), np.arange(4), ("a",), (1.0,), (0.0,))
    assert band == BandContract("a", 1.0, 0.0, 7.0, 1.0)


def test_mirror_keeps_what_is_large_enough():
    pixels = np.arange(6).reshape(1, 2, 3)
    assert mirror(pixels, 2, 3) is pixels
    assert mirror(pixels, 2, 5)[0].tolist() == [[0, 1, 2, 2, 1], [3, 4, 5, 5, 4]]


def test_what_is_brighter_than_the_limits_counts_as_the_limit():
    bands = (BandContract("red", 0.001, 0.0, 0.1, 0.05),)
    chips = torch.tensor([[[[50.0, 300.0, 900.0, -20.0]]]])
    valid = torch.tensor([[[True, True, True, True]]])
    seen = Normalise(bands, limits=(0.0, 0.3))(chips, valid)
    assert torch.allclose(seen, torch.tensor([[[[-1.0, 4.0, 4.0, -2.0]]]]), atol=1e-5)
