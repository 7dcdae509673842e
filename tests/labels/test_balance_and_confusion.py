"""Balance and confusion: tables to be summed by hand, and scikit-learn's kappa."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from geolabel.labels.balance import balance
from geolabel.labels.confusion import Confusion, Dispute

ENTRY = {
    "sources": ["osm", "clc"],
    "cells": [
        {"classes": ["", "forest"], "ha": 10.0},
        {"classes": ["forest", "forest"], "ha": 40.0},
        {"classes": ["forest", "water"], "ha": 5.0},
        {"classes": ["water", "forest"], "ha": 10.0},
        {"classes": ["water", "water"], "ha": 30.0},
        {"classes": ["water", ""], "ha": 7.0},
        {"classes": ["none", "water"], "ha": 15.0},
    ],
}


def test_a_balance_to_be_summed_by_hand():
    forest = np.array([1.0, 0.5, 0.0, np.nan], np.float32)
    mine = np.array([np.nan, 0.25, 0.0, np.nan], np.float32)
    known = np.array([1.0, 1.0, 0.5, 0.0], np.float32)
    found = balance([("forest", forest), ("mine", mine)], known, np.array([10.0, 20.0, 20.0, 50.0]))
    assert (found.tiles, found.tiles_known, found.area_ha) == (4, 3, 100)
    assert found.unknown_share == pytest.approx(1 - (10 + 20 + 10) / 100)
    assert found.imbalance == pytest.approx(20 / 5)
    one, other = found.classes
    assert (one.share, one.ha, one.tiles, one.tiles_known) == (0.5, 20, 2, 3)
    assert (one.unknown_share, one.rarer) == (pytest.approx(0.5), 1)
    assert (other.share, other.ha, other.tiles, other.tiles_known) == (0.125, 5, 1, 2)
    assert (other.unknown_share, other.rarer) == (pytest.approx(0.6), 4)


def test_a_balance_without_areas_and_without_anything_known():
    nothing = np.full(3, np.nan, np.float32)
    found = balance([("forest", nothing)], np.zeros(3, np.float32), None)
    assert (found.tiles_known, found.area_ha, found.unknown_share, found.imbalance) == (0, None, 1, None)
    (one,) = found.classes
    assert (one.share, one.ha, one.tiles, one.tiles_known, one.rarer) == (None, None, 0, 0, None)


def test_a_confusion_to_be_summed_by_hand():
    found = Confusion.of(ENTRY, ("water", "forest", "mine"))
    assert found.classes == ("water", "forest", "none", "")
    assert found.ha.tolist() == [[30, 10, 0, 7], [5, 40, 0, 0], [15, 0, 0, 0], [0, 10, 0, 0]]
    assert (found.both_ha, found.agree_ha, found.agreement) == (100, 70, 0.7)
    np.testing.assert_allclose(found.by_row(), [30 / 40, 40 / 45, 0])
    np.testing.assert_allclose(found.by_column(), [30 / 50, 40 / 50, np.nan])
    assert found.disputes(2) == (Dispute("none", "water", 15), Dispute("water", "forest", 10))
    assert len(found.disputes(99)) == 3


def test_kappa_is_scikit_learns():
    spoken = [cell for cell in ENTRY["cells"] if all(cell["classes"])]
    one, other = zip(*(cell["classes"] for cell in spoken), strict=True)
    weight = [cell["ha"] for cell in spoken]
    found = Confusion.of(ENTRY, ())
    assert found.kappa == pytest.approx(cohen_kappa_score(one, other, sample_weight=weight))


@pytest.mark.parametrize("cells", [[], [{"classes": ["", "x"], "ha": 3.0}], [{"classes": ["x", "x"], "ha": 3.0}]])
def test_where_there_is_no_kappa(cells: list[dict[str, object]]):
    found = Confusion.of({"sources": ["a", "b"], "cells": cells}, ("x",))
    assert found.kappa is None
    assert found.agreement == (1 if cells and cells[0]["classes"][0] else None)
