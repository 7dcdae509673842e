"""What counts as detected, in tables one can check by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geolabel.inference import NONE, UNDECIDED, Decision, levels_of
from geolabel.model import BandContract, Head, ModelCard

CARD = ModelCard(
    architecture="small-cnn",
    heads=(Head("land", "sigmoid", ("mine", "road")), Head("sky", "softmax", ("clear", "haze"))),
    scheme={},
    bands=(BandContract("red", 1, 0, 0, 1),),
    dtype="uint8",
    gsd_m=None,
    tile_px=(8, 8),
    presence={},
    thresholds={"mine": 0.2, "road": 0.8, "clear": 0.9, "haze": 0.9},
)


def test_independent_classes_reach_their_threshold_and_exclusive_ones_are_the_likeliest():
    found = Decision.of(CARD).on_tiles(np.array([[0.2, 0.79, 0.3, 0.7], [0.19, 0.8, 0.6, 0.4]], np.float32))
    assert found.tolist() == [[True, False, False, True], [False, True, True, False]]


def test_one_threshold_for_all_leaves_exclusive_classes_alone():
    found = Decision.of(CARD, 0.5).on_tiles(np.array([[0.5, 0.49, 0.3, 0.7]], np.float32))
    assert found.tolist() == [[True, False, False, True]]


def test_the_class_furthest_above_its_threshold_is_shown():
    decision = Decision.of(CARD)
    levels = np.array([[100, 60, 10], [240, 220, 10], [125, 125, 125], [124, 124, 124]], np.uint8)[:, None]
    detected = decision.detected(levels)
    detected[2:] = False
    # mine: (100 - 50) / 200 = .25, road: (240 - 200) / 50 = .8; then .05 against .4; then none reaches its own
    assert decision.foremost(levels, detected).tolist() == [[2, 2, 0]]


def test_thresholds_are_what_a_map_can_hold():
    assert levels_of(np.array([0.0, 2e-5, 0.3333, 1.0])).tolist() == [0.004, 0.004, 0.332, 0.996]


def test_levels_between_the_ends_of_a_band_are_undecided():
    decision = Decision((100, 100), (), ((80, 120), (0, 0)))
    levels = np.array([[79, 80, 100, 119, 120], [0, 0, 99, 100, 0]], np.uint8)
    detected = decision.detected(levels)
    assert detected.tolist() == [[False, False, False, False, True], [False, False, False, True, False]]
    assert decision.undecided(levels).tolist() == [[False, True, True, True, False], [False] * 5]
    assert decision.foremost(levels, detected).tolist() == [NONE, UNDECIDED, UNDECIDED, 2, 1]


def test_of_exclusive_classes_the_likeliest_is_undecided_where_it_is_not_likely_enough():
    decision = Decision((1, 1), (slice(0, 2),), ((0, 150), (0, 150)))
    levels = np.array([[140, 160], [110, 90]], np.uint8)
    assert decision.detected(levels).tolist() == [[False, True], [False, False]]
    assert decision.undecided(levels).tolist() == [[True, False], [False, False]]
    assert decision.foremost(levels, decision.detected(levels)).tolist() == [UNDECIDED, 1]


@given(arrays(np.uint8, (3, 20), elements=st.integers(0, 250)), st.integers(1, 249), st.integers(0, 60))
def test_a_wider_band_decides_less_and_never_otherwise(levels: np.ndarray, cut: int, width: int):
    narrow = Decision((cut,) * 3, ())
    wide = Decision((cut,) * 3, (), ((max(0, cut - width), min(250, cut + width)),) * 3)
    found, sure = narrow.detected(levels), wide.detected(levels)
    assert not (sure & ~found).any()
    assert not (sure & wide.undecided(levels)).any()
    assert ((found == sure) | wide.undecided(levels)).all()
