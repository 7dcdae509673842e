"""MAP@R and its relatives by hand, against a literal transcription, and against pytorch-metric-learning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import InputError, OptionError
from geolabel.scoring import distances
from geolabel.scoring.retrieval import RetrievalScores, score_retrieval

seeds = st.integers(0, 9_999)


def planted(seed: int, tiles: int = 40, classes: int = 4, size: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, tiles)
    return rng.normal(size=(classes, size))[labels] + rng.normal(size=(tiles, size)), labels


def literal(vectors: np.ndarray, labels: np.ndarray, others: np.ndarray, classes: np.ndarray, k: int) -> np.ndarray:
    """Of each query, as the paper has it; `others` at distance 0 of a query are the query itself."""
    rows = []
    for vector, label in zip(vectors, labels, strict=True):
        away = np.sqrt(((others - vector) ** 2).sum(axis=1))
        order = [place for place in np.argsort(away) if away[place] > 0]
        relevant = [classes[place] == label for place in order]
        most = sum(relevant)
        if not most:
            continue
        precision = [sum(relevant[: i + 1]) / (i + 1) for i in range(len(relevant))]
        rows.append(
            (
                sum(precision[i] for i in range(most) if relevant[i]) / most,
                precision[most - 1],
                precision[0],
                sum(precision[i] for i in range(min(k, len(relevant))) if relevant[i]) / min(k, most),
            )
        )
    return np.mean(rows, axis=0)


def numbers(scores: RetrievalScores) -> tuple[float, ...]:
    return scores.map_at_r, scores.r_precision, scores.precision_at_1, scores.map_at_k


@given(seeds, st.integers(2, 60), st.integers(1, 5), st.integers(1, 12))
def test_the_literal_transcription(seed: int, tiles: int, classes: int, k: int) -> None:
    vectors, labels = planted(seed, tiles, classes)
    vectors, labels = np.append(vectors, [[9.0] * 5], axis=0), np.append(labels, classes)  # alone in its class
    found = score_retrieval(vectors, labels, k=k)
    alone = int((np.bincount(labels)[labels] == 1).sum())
    assert (found.queries, found.left_out, found.k) == (tiles + 1 - alone, alone, k)
    if found.queries:
        assert numbers(found) == pytest.approx(literal(vectors, labels, vectors, labels, k))
    else:
        assert np.isnan(numbers(found)).all()


@given(seeds, st.integers(1, 30), st.integers(1, 40))
def test_references_apart(seed: int, asked: int, given_: int) -> None:
    vectors, labels = planted(seed, asked + given_)
    queries, references = (vectors[:asked], labels[:asked]), (vectors[asked:], labels[asked:])
    found = score_retrieval(*queries, references, k=3)
    assert found.queries == np.isin(queries[1], references[1]).sum()
    assert found.left_out == asked - found.queries
    if found.queries:
        assert numbers(found) == pytest.approx(literal(*queries, *references, 3))


@pytest.mark.parametrize("classes", [3, 30])
def test_pytorch_metric_learning_s(classes: int) -> None:
    calculators = pytest.importorskip("pytorch_metric_learning.utils.accuracy_calculator")
    torch = pytest.importorskip("torch")
    inference = pytest.importorskip("pytorch_metric_learning.utils.inference")
    vectors, labels = planted(7, 300, classes, 16)
    near = inference.CustomKNN(
        pytest.importorskip("pytorch_metric_learning.distances").LpDistance(normalize_embeddings=False)
    )
    names = ("mean_average_precision_at_r", "r_precision", "precision_at_1")
    calculator = calculators.AccuracyCalculator(
        include=names, k="max_bin_count", knn_func=near, device=torch.device("cpu")
    )
    expected = calculator.get_accuracy(torch.tensor(vectors, dtype=torch.float32), torch.tensor(labels))
    found = score_retrieval(vectors, labels)
    assert numbers(found)[:3] == pytest.approx([expected[name] for name in names], abs=1e-6)


def test_by_hand() -> None:
    """Asked at 0: + − + −, of which 2 are wanted: (1/1)/2, and for k = 3 (1/1 + 2/3)/2."""
    references = np.array([[1.0], [2], [3], [4]]), np.array([5, 6, 5, 6])
    found = score_retrieval(np.array([[0.0]]), np.array([5]), references, k=3)
    assert numbers(found) == pytest.approx((0.5, 0.5, 1, (1 + 2 / 3) / 2))
    assert score_retrieval(np.array([[0.0]]), np.array([5]), references, k=1).map_at_k == 1
    assert score_retrieval(np.array([[0.0]]), np.array([6]), references, k=99).map_at_k == pytest.approx(
        (1 / 2 + 2 / 4) / 2
    )


@given(seeds)
def test_perfect_clusters_have_1(seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(4), [2, 3, 9, 20]))
    vectors = np.eye(4)[labels] + np.random.default_rng(seed).normal(0, 0.01, (34, 4))
    assert numbers(score_retrieval(vectors, labels)) == (1, 1, 1, 1)


@given(seeds, st.sampled_from([0.25, 8.0, 1024.0]))
def test_order_scale_and_names_have_no_say(seed: int, factor: float) -> None:
    vectors, labels = planted(seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    moved = score_retrieval(vectors[order] * factor + factor, 100 - 7 * labels[order])
    assert numbers(moved) == pytest.approx(numbers(score_retrieval(vectors, labels)))


@given(seeds)
def test_the_order_of_distances_is_that_of_cosines(seed: int) -> None:
    vectors, labels = planted(seed)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -2)
    nearest = cosine.argmax(axis=1)
    asked = np.bincount(labels)[labels] > 1
    found = score_retrieval(vectors, labels)
    assert found.precision_at_1 == pytest.approx((labels[nearest] == labels)[asked].mean())


@given(seeds)
def test_vectors_that_are_all_the_same_find_nothing(seed: int) -> None:
    """Ties count against: whatever the order of the tiles, the others come first."""
    labels = np.random.default_rng(seed).permutation(np.repeat([0, 1], 10))
    assert numbers(score_retrieval(np.full((20, 3), 0.7), labels, k=5)) == (0, 0, 0, 0)
    assert score_retrieval(np.zeros((20, 3)), np.zeros(20, int)).map_at_r == 1


@given(seeds, st.integers(1, 400))
def test_blocks_give_what_one_block_gives(seed: int, at_once: int) -> None:
    vectors, labels = planted(seed)
    whole = score_retrieval(vectors, labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "_DISTANCES_AT_ONCE", at_once)
        assert numbers(score_retrieval(vectors, labels)) == pytest.approx(numbers(whole))


def test_half_precision_is_calculated_in_more() -> None:
    vectors, labels = planted(3, 200, size=64)
    half = (vectors * 1000).astype(np.float16)
    assert numbers(score_retrieval(half, labels)) == numbers(score_retrieval(half.astype(np.float32), labels))


def test_what_cannot_be_scored() -> None:
    vectors, labels = planted(0)
    with pytest.raises(OptionError, match="k of 1 or more"):
        score_retrieval(vectors, labels, k=0)
    with pytest.raises(ValueError, match="39 labels"):
        score_retrieval(vectors, labels[1:])
    vectors[3, 2] = np.nan
    with pytest.raises(InputError, match="1 of 40 vectors"):
        score_retrieval(vectors, labels)
    none = score_retrieval(np.zeros((0, 4)), np.zeros(0, int))
    assert (none.queries, none.left_out) == (0, 0)
    assert np.isnan(none.map_at_r)
    one = score_retrieval(np.zeros((1, 4)), np.zeros(1, int))
    assert (one.queries, one.left_out) == (0, 1)
