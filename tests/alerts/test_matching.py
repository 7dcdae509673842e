"""Which alert is which: the greedy choice, by hand and as a law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.alerts.matching import match


def matched(shared, now=None, before=None):
    """Match by a table of hectares in common, (now, before)."""
    table = np.array(shared, dtype=float)
    one, other = np.nonzero(table)
    area_now = table.sum(axis=1) if now is None else np.array(now, dtype=float)
    area_before = table.sum(axis=0) if before is None else np.array(before, dtype=float)
    return match(one, other, table[one, other], area_now, area_before)


@pytest.mark.parametrize(
    ("shared", "same", "part_of", "within"),
    [
        ([[5]], [0], [-1], [0]),
        ([[2, 5]], [1], [-1], [0, 0]),  # two grew together
        ([[2], [5]], [-1, 0], [0, -1], [1]),  # one broke apart
        ([[5, 3], [0, 2]], [0, 1], [-1, -1], [0, 1]),  # both go on, though the first lies in the second as well
        ([[5, 0], [4, 1]], [0, 1], [-1, -1], [0, 1]),  # a part that is also another's
        ([[3], [3]], [0, -1], [-1, 0], [0]),  # a tie goes to the first
        ([[0]], [-1], [-1], [-1]),
    ],
)
def test_a_table_by_hand(shared, same, part_of, within) -> None:
    found = matched(shared)
    assert (found.same.tolist(), found.part_of.tolist(), found.within.tolist()) == (same, part_of, within)


@pytest.mark.parametrize(("shared", "same"), [(0.99, -1), (1.0, 0)])
def test_a_tenth_of_the_smaller_one_makes_a_pair(shared: float, same: int) -> None:
    assert matched([[shared]], now=[100], before=[10]).same.tolist() == [same]
    assert matched([[shared]], now=[10], before=[100]).same.tolist() == [same]


@given(table=st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=5))
def test_laws(table) -> None:
    shared = np.array(table)
    found = matched(table, now=np.ones(len(table)), before=np.ones(4))
    same, part_of, within = found.same, found.part_of, found.within
    mine = same[same >= 0]
    assert len(set(mine.tolist())) == len(mine)  # a name is given once
    assert (within[mine] == np.flatnonzero(same >= 0)).all()
    assert not ((same >= 0) & (part_of >= 0)).any()
    # all that have something in common have a partner, and parts and hosts are such as go on themselves
    assert (((same >= 0) | (part_of >= 0)) == (shared > 0).any(axis=1)).all()
    assert ((within >= 0) == (shared > 0).any(axis=0)).all()
    assert np.isin(part_of[part_of >= 0], mine).all()
    assert (same[within[within >= 0]] >= 0).all()
