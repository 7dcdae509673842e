"""Haze that was planted is found in the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import spearmanr

from geolabel.errors import BandError
from geolabel.steps.tile import tile
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


def test_planted_haze_is_ranked_by_its_strength(write_raster: WriteRaster, tmp_path: Path):
    rng = np.random.default_rng(0)
    clear = rng.uniform(100, 3000, (3, 192, 192)) * rng.choice([0.05, 1.0], (1, 192, 192))
    strength = np.kron(rng.permutation(36).reshape(6, 6) / 45, np.ones((32, 32)))
    hazy = clear * (1 - strength) + 4000 * strength
    hazy[:, ::32, ::32] = 4000  # something white in each tile, by which the light is known
    hazy[:, :32, :32] = 0
    path = write_raster("r.tif", hazy.astype("uint16"), descriptions=("red", "green", "blue"), nodata=0)
    tile([path], size=32, min_valid=0, haze=True, output=tmp_path / "t.parquet")
    found = read_index(tmp_path / "t.parquet").column("haze")
    planted = strength[::32, ::32].ravel()
    assert np.isnan(found[0])
    assert spearmanr(found[1:], planted[1:]).statistic > 0.98
    assert found[1:].min() >= 0
    assert found[1:].max() <= 1


def test_without_colours_there_is_no_haze(write_raster: WriteRaster, tmp_path: Path):
    path = write_raster("r.tif", np.full((1, 64, 64), 9, "uint8"), descriptions=("nir",))
    with pytest.raises(BandError, match="red, green and blue"):
        tile([path], size=32, haze=True, output=tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()
