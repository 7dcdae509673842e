"""Errors are those that the counts count, and what stands in them is summed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.scoring.counts import Counts
from geolabel.scoring.mistaken import confusions, judged

NAN = float("nan")


def test_errors_by_hand():
    truth = np.array([[0, 1], [0, 1], [1, 0], [1, NAN], [NAN, 0], [1, 1], [0, 0]], dtype=np.float32)
    told = np.array([[0.7, 0.9], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.9, 0.2], [0.6, 0.3], [0.1, 0.1]])
    mine, river = judged(truth, told, told >= 0.5, ("mine", "river"))
    assert mine.false_alarms.tolist() == [1, 0]  # .9 before .7; tile 4 is unknown, and no error
    assert mine.misses.tolist() == [3, 2]
    assert mine.hits.tolist() == [5]
    assert (river.false_alarms.tolist(), river.misses.tolist(), river.hits.tolist()) == ([2], [1, 5], [0])


@given(st.integers(0, 10_000))
def test_there_are_as_many_errors_as_the_counts_say(seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.choice([0.0, 1.0, NAN], (40, 3)).astype(np.float32)
    told = rng.random((40, 3)).round(1)
    detected = told >= 0.4
    counts = Counts.of(truth, detected, axis=0)
    for at, one in enumerate(judged(truth, told, detected, ("a", "b", "c"))):
        assert (len(one.hits), len(one.false_alarms), len(one.misses)) == (counts.tp[at], counts.fp[at], counts.fn[at])
        assert (np.diff(told[one.false_alarms, at]) <= 0).all()
        assert (np.diff(told[one.misses, at]) >= 0).all()


def table() -> tuple[np.ndarray, np.ndarray]:
    """200 tiles without mine: 40 false alarms, 30 of them on river; river is in 50 of the 200. 20 mines, all found."""
    truth = np.zeros((220, 2), np.float32)
    found = np.zeros((220, 2), bool)
    found[:40, 0] = True
    truth[:30, 1] = truth[40:60, 1] = 1
    truth[200:, 0] = found[200:, 0] = 1
    found[:, 1] = truth[:, 1] == 1
    return truth, found


def test_what_is_there_in_false_alarms_by_hand():
    truth, found = table()
    (one,) = confusions(truth, found, ("mine", "river"))
    assert (one.kind, one.name, one.other, one.count, one.errors) == ("false alarm", "mine", "river", 30, 40)
    assert one.common == 0.25
    assert one.lift == pytest.approx(3.0)
    # 1/30 − 1/40 − 1/50 + 1/200 and so on, squared and summed over the four sorts of tiles
    spread = [1 / 30 - 1 / 40 - 1 / 50 + 1 / 200, -1 / 40 + 1 / 200, -1 / 50 + 1 / 200, 1 / 200]
    error = np.sqrt(sum(times * part**2 for times, part in zip((30, 10, 20, 140), spread, strict=True)) * 200 / 199)
    z = 2.4977  # two pairs and two kinds: 1.25 % is left outside, half on each side
    floor = np.sqrt((1 - 30.5 / 41) / (30.5 / 41 * 40))
    assert one.low == pytest.approx(3 * np.exp(-z * max(error, floor)), rel=1e-3)
    assert one.low < one.lift < one.high


def test_what_is_found_in_place_of_what_is_missed():
    truth, found = np.zeros((100, 2), np.float32), np.zeros((100, 2), bool)
    truth[:20, 0] = 1  # mines, ten of which are missed, and eight of those taken for road
    found[10:20, 0] = found[:8, 1] = found[90:92, 1] = True
    alarm, miss = confusions(truth, found, ("mine", "road"))[::-1]
    assert (miss.kind, miss.name, miss.other, miss.count, miss.errors) == ("miss", "mine", "road", 8, 10)
    assert (miss.common, miss.lift) == (0.1, pytest.approx(8))
    assert (alarm.kind, alarm.name, alarm.other, alarm.count, alarm.errors) == ("false alarm", "road", "mine", 8, 10)
    assert (alarm.common, alarm.lift) == (0.2, pytest.approx(4))


def test_few_errors_and_chance_say_nothing():
    truth, found = table()
    assert not confusions(truth[[*range(4), *range(40, 220)]], found[[*range(4), *range(40, 220)]], ("mine", "river"))
    rng = np.random.default_rng(0)
    told = [confusions(*(rng.random((300, 4)) < 0.3 for _ in range(2)), "abcd") for _ in range(100)]
    assert sum(map(bool, told)) <= 8  # of a hundred runs of chance, five are expected


def test_one_place_is_one_observation():
    truth, found = table()
    place = np.arange(220) // 3
    place[:30] = 0  # all of one river
    assert not confusions(truth, found, ("mine", "river"), groups=place)


def test_classes_that_rule_each_other_out_are_left_to_their_table():
    truth, found = table()
    assert not confusions(truth, found, ("mine", "river"), exclusive=(slice(0, 2),))


def test_what_is_unknown_is_not_counted():
    truth, found = table()
    truth[:10, 1] = NAN  # of ten false alarms nobody knows whether there is a river
    (one,) = confusions(truth, found, ("mine", "river"))
    assert (one.count, one.errors, one.common) == (20, 30, 40 / 190)
