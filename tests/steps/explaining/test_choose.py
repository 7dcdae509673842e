"""Which tiles are worth a look: the surest of each kind, by a table that one can check by eye."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from geolabel.errors import ModelError
from geolabel.steps.explaining.choose import FALSE_ALARM, MISS, RIGHT, Answered, classes_of, of_tiles, worth_a_look

LIKELY = [0.9, 0.8, 0.95, 0.6, 0.1, 0.3, 0.7, 0.2]
TRUTH = [1, 1, 0, 0, 1, 1, np.nan, 0]


def answered(truth: list[float]) -> Answered:
    likely = np.array([LIKELY, [0.0] * 8], np.float32).T
    known = np.array([truth, [0.0] * 8], np.float32).T
    return Answered(np.arange(100, 108), likely, likely >= 0.5, known)


def test_the_surest_of_each_kind():
    cases = worth_a_look(answered(TRUTH), [0], 1)
    assert [(case.row, case.kind) for case in cases] == [(100, RIGHT), (102, FALSE_ALARM), (104, MISS)]
    assert [case.labelled for case in cases] == [True, False, True]
    cases = worth_a_look(answered(TRUTH), [0], 5)
    assert [case.row for case in cases] == [100, 101, 102, 103, 105, 104]  # of tile 106 nothing is known
    assert cases[0].probability == pytest.approx(0.9)


def test_without_labels_the_surest_detections():
    cases = worth_a_look(answered([np.nan] * 8), [0, 1], 3)
    assert [(case.row, case.kind, case.labelled) for case in cases] == [
        (row, "detection", None) for row in (102, 100, 101)
    ]


def test_tiles_that_were_named():
    told = answered(TRUTH)
    assert [(case.row, case.class_at) for case in of_tiles(told, [0, 1], named=False)] == [
        (at, 0) for at in range(100, 108)
    ]
    assert len(of_tiles(told, [0, 1], named=True)) == 16
    kinds = {case.row: case.kind for case in of_tiles(told, [0, 1], named=False)}
    assert (kinds[104], kinds[106], kinds[107]) == (MISS, "detection", "rightly not detected")


def test_classes_by_name():
    card = cast("Any", SimpleNamespace(classes=("mine", "road")))
    assert classes_of(card, (), Path("m")) == [0, 1]
    assert classes_of(card, ("road", "road"), Path("m")) == [1]
    with pytest.raises(ModelError, match="m: has no class lake; its classes are mine, road"):
        classes_of(card, ("lake",), Path("m"))
