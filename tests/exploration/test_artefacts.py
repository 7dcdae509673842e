"""Stripes, saturation and emptiness that were planted are flagged; real scenes, fields in rows among them, are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.exploration.artefacts import artefacts, join
from geolabel.exploration.stripes import stripes
from tests.exploration.planted import everywhere, scenes, tiles_of


def test_stripes_by_hand() -> None:
    """Rows of 0 and 8 in turn, and columns of them: all that differs is common. Both at once: rows 1, the rest too."""
    rows = np.broadcast_to(np.arange(16)[:, None] % 2 * 8.0, (16, 16))
    tiles = np.stack([rows, rows.T, rows + rows.T, np.ones((16, 16))])[:, None]
    assert stripes(tiles, everywhere(tiles)).tolist() == [1, 1, 1, 0]


@given(st.integers(0, 999))
def test_an_intraclass_correlation_of_a_line_s_parts(seed: int) -> None:
    """Against the one-way formula (MSB − MSW) / (MSB + (k − 1) MSW), about 0, for one line of texture and stripes."""
    rng = np.random.default_rng(seed)
    tile = rng.normal(size=(48, 48)) + rng.normal(size=(48, 1))
    found = stripes(np.stack([tile])[:, None], np.ones((1, 48, 48), bool))[0]
    parts = tile.reshape(48, 4, 12).mean(axis=2)
    offsets = parts[1:-1] - (parts[:-2] + parts[2:]) / 2
    offsets = offsets[np.argsort(offsets.mean(axis=1) ** 2)][: int(np.ceil(46 * 0.75))]
    between, within = 4 * (offsets.mean(axis=1) ** 2).mean(), offsets.var(axis=1, ddof=1).mean()
    assert found == pytest.approx((between - within) / (between + 3 * within), rel=1e-5)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("period", [None, 2, 6])
def test_planted_stripes_are_flagged(across: bool, period: int | None) -> None:
    """Offsets as large as what neighbouring pixels differ by, and twice that where only each sixth line is off."""
    tiles = scenes(1, 200).astype(np.float64)
    rough = np.abs(np.diff(tiles, axis=3)).mean(axis=(1, 2, 3))[:, None, None, None]
    offsets = np.random.default_rng(0).normal(0, 1, (200, 1, 48, 1))
    if period:
        offsets = np.broadcast_to((np.arange(48)[:, None] % period == 0) * 2.0, (1, 1, 48, 1))
    striped = tiles + (offsets.swapaxes(2, 3) if across else offsets) * rough
    assert artefacts(striped, everywhere(tiles)).striped.mean() > 0.75
    assert not artefacts(tiles, everywhere(tiles)).striped.any()


def test_edges_along_rows_are_no_stripes() -> None:
    tiles = scenes(2, 50).astype(np.float64)
    tiles[:, :, 10:14] += 60
    tiles[:, :, 30:] -= 40
    assert not artefacts(tiles, everywhere(tiles)).striped.any()


def test_nodata_is_not_looked_at() -> None:
    tiles = scenes(3, 20).astype(np.float64)
    tiles += np.random.default_rng(0).normal(0, 30, (20, 1, 48, 1))
    valid = everywhere(tiles)
    valid[:, 40:] = False
    tiles[:, :, 40:] = np.nan
    found = artefacts(tiles, valid)
    assert found.striped.all()
    assert found.empty == pytest.approx(8 / 48)
    assert not found.blank.any()
    valid[:, :, 20:] = False
    assert np.isnan(stripes(tiles, valid)).all()
    assert np.isnan(stripes(tiles[..., :15], valid[..., :15])).all()


def test_saturated_and_empty_by_hand() -> None:
    tiles = np.arange(4 * 2 * 4 * 4, dtype=np.uint8).reshape(4, 2, 4, 4) % 100
    tiles[0, 0, :2] = 255  # half of it, in one band
    tiles[0, 1, 0] = 255
    tiles[2] = 9
    valid = np.ones((4, 4, 4), bool)
    valid[1, :3] = False
    valid[3] = False
    found = artefacts(tiles, valid, 255)
    assert found.saturated.tolist() == [0.5, 0, 0, 0]
    assert found.empty.tolist() == [0, 0.75, 1, 1]
    assert found.bright.tolist() == [True, False, False, False]
    assert found.blank.tolist() == [False, True, True, True]
    assert not found.striped.any()


def test_the_set_says_where_the_sensor_is_full() -> None:
    """12 bits in 16: three tiles end at 4095, and one of them is mostly there."""
    tiles = (scenes(4, 6).astype(np.uint16) + 1) * 15
    tiles[:3, :, 0, 0] = 4095
    tiles[0, 1] = 4095
    parts = [artefacts(tiles[at : at + 2], everywhere(tiles[at : at + 2])) for at in (0, 2, 4)]
    assert np.isnan(parts[0].saturated).all()
    whole = join(parts)
    assert whole.saturated.tolist() == pytest.approx([1, 1 / 2304, 1 / 2304, 0, 0, 0])
    assert whole.bright.tolist() == [True, *[False] * 5]
    # two are no proof: the highest value may be anything
    assert not join([artefacts(tiles[:2], everywhere(tiles[:2]))]).saturated.any()
    told = artefacts(tiles, everywhere(tiles), 4095)
    assert join([told]).saturated.tolist() == whole.saturated.tolist()
    assert join([]).bright.tolist() == []


@pytest.mark.parametrize("year", ["20090818", "20200831"])
def test_real_fields_in_rows_are_not_flagged(shared_data: Path, year: str) -> None:
    path = shared_data / "naip" / f"m_4709963_se_14_1_{year}.tif"
    if not path.is_file():
        pytest.skip(f"not here: {path}")
    tiles = tiles_of(path, 48)
    plain = artefacts(tiles, everywhere(tiles), 255)
    assert not (plain.striped | plain.bright | plain.blank).any()
    rough = np.abs(np.diff(tiles.astype(float), axis=3)).mean(axis=(1, 2, 3))[:, None, None, None]
    striped = tiles + 2 * rough * np.random.default_rng(0).normal(size=(len(tiles), 4, 1, 48))
    assert artefacts(striped, everywhere(tiles), 255).striped.mean() > 0.9
