"""Training and test pixels are apart, and scores are those of scikit-learn's own probes."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import jaccard_score

from geolabel.errors import EmptyError, OptionError
from geolabel.grid import Grid
from geolabel.scoring.iou import pixel_scores
from geolabel.steps.embed.segmentation.learn import better
from geolabel.steps.embed.segmentation.sample import PixelSample
from geolabel.steps.embed.segmentation.scores import Blocks, WayScores, inner_rounds, rounds_of, score_ways

GRID = Grid("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000), 400, 300)


def sample(count: int = 900) -> PixelSample:
    rng = np.random.default_rng(0)
    row, col, truth = rng.integers(0, 300, count), rng.integers(0, 400, count), rng.choice(3, count, p=[0.6, 0.3, 0.1])
    weight = np.array([50.0, 20, 5])[truth]
    return PixelSample(row, col, truth, weight, np.array([1, 2, 3]), np.bincount(truth, weight).astype(int))


@pytest.mark.parametrize("folds", [None, 4])
def test_training_pixels_are_a_buffer_away_from_those_that_test(folds):
    drawn = sample()
    rounds = rounds_of(drawn, GRID, Blocks(500.0, None, 0.3, folds), 100.0, 0)
    assert len(rounds) == (folds or 1)
    metres = np.column_stack([drawn.col, drawn.row]) * 10.0
    for train, test in rounds:
        assert not (train & test).any()
        apart = np.abs(metres[train][:, None] - metres[test]).max(axis=2)
        assert apart.min() > 99  # the plane on which metres are counted is another than UTM's
    tested = np.sum([test for _, test in rounds], axis=0)
    if folds:
        assert (tested == 1).all()
    else:
        assert tested.mean() == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("folds", [None, 3])
def test_what_chooses_a_probe_is_of_the_training_side_and_apart(folds):
    drawn = sample()
    blocks = Blocks(500.0, None, 0.3, folds)
    rounds = rounds_of(drawn, GRID, blocks, 100.0, 0)
    metres = np.column_stack([drawn.col, drawn.row]) * 10.0
    inner = inner_rounds(drawn, GRID, blocks, 100.0, rounds, 0)
    assert len(inner) == len(rounds)
    for (train, _), (tried, chooses) in zip(rounds, inner, strict=True):
        assert not ((tried | chooses) & ~train).any()
        assert chooses.sum() / train.sum() == pytest.approx(0.3, abs=0.15)
        apart = np.abs(metres[tried][:, None] - metres[chooses]).max(axis=2)
        assert apart.min() > 99
    with pytest.raises(EmptyError):
        inner_rounds(drawn, GRID, Blocks(5_000.0, None, 0.3, None), 100.0, [(drawn.col < 150, drawn.col > 250)], 0)


def test_probes_are_scored_on_test_pixels_by_what_these_stand_for():
    drawn = sample()
    rng = np.random.default_rng(1)
    features = (np.eye(3, 5)[drawn.truth] * 3 + rng.normal(0, 1, (900, 5))).astype(np.float32)
    colours = rng.normal(0, 1, (900, 2)).astype(np.float32)
    test = drawn.col > 200
    ways = score_ways(features, colours, drawn, ("a", "b", "c"), [(~test, test)], ("logistic", "forest"), 0)
    found = {one.way: one for one in ways}
    assert list(found) == ["logistic", "forest", "colours", "majority"]
    told = {"average": "macro", "sample_weight": drawn.weight[test], "zero_division": 0}
    most = jaccard_score(drawn.truth[test], np.zeros(test.sum(), int), **told)
    assert found["majority"].pooled.mean_iou == pytest.approx(most)
    own = RandomForestClassifier(100, min_samples_leaf=2, random_state=0, class_weight="balanced_subsample")
    own.fit(features[~test], drawn.truth[~test], drawn.weight[~test])
    expected = jaccard_score(drawn.truth[test], own.predict(features[test]), **told)
    assert found["forest"].pooled.mean_iou == pytest.approx(expected, abs=0.08)
    assert found["logistic"].pooled.mean_iou > 0.6 > found["colours"].pooled.mean_iou
    assert found["logistic"].deviation is None


@pytest.mark.parametrize(("forest", "taken"), [(5, "logistic"), (9, "forest")])
def test_a_forest_is_taken_where_it_is_clearly_better(forest, taken):
    truth = np.repeat([0, 1], 500)

    def way(name: str, right: int) -> WayScores:
        return WayScores(name, (pixel_scores(truth, np.where(np.arange(1000) % 100 < right, truth, 1 - truth), 2),))

    ways = [way("logistic", 90), way("forest", 85 + forest)]
    assert better(ways, ("logistic", "forest")) == taken


def test_rounds_are_pooled():
    one = pixel_scores(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    other = pixel_scores(np.array([0, 1, 1]), np.array([0, 1, 1]), 2)
    both = WayScores("x", (one, other))
    assert both.pooled.matrix.tolist() == [[2, 1], [0, 3]]
    assert both.pooled.mean_iou == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert both.deviation == pytest.approx(np.std([0.5, 1.0], ddof=1))


def test_a_class_that_no_test_pixel_has_is_told(caplog):
    drawn = sample()
    test = (drawn.col > 200) & (drawn.truth < 2)
    features = np.zeros((900, 2), np.float32)
    ways = score_ways(features, features, drawn, ("a", "b", "c"), [(~test, test)], ("logistic",), 0)
    assert "no test pixel is of c" in caplog.text
    assert np.isfinite(ways[0].pooled.mean_iou)


def test_splits_that_cannot_be_are_refused():
    drawn = sample()
    with pytest.raises(EmptyError, match="smaller --block"):
        rounds_of(drawn, GRID, Blocks(50_000.0), 100.0, 0)
    with pytest.raises(EmptyError, match="smaller --buffer"):
        rounds_of(drawn, GRID, Blocks(1_000.0), 50_000.0, 0)
    for told in ({"test": 0.0}, {"test": 1.0}, {"folds": 1}, {"buffer_m": -1.0}, {"block_m": 0.0}):
        with pytest.raises(OptionError, match="--"):
            Blocks(**told)
