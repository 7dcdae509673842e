"""What is filled, in a table one can check by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geolabel.learn.fill import fill
from geolabel.model import Head

HEADS = (Head("land", "sigmoid", ("a", "b")), Head("sky", "softmax", ("c", "d")))
NAN = np.nan


def test_only_what_is_sure_is_filled_and_only_where_nothing_was_known():
    truth = np.array([[1, NAN, NAN, NAN], [NAN, NAN, 0, 1], [NAN, NAN, NAN, NAN]], np.float32)
    found = np.array([[0.01, 0.95, 0.93, 0.07], [0.05, 0.5, 0.99, 0.01], [NAN, NAN, 0.6, 0.4]], np.float32)
    filled = fill(truth, found, HEADS, 0.9)
    wanted = [[1, 1, 1, 0], [0, NAN, 0, 1], [NAN, NAN, NAN, NAN]]
    assert np.array_equal(filled, np.array(wanted, np.float32), equal_nan=True)


@given(arrays(np.float32, (12, 4), elements=st.floats(0, 1, width=32)), st.floats(0.51, 0.99))
def test_known_labels_stay_and_a_stricter_cut_fills_less(found: np.ndarray, cut: float):
    truth = np.where(np.arange(48).reshape(12, 4) % 3 == 0, 1.0, np.nan).astype(np.float32)
    truth[:, 2:] = np.where(np.isnan(truth[:, 2:]).any(axis=1, keepdims=True), np.nan, truth[:, 2:])
    filled, strict = fill(truth, found, HEADS, cut), fill(truth, found, HEADS, min(0.995, cut + 0.2))
    known = np.isfinite(truth)
    assert (filled[known] == truth[known]).all()
    assert not (np.isfinite(strict) & np.isnan(filled)).any()
