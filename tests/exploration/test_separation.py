"""How well classes lie apart: against scikit-learn, planted, and where only neighbours on the ground help."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, silhouette_samples
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from geolabel.errors import EmptyError, InputError
from geolabel.exploration import separation as module
from geolabel.exploration.separation import separation
from geolabel.scoring.silhouette import silhouette
from tests.exploration.planted import groups

NAMES = ["forest", "water", "mine"]


@settings(max_examples=8)
@given(st.integers(0, 999))
def test_neighbours_vote_as_in_scikit_learn(seed: int) -> None:
    """An odd number of voters on two classes: no draws."""
    vectors, labels = groups(seed, 40, 2, 4, apart=1.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_VOTERS", 5)
        found = separation(vectors, labels, None, NAMES[:2], seed=0)
    said = cross_val_predict(KNeighborsClassifier(5), vectors, labels, cv=LeaveOneOut())
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, said))
    assert [each.recognised for each in found.classes] == [(said == labels)[labels == name].mean() for name in (0, 1)]
    values = silhouette_samples(vectors, labels)
    assert [each.silhouette for each in found.classes] == pytest.approx(
        [values[labels == c].mean() for c in (0, 1)], abs=1e-6
    )
    assert (found.chance, found.tiles) == (0.5, 40)


def test_planted_classes_and_shuffled_ones() -> None:
    vectors, labels = groups(0, 300, apart=12)
    unknown = np.where(np.arange(300) % 10, labels, -1)
    found = separation(vectors, unknown, np.eye(3)[labels], NAMES, seed=0)
    assert (found.balanced_accuracy, found.tiles) == (1, 270)
    assert found.silhouette > 0.6
    assert found.gsil == pytest.approx(silhouette(vectors, np.eye(3)[labels]).score)
    assert [each.name for each in found.classes] == NAMES
    shuffled = separation(vectors, np.random.default_rng(0).permutation(labels), None, NAMES, seed=0)
    assert shuffled.balanced_accuracy == pytest.approx(shuffled.chance, abs=0.1)
    assert shuffled.silhouette < 0.02
    assert np.isnan(shuffled.gsil)
    assert np.isnan(shuffled.balanced_elsewhere)


@settings(max_examples=10)
@given(st.integers(0, 99))
def test_neighbours_on_the_ground_do_not_flatter(seed: int) -> None:
    """Each place has a look of its own and one class; classes have none: by tiles of other places, it is chance."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(60), 10)
    labels = (np.arange(60) % 3)[place]
    vectors = rng.normal(size=(60, 8))[place] * 5 + rng.normal(size=(600, 8))
    found = separation(vectors, labels, None, NAMES, seed=0, groups=place * 7)
    assert found.balanced_accuracy > 0.8
    assert found.balanced_elsewhere < 0.6
    assert found.balanced_elsewhere == np.mean([each.recognised_elsewhere for each in found.classes])


def test_tiles_that_had_no_part_are_judged() -> None:
    """Training tiles lie apart because they were made to; the others are noise."""
    vectors, labels = groups(3, 200, apart=12)
    train = np.arange(200) < 120
    vectors[~train] = np.random.default_rng(0).normal(size=(80, 12)) * 3
    found = separation(vectors, labels, None, NAMES, seed=0, parts=np.where(train, 0, 1), groups=np.arange(200) // 4)
    expected = KNeighborsClassifier(10).fit(vectors[train], labels[train]).predict(vectors[~train])
    assert found.tiles == 80
    right = balanced_accuracy_score(labels[~train], expected)
    assert found.balanced_accuracy == pytest.approx(right, abs=0.08)  # draws are decided otherwise
    assert found.balanced_accuracy < 0.6
    assert separation(vectors, labels, None, NAMES, seed=0, parts=np.zeros(200, np.int64)).tiles == 200


def test_silhouettes_are_those_of_held_out_tiles() -> None:
    """What was learned by heart lies apart, the rest is noise: of it alone, nothing separates."""
    vectors, labels = groups(7, 600, apart=12)
    parts = np.arange(600) % 2
    shares = np.eye(3)[labels]
    vectors[parts == 1] = np.random.default_rng(0).normal(size=(300, 12))
    found = separation(vectors, labels, shares, NAMES, seed=0, parts=parts)
    held = silhouette_samples(vectors[parts == 1], labels[parts == 1])
    of_labels = labels[parts == 1]
    assert [each.silhouette for each in found.classes] == pytest.approx(
        [held[of_labels == name].mean() for name in range(3)], abs=1e-5
    )
    assert max(abs(found.silhouette), abs(found.gsil)) < 0.05
    assert separation(vectors, labels, shares, NAMES, seed=0).silhouette > 0.1


def test_a_buffer_is_not_judged() -> None:
    """Its tiles are as those that train, of which they are neighbours; so are tiles of no part."""
    vectors, labels = groups(8, 300, apart=12)
    parts = np.repeat([0, 2, -1], 100)
    vectors[parts == 2] = np.random.default_rng(0).normal(size=(100, 12))
    found = separation(vectors, labels, np.eye(3)[labels], NAMES, seed=0, parts=parts)
    assert found.tiles == 100
    assert found.balanced_accuracy < 0.6
    assert max(abs(found.silhouette), abs(found.gsil)) < 0.05


def test_where_no_part_can_judge_all_judge_all() -> None:
    vectors, labels = groups(9, 90, apart=12)
    for parts in (np.ones(90, np.int64), np.where(labels == 0, 0, 1), np.where(np.arange(90) % 2, 0, -1)):
        found = separation(vectors, labels, None, NAMES, seed=0, parts=parts)
        assert (found.tiles, found.balanced_accuracy) == (90, 1)


def test_many_tiles_are_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    monkeypatch.setattr(module, "_SILHOUETTES", 60)
    vectors, labels = groups(4, 400)
    found = separation(vectors, labels, np.eye(3)[labels], NAMES, seed=5)
    assert found.tiles == 100
    assert repr(found) == repr(separation(vectors, labels, np.eye(3)[labels], NAMES, seed=5))


def test_a_class_without_tiles_and_shares_that_nobody_knows() -> None:
    vectors, labels = groups(5, 60, 2)
    found = separation(vectors, labels, np.full((60, 3), np.nan), NAMES, seed=0)
    assert found.classes[2].tiles == 0
    assert np.isnan([found.classes[2].silhouette, found.classes[2].recognised, found.gsil]).all()
    assert found.chance == 0.5
    assert np.isfinite(found.silhouette)


def test_what_cannot_be_judged() -> None:
    vectors, _ = groups(6, 30)
    for labels in (np.full(30, -1), np.zeros(30, np.int64)):
        with pytest.raises(EmptyError, match="two or more"):
            separation(vectors, labels, None, NAMES, seed=0)
    vectors[0] = np.nan
    with pytest.raises(InputError, match="1 of 30 vectors"):
        separation(vectors, np.arange(30) % 3, None, NAMES, seed=0)
