"""Which images show a change: tables by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geolabel.steps.changes.alerting import sightings
from geolabel.steps.changes.measure import Measured

NAN = float("nan")


def measured(seen: list[list[float]], odds: list[list[float]]) -> Measured:
    return Measured(np.array(seen), np.array(odds), {}, np.zeros((len(seen), 0)))


# share seen at each of four dates, log-odds of the class, first image after: before, last, number of images
LOSSES = {
    "seen on all": ([1, 1, 1, 1], [3, 3, -3, -3], 2, (1, 3, 2)),
    "the last one is clouded": ([1, 1, 1, 0.4], [3, 3, -3, NAN], 2, (1, 2, 1)),
    "clouded before: the window widens": ([1, 0.2, 1, 1], [3, 3, -3, -3], 2, (0, 3, 2)),
    "clouded between, seen again": ([1, 1, 0.5, 0], [3, -3, -3, NAN], 1, (0, 2, 2)),
    "a gap is no end": ([1, 1, 0, 1], [3, -3, NAN, -3], 1, (0, 3, 2)),
    "back at the end": ([1, 1, 1, 1], [3, -3, -3, 3], 1, (0, 2, 2)),
    "lost again after that does not count": ([1, 1, 1, 1], [3, -3, 3, -3], 1, (0, 1, 1)),
    "nothing clear before": ([0, 0, 1, 1], [NAN, NAN, -3, -3], 2, (1, 3, 2)),
    "even chances show no loss": ([1, 1, 1, 1], [3, 3, -3, 0], 2, (1, 2, 1)),
    "the first one only in part": ([1, 0.3, 1, 1], [3, -3, -3, -3], 1, (0, 3, 2)),
    "the mean of the first one doubts it": ([1, 1, 1, 1], [3, 0.1, -3, -3], 1, (0, 3, 2)),
}


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("what", ["loss", "gain"])
def test_sightings(case: str, what: str):
    seen, odds, first, wanted = LOSSES[case]
    sign = 1 if what == "loss" else -1
    found = sightings(measured([seen], [[sign * value for value in odds]]), np.array([first]), what, paired=False)
    assert tuple(int(part[0]) for part in found) == wanted


def test_pairs_do_not_ask_later_images():
    table = measured([[1, 1, 1], [0.1, 1, 1]], [[3, 3], [3, 3]])
    before, last, count = sightings(table, np.array([1, 2]), "change", paired=True)
    assert (before.tolist(), last.tolist(), count.tolist()) == ([0, 1], [1, 2], [1, 1])


@given(data=st.data(), dates=st.integers(2, 6))
def test_before_comes_before_and_counts_fit(data: st.DataObject, dates: int):
    n = data.draw(st.integers(0, 5))
    shares, values = st.floats(0, 1), st.floats(-4, 4)
    table = Measured(
        data.draw(hnp.arrays(np.float64, (n, dates), elements=shares)),
        data.draw(hnp.arrays(np.float64, (n, dates), elements=values)),
        {},
        np.zeros((n, 0)),
    )
    first = data.draw(hnp.arrays(np.int64, n, elements=st.integers(1, dates - 1)))
    before, last, count = sightings(table, first, "loss", paired=False)
    assert (before >= 0).all()
    assert (before < first).all()
    assert (last >= first).all()
    assert (count >= 1).all()
    assert (count <= last - first + 1).all()
    nothing = Measured(table.seen * 0, table.odds, {}, table.others)
    assert all(
        (one == other).all()
        for one, other in zip(
            sightings(nothing, first, "loss", paired=False), (first - 1, first, np.ones(n)), strict=True
        )
    )
