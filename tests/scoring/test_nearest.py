"""The k nearest, against all distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import OptionError
from geolabel.scoring.nearest import nearest


@given(st.integers(0, 9_999), st.integers(1, 40), st.integers(1, 30), st.integers(1, 50))
def test_all_distances(seed: int, asked: int, given_: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    queries, references = rng.normal(size=(asked, 3)), rng.normal(size=(given_, 3))
    away = ((queries[:, None] - references) ** 2).sum(axis=2)
    assert nearest(queries, k, references).tolist() == np.argsort(away, axis=1)[:, :k].tolist()
    among = ((queries[:, None] - queries) ** 2).sum(axis=2)
    np.fill_diagonal(among, np.inf)
    assert nearest(queries, k).tolist() == np.argsort(among, axis=1)[:, : min(k, asked - 1)].tolist()


def test_ties_come_in_their_order_and_nobody_is_its_own_neighbour() -> None:
    assert nearest(np.ones((4, 2)), 3).tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert nearest(np.ones((2, 2)), 2, np.ones((3, 2))).tolist() == [[0, 1], [0, 1]]


def test_none() -> None:
    assert nearest(np.zeros((1, 2)), 3).shape == (1, 0)
    assert nearest(np.zeros((0, 2)), 3).shape == (0, 0)
    assert nearest(np.zeros((5, 2)), 3, np.zeros((0, 2))).shape == (5, 0)
    with pytest.raises(OptionError, match="ask for 1"):
        nearest(np.zeros((5, 2)), 0)
