"""Projections: PCA and LDA against scikit-learn, planted groups kept by all, and noise that is called noise."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score

from geolabel.errors import EmptyError, InputError, OptionError
from geolabel.exploration import projection
from geolabel.exploration.discriminant import discriminant, held_out
from geolabel.exploration.neighbours import nearest
from geolabel.exploration.principal import principal
from geolabel.exploration.projection import project
from tests.exploration.planted import groups

METHODS = ["pca", "umap", "tsne", "lda"]
seeds = st.integers(0, 999)


@given(seeds, st.integers(3, 40), st.integers(1, 40))
def test_principal_components_are_scikit_learn_s(seed: int, tiles: int, size: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(tiles, size)) * np.geomspace(1, 9, size) + 100
    count = min(3, tiles - 1, size)
    found, expected = principal(vectors, count), PCA(count).fit(vectors)
    assert found.shares == pytest.approx(expected.explained_variance_ratio_, abs=1e-9)
    assert np.abs(found.points) == pytest.approx(np.abs(expected.transform(vectors)), abs=1e-6)


def test_directions_that_are_not_there_are_zeros() -> None:
    found = principal(np.outer(np.arange(5.0), [3, 4]), 3)
    assert found.points[:, 0] == pytest.approx(np.arange(-2, 3) * 5)
    assert (found.points[:, 1:] == 0).all()
    assert found.shares.tolist() == pytest.approx([1, 0, 0])
    assert (principal(np.ones((4, 2)), 2).points == 0).all()


def test_pca_tells_what_it_holds() -> None:
    """Variances 9, 4, 2 and 1 on axes of their own: 13 of 16."""
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    found = project(signs * np.sqrt([4, 9, 1, 2]), "pca", 2, seed=0)
    assert "81 % of it (56 %, 25 %)" in found.told
    assert np.abs(found.points) == pytest.approx(np.abs(signs[:, [1, 0]] * [3, 2]))


@given(seeds)
def test_discriminant_axes_are_scikit_learn_s(seed: int) -> None:
    """With many tiles little is shrunk; classes of one size have one weight there, too."""
    vectors, labels = groups(seed, 900, 3, 5)
    found = discriminant(vectors, labels).along(vectors)
    expected = LinearDiscriminantAnalysis().fit(vectors, labels).transform(vectors)
    cosines = np.abs(np.linalg.svd(np.linalg.qr(found)[0].T @ np.linalg.qr(expected)[0])[1])
    assert cosines == pytest.approx(1, abs=1e-3)
    assert np.std(found - discriminant(vectors, labels).means[labels], axis=0) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_planted_groups_stay_together(method: str, dims: int) -> None:
    vectors, labels = groups(3, 90, apart=12)
    found = project(vectors, method, dims, seed=1, labels=labels)
    near = nearest(found.points, 5)
    assert (labels[near.rows] == labels[:, None]).mean() > 0.9
    assert (found.method, found.dims, found.points.shape) == (method, dims, (90, dims))
    assert found.points.dtype == np.float32
    assert found.trustworthiness > 0.7
    again = project(vectors, method, dims, seed=1, labels=labels)
    assert again.points.tobytes() == found.points.tobytes()
    assert again == again.__class__(method, dims, again.points, found.told, found.trustworthiness)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vectors", [np.ones((5, 3)), np.arange(5.0)[:, None], np.eye(5)], ids=["same", "line", "few"])
def test_small_and_poor_sets_have_a_picture(method: str, vectors: np.ndarray) -> None:
    for dims in (2, 3):
        found = project(vectors, method, dims, seed=0, labels=np.array([0, 1, 0, 1, -1]))
        assert np.isfinite(found.points).all()
        assert np.isnan(found.trustworthiness)


def test_umap_takes_neighbours_that_are_found() -> None:
    vectors, _ = groups(0, 60)
    found = nearest(vectors[::-1], 20)
    of_others = project(vectors, "umap", 2, seed=0, neighbours=found)
    too_few = project(vectors, "umap", 2, seed=0, neighbours=nearest(vectors, 3))
    alone = project(vectors, "umap", 2, seed=0)
    assert of_others.trustworthiness < alone.trustworthiness - 0.1
    assert (too_few.points == alone.points).all()


def test_tsne_places_those_that_it_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "_TSNE_TILES", {2: 120, 3: 120})
    vectors, labels = groups(5, 400, apart=12)
    found = project(vectors, "tsne", 2, seed=0)
    assert "120 tiles were moved" in found.told
    assert (labels[nearest(found.points, 5).rows] == labels[:, None]).mean() > 0.98
    assert found.trustworthiness > 0.8


# LDA is honest


@settings(max_examples=10)
@given(seeds)
def test_random_labels_with_many_features_are_called_noise(seed: int) -> None:
    """On the tiles that it is fitted on, LDA parts any labels; held-out tiles tell."""
    rng = np.random.default_rng(seed)
    vectors, labels = rng.normal(size=(120, 200)), rng.integers(0, 3, 120)
    fitted = discriminant(vectors, labels)
    assert balanced_accuracy_score(labels, fitted.classify(vectors)) > 0.8
    judged = held_out(vectors, labels, None, seed=0)
    assert abs(judged.balanced_accuracy - 1 / 3) < 5 * judged.error
    assert judged.tiles == 120


def test_told_says_noise_and_says_what_is_none() -> None:
    rng = np.random.default_rng(1)
    noise = project(rng.normal(size=(90, 150)), "lda", 2, seed=0, labels=rng.integers(0, 3, 90))
    assert noise.told.endswith("what looks apart is noise")
    accuracy = float(re.search(r"accuracy (\S+)", noise.told)[1])
    assert accuracy == pytest.approx(1 / 3, abs=0.2)
    vectors, labels = groups(0, 300)
    told = project(vectors, "lda", 2, seed=0, labels=labels).told
    assert "noise" not in told
    assert "300 held-out tiles" in told


def test_held_out_parts_judge_where_there_are_some() -> None:
    """Training tiles lie apart, the others do not: what is told is of the others."""
    vectors, labels = groups(2, 300)
    train = np.arange(300) < 150
    parts = np.where(train, 0, 1)
    rng = np.random.default_rng(0)
    vectors[~train] = rng.normal(size=(150, 12))
    judged = held_out(vectors, labels, parts, seed=0)
    assert (judged.by_part, judged.tiles) == (True, 150)
    expected = discriminant(vectors[train], labels[train]).classify(vectors[~train])
    assert judged.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels[~train], expected))
    assert judged.balanced_accuracy < 0.5
    found = project(vectors, "lda", 2, seed=0, labels=labels, parts=parts)
    assert "tiles of other parts" in found.told
    assert found.points == pytest.approx(discriminant(vectors[train], labels[train]).along(vectors), rel=1e-5)


def test_a_buffer_neither_trains_nor_judges() -> None:
    """Tiles beside the training tiles are like them, and would flatter."""
    vectors, labels = groups(2, 300)
    parts = np.repeat([0, 1, -1], 100)
    vectors[parts == 1] = np.random.default_rng(0).normal(size=(100, 12))
    judged = held_out(vectors, labels, parts, seed=0)
    assert (judged.by_part, judged.tiles) == (True, 100)
    assert judged.balanced_accuracy < 0.5
    only_buffered = held_out(vectors, labels, np.minimum(parts, 0), seed=0)
    assert (only_buffered.by_part, only_buffered.tiles) == (False, 300)


def test_the_nearest_mean_names_the_class() -> None:
    vectors, labels = groups(5, 80, 4, 6, apart=2)
    fitted = discriminant(vectors, labels)
    away = np.linalg.norm(fitted.along(vectors)[:, None] - fitted.means, axis=2)
    assert fitted.classify(vectors).tolist() == away.argmin(axis=1).tolist()


def test_two_classes_give_one_axis_and_what_is_left() -> None:
    vectors, labels = groups(4, 200, 2)
    vectors[:, 7] *= 9
    found = project(vectors, "lda", 3, seed=0, labels=np.where(np.arange(200) < 150, labels, -1))
    assert "1 axis along which 2 classes" in found.told
    assert "2 axes of what else varies" in found.told
    across = np.corrcoef(found.points.T)
    assert across == pytest.approx(np.eye(3), abs=1e-4)


def test_a_class_of_one_tile_does_not_stop_it() -> None:
    vectors, labels = groups(4, 61)
    labels[60] = 3
    judged = held_out(vectors, labels, None, seed=0)
    assert judged.tiles == 60
    assert judged.chance == 1 / 3
    few = project(vectors[:5], "lda", 2, seed=0, labels=np.array([0, 1, 2, -1, -1]))
    assert "too few tiles" in few.told


def test_what_cannot_be_projected() -> None:
    vectors, labels = groups(0, 30)
    with pytest.raises(OptionError, match="pca, umap, tsne, lda, got mds"):
        project(vectors, "mds", 2, seed=0)
    with pytest.raises(OptionError, match="2 or 3 dimensions, got 4"):
        project(vectors, "pca", 4, seed=0)
    with pytest.raises(EmptyError, match="3 tiles are too few"):
        project(vectors[:3], "umap", 2, seed=0)
    for given_labels in (None, np.full(30, -1), np.zeros(30, np.int64)):
        with pytest.raises(OptionError, match="LDA tells classes apart"):
            project(vectors, "lda", 2, seed=0, labels=given_labels)
    with pytest.raises(OptionError, match="LDA"):
        project(vectors, "lda", 2, seed=0, labels=labels, parts=np.ones(30, np.int64))
    vectors[3, 2] = np.nan
    with pytest.raises(InputError, match="1 of 30 vectors"):
        project(vectors, "pca", 2, seed=0)
