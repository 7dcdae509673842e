"""What a classifier says beside what is known, as one can check by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from geolabel.model import BandContract, Head, ModelCard
from geolabel.steps.exploring.answers import FALSE_ALARM, MISSED, RIGHT, UNKNOWN, answers_of
from geolabel.tiling.index import LABEL_PREFIX, TileIndex


def test_right_missed_and_false_alarm_by_hand() -> None:
    card = ModelCard(
        architecture="small-cnn",
        heads=(Head("all", "sigmoid", ("mine", "forest")),),
        scheme={},
        bands=(BandContract("red", 1, 0, 0, 1),),
        dtype="uint8",
        gsd_m=None,
        tile_px=(8, 8),
        presence={"mine": 0.1},
        thresholds={"mine": 0.6, "forest": 0.5},
        abstain={"mine": (0.5, 0.6)},
    )
    shares = np.array([0.2, 0.2, 0.05, 0.0, np.nan, 0.3], np.float32)
    index = TileIndex(pa.table({LABEL_PREFIX + "mine": shares}), (), None)
    told = np.array([0.9, 0.4, 0.9, 0.1, 0.9, 0.55], np.float32)
    found = answers_of(card, index, np.column_stack([told, np.full(6, 0.2, np.float32)]))
    assert found.outcome[:, 0].tolist() == [RIGHT, MISSED, FALSE_ALARM, RIGHT, UNKNOWN, UNKNOWN]
    assert (found.outcome[:, 1] == UNKNOWN).all()  # nobody labelled it
    assert found.error is not None
    assert found.error == pytest.approx([0.1, 0.6, 0.9, 0.1, np.nan, 0.45], nan_ok=True, abs=1e-6)
    assert found.lines[1] == "mine 0.40"
    assert found.commonest == [0, 1]


def test_of_classes_that_exclude_each_other_the_largest_share_is_the_truth() -> None:
    """A share of .3 is present by itself, and no miss where .6 of the tile is another class."""
    classes = ("forest", "field", "mine")
    card = ModelCard(
        architecture="small-cnn",
        heads=(Head("cover", "softmax", classes),),
        scheme={},
        bands=(BandContract("red", 1, 0, 0, 1),),
        dtype="uint8",
        gsd_m=None,
        tile_px=(8, 8),
        presence=dict.fromkeys(classes, 0.1),
        thresholds=dict.fromkeys(classes, 0.5),
    )
    shares = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.1]], np.float32)
    table = {LABEL_PREFIX + name: share for name, share in zip(classes, shares.T, strict=True)}
    told = np.tile(np.array([0.9, 0.05, 0.05], np.float32), (3, 1))
    found = answers_of(card, TileIndex(pa.table(table), (), None), told)
    assert found.outcome.tolist() == [[RIGHT] * 3, [FALSE_ALARM, MISSED, RIGHT], [UNKNOWN] * 3]
    assert found.error == pytest.approx([0.2 / 3, (0.9 + 0.95 + 0.05) / 3, np.nan], nan_ok=True, abs=1e-6)
