"""Sizes of samples: the example of Olofsson et al. 2014, and laws of allocation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.scoring.sample_size import allocate, enough, expected_error, sample_size

SHARES = np.array([0.02, 0.015, 0.32, 0.645])
ACCURACIES = np.array([0.7, 0.6, 0.9, 0.95])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])


def test_the_example_of_olofsson_2014():
    """Section 5.1: 641 points, of which the classes of change get 75 each, the others 165 and 325 in round numbers."""
    assert sample_size(SHARES, ACCURACIES, 0.01, int(PIXELS.sum())) == 641
    assert allocate(641, SHARES, 75, PIXELS).tolist() == [75, 75, 163, 328]


def test_a_small_map_needs_fewer():
    assert sample_size(SHARES, ACCURACIES, 0.01, 1_000) < 641 * 0.7


def test_what_is_asked_for_is_reached():
    alike = np.full(4, 0.8)
    assert sample_size(SHARES, alike, 0.02, 10**9) == 400
    found = enough(0.02, SHARES, alike, 2, PIXELS)
    assert found.sum() == pytest.approx(404, abs=12)  # one more a stratum, and rounded up
    by_hand = (SHARES**2 * 0.16 / (found - 1)).sum() ** 0.5
    assert expected_error(SHARES, alike, found, PIXELS) == pytest.approx(by_hand, rel=1e-3)
    assert by_hand <= 0.02
    rare = enough(0.02, SHARES, ACCURACIES, 50, PIXELS)
    assert rare[:2].tolist() == [50, 50]
    assert expected_error(SHARES, ACCURACIES, rare, PIXELS) <= 0.02
    tiny = np.array([3, 5])
    assert enough(0.001, np.array([0.4, 0.6]), np.full(2, 0.8), 50, tiny).tolist() == [3, 5]


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
    st.integers(2, 100),
    st.integers(0, 5_000),
)
def test_allocation(pixels, minimum, more):
    pixels = np.array(pixels)
    shares = pixels / pixels.sum()
    least = np.minimum(minimum, pixels)
    points = min(int(least.sum()) + more, int(pixels.sum()))
    found = allocate(points, shares, minimum, pixels)
    assert found.sum() == points
    assert (found >= least).all()
    assert (found <= pixels).all()
    free = (found > least + 1) & (found < pixels)
    if free.sum() > 1:  # those that are not held by a limit are in proportion
        ratio = found[free] / shares[free]
        assert np.ptp(ratio * shares[free].min()) <= 2
