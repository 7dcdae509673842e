"""gSil by hand, against its literal definition, scikit-learn, and a transcription of system B's code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples, silhouette_score

from geolabel.errors import InputError
from geolabel.scoring import distances, overlap
from geolabel.scoring.silhouette import silhouette, silhouettes

seeds = st.integers(0, 9_999)


def planted(seed: int, tiles: int = 30, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Vectors, and shares of which most are 0; some rows sum to less than 1."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.4), tiles)
    shares[shares < 0.15] = 0
    return shares @ rng.normal(size=(classes, 5)) + rng.normal(0, 0.3, (tiles, 5)), shares


def away_of(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(((vectors[:, None] - vectors) ** 2).sum(axis=2))


def literal(vectors: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The definition, tile by tile, class by class."""
    away, count, found = away_of(vectors), shares.shape[1], []
    for i, u in enumerate(shares):
        others = [k for k in range(len(shares)) if k != i]

        def mean(weights: list[float], i: int = i, others: list[int] = others) -> list[float]:
            total = sum(weights)
            return [sum(away[i, k] * w for k, w in zip(others, weights, strict=True)) / total] if total > 0 else []

        a = [m for r in range(count) for m in mean([min(u[r], shares[k, r]) for k in others])]
        b = [
            m
            for r in range(count)
            for s in range(count)
            if r != s
            for m in mean([max(min(u[r], shares[k, s]), min(u[s], shares[k, r])) for k in others])
        ]
        if not b:
            found.append(np.nan)
        else:
            found.append((min(b) - min(a)) / max(min(a), min(b)) if a else 0.0)
    return np.array(found)


def system_b(vectors: np.ndarray, shares: np.ndarray) -> float:
    """Its MultiClassValidation.silhouette, with all distances instead of a tree."""
    y = shares + 1e-8
    weights = y.sum(axis=1)
    y = y / weights[:, None]
    order = np.argsort(away_of(vectors), axis=1)
    dist = np.take_along_axis(away_of(vectors), order, axis=1)[:, 1:]
    others = y[order[:, 1:]]
    a, b = [], []
    for r in range(y.shape[1]):
        intra = np.minimum(y[:, None, r], others[:, :, r])
        a.append((dist * intra).sum(axis=1) / intra.sum(axis=1))
        for s in range(y.shape[1]):
            if r != s:
                one = np.minimum(y[:, None, r], others[:, :, s])
                inter = np.maximum(one, np.minimum(y[:, None, s], others[:, :, r]))
                b.append((dist * inter).sum(axis=1) / inter.sum(axis=1))
    a, b = np.min(a, axis=0), np.min(b, axis=0)
    return ((b - a) / np.maximum(a, b) * weights).sum() / weights.sum()


@given(seeds, st.integers(1, 40), st.integers(1, 5))
def test_the_definition(seed: int, tiles: int, classes: int) -> None:
    vectors, shares = planted(seed, tiles, classes)
    expected = literal(vectors, shares)
    assert silhouettes(vectors, shares) == pytest.approx(expected, abs=1e-5, nan_ok=True)
    found = silhouette(vectors, shares)
    assert (found.tiles, found.left_out) == (np.isfinite(expected).sum(), np.isnan(expected).sum())
    assert found.score == pytest.approx(np.nanmean(expected) if found.tiles else np.nan, abs=1e-5, nan_ok=True)


@given(seeds, st.integers(2, 40), st.integers(2, 5))
def test_compat_is_what_system_b_calculates(seed: int, tiles: int, classes: int) -> None:
    vectors, shares = planted(seed, tiles, classes)
    assert silhouette(vectors, shares, compat=True).score == pytest.approx(system_b(vectors, shares), abs=1e-5)


@given(seeds, st.integers(8, 60), st.integers(2, 5))
def test_one_class_each_is_scikit_learn_s(seed: int, tiles: int, classes: int) -> None:
    """Also for a tile alone in its class, which has 0: no tile is its own neighbour, here and there."""
    vectors, _ = planted(seed, tiles)
    labels = np.random.default_rng(seed).integers(0, classes, tiles)
    labels[:2], labels[2] = (0, 1), classes
    crisp = np.eye(classes + 1)[labels]
    assert silhouettes(vectors, crisp) == pytest.approx(silhouette_samples(vectors, labels), abs=1e-5)
    assert silhouette(vectors, crisp).score == pytest.approx(silhouette_score(vectors, labels), abs=1e-5)


def test_by_hand() -> None:
    """On a line at 0, 1 and 4: forest, half forest and half water, water.

    The first is 1 from what it shares in forest, weight ½; of pairs (½ at 1, 1 at 4): 4.5 / 1.5 = 3. So (3 − 1)/3.
    The second: forest at 1, water at 3, so a = 1; of the pair (½ at 1, ½ at 3): 2. The third: a = 3, b = (½·3 + 4)/1.5.
    """
    vectors, shares = np.array([[0.0], [1], [4]]), np.array([[1, 0], [0.5, 0.5], [0, 1]])
    third = (0.5 * 3 + 4) / 1.5
    assert silhouettes(vectors, shares) == pytest.approx([2 / 3, 1 / 2, (third - 3) / third])


@given(seeds)
def test_far_clusters_have_nearly_1_and_exchanged_ones_nearly_minus_1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(3), [3, 5, 9]))
    vectors = 1_000 * np.eye(3)[labels] + rng.normal(size=(17, 3))
    assert silhouette(vectors, np.eye(3)[labels]).score > 0.99
    pairs = np.repeat(np.eye(2), 2, axis=0)
    assert silhouette(np.array([[0.0], [1000], [1], [1001]]), pairs).score < -0.4


@given(seeds)
def test_order_scale_and_place_have_no_say(seed: int) -> None:
    vectors, shares = planted(seed)
    rng = np.random.default_rng(seed)
    order, classes = rng.permutation(len(shares)), rng.permutation(shares.shape[1])
    moved = silhouettes(vectors[order] * 8 - 1, shares[order][:, classes])
    assert moved == pytest.approx(silhouettes(vectors, shares)[order], abs=1e-5, nan_ok=True)


@given(seeds, st.integers(1, 200))
def test_blocks_give_what_one_block_gives(seed: int, at_once: int) -> None:
    vectors, shares = planted(seed)
    whole = silhouettes(vectors, shares)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "_DISTANCES_AT_ONCE", at_once)
        assert silhouettes(vectors, shares) == pytest.approx(whole, abs=1e-6, nan_ok=True)


def test_more_tiles_than_pass_together() -> None:
    tiles = overlap._TOGETHER * 2 + 5
    vectors, shares = planted(1, tiles)
    labels = shares.argmax(axis=1)
    assert silhouettes(vectors, np.eye(4)[labels]) == pytest.approx(silhouette_samples(vectors, labels), abs=1e-5)


def test_far_from_the_origin_is_as_exact() -> None:
    """What is centred first does not cancel: distances of 1 around 10,000."""
    vectors, _ = planted(5, 200)
    labels = np.arange(200) % 3
    far = np.round(vectors, 2) + 10_000
    assert silhouettes(far, np.eye(3)[labels]) == pytest.approx(silhouette_samples(far, labels), abs=1e-5)


def test_what_cannot_be_scored() -> None:
    vectors, shares = planted(0)
    shares[4] = 0
    assert np.flatnonzero(np.isnan(silhouettes(vectors, shares))).tolist() == [4]
    assert silhouette(vectors, shares).left_out == 1
    assert np.isnan(silhouettes(vectors, np.ones((30, 1)))).all()
    assert silhouettes(np.zeros((30, 2)), np.eye(2)[np.arange(30) % 2]).tolist() == [0] * 30
    none = silhouette(np.zeros((0, 3)), np.zeros((0, 2)), compat=True)
    assert np.isnan(none.score)
    with pytest.raises(ValueError, match="known shares"):
        silhouettes(vectors, np.where(shares > 0.5, np.nan, shares))
    vectors[0, 0] = np.inf
    with pytest.raises(InputError, match="1 of 30 vectors"):
        silhouettes(vectors, shares)
