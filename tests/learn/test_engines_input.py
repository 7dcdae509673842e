"""Normalising is the old formula, in numpy: (stored × scale + offset − mean) / std, 0 where nothing was seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geolabel.learn.transforms import Normalise, to_tensor
from geolabel.model import BandContract

CPU = torch.device("cpu")
BANDS = (BandContract("a", 0.1, -20.0, 110.0, 35.0), BandContract("b", 2.0, 0.0, 900.0, 410.0))


def by_hand(stored: np.ndarray, valid: np.ndarray, limits: tuple[float, float] | None = None) -> np.ndarray:
    scale = np.array([band.scale / band.std for band in BANDS], np.float32).reshape(1, -1, 1, 1)
    shift = np.array([(band.offset - band.mean) / band.std for band in BANDS], np.float32).reshape(1, -1, 1, 1)
    found = stored.astype(np.float32) * scale + shift
    if limits:
        low, high = (np.array([(end - band.mean) / band.std for band in BANDS]).reshape(1, -1, 1, 1) for end in limits)
        found = np.clip(found, low, high)
    return np.where(valid[:, None], found, 0)


def stored_values(dtype: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.normal(500, 400, (3, 2, 6, 5)).astype(dtype)
    ends = np.iinfo(dtype)
    return rng.integers(ends.min, ends.max, (3, 2, 6, 5), dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@given(seed=st.integers(0, 2**31), seen=st.sampled_from([0.0, 0.5, 1.0]), limits=st.sampled_from([None, (0.0, 200.0)]))
def test_normalising_is_the_old_formula(dtype: str, seed: int, seen: float, limits: tuple[float, float] | None):
    stored = stored_values(dtype, seed)
    valid = np.random.default_rng(seed).random((3, 6, 5)) < seen
    kept = stored.copy()
    found = Normalise(BANDS, limits=limits)(to_tensor(stored, CPU), to_tensor(valid, CPU)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(stored, valid, limits), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(stored, kept)  # in place, but not in the caller's memory


def test_what_is_no_number_is_0_where_it_is_not_valid():
    stored = np.full((1, 2, 2, 2), np.nan, np.float32)
    stored[:, :, 0] = 110.0
    valid = np.array([[[True, True], [False, False]]])
    found = Normalise(BANDS)(to_tensor(stored, CPU), to_tensor(valid, CPU))
    assert found[0, :, 1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert found.isfinite().all()


def test_views_of_a_strip_are_read_as_they_lie():
    strip = np.arange(2 * 6 * 20, dtype=np.uint16).reshape(2, 6, 20)
    view = strip[None, :, :, 3:8][..., ::-1]
    assert (to_tensor(view, CPU).numpy() == view).all()
