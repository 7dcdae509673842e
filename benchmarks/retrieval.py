"""Scores of embeddings: how long they take, how much memory, and whether others come to the same.

    python benchmarks/retrieval.py [--tiles 50000] [--small 5000] [--repeats 1] [--brief] [--json FILE]

Vectors of 64 numbers, length 1, around mixtures of 10 classes, of which each tile has 2 to 4. Every measurement runs in
a process of its own, once before on 100 tiles (compiling does not count); "MB" is what its peak grew by beyond imports
and data. The aims, on two cores: gSil and MAP@R of 50,000 × 64 in less than 60 s each, with less than 500 MB.

Beside them, on so many tiles as they can hold: plain NumPy with the whole matrix of distances, AccuracyCalculator of
pytorch-metric-learning (which needs faiss), and silhouette_score of scikit-learn on the largest class of each tile.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from measured import Result, add_json, over, write_json

from geolabel import memory
from geolabel.scoring.retrieval import score_retrieval
from geolabel.scoring.silhouette import silhouette
from geolabel.scoring.soft_retrieval import compat_map_at_k, score_soft_retrieval

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    Score = Callable[[NDArray[Any], NDArray[Any]], float]

SIZE, CLASSES = 64, 10


def make(tiles: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Vectors (tiles, 64) and shares (tiles, 10)."""
    rng = np.random.default_rng(seed)
    shares = rng.gamma(1.0, size=(tiles, CLASSES))
    rank = rng.random((tiles, CLASSES)).argsort(axis=1).argsort(axis=1)
    shares[rank >= rng.integers(2, 5, tiles)[:, None]] = 0
    shares /= shares.sum(axis=1, keepdims=True)
    vectors = shares @ rng.normal(size=(CLASSES, SIZE)) + rng.normal(0, 0.5, (tiles, SIZE))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), shares


def naive_distances(vectors: NDArray[Any]) -> NDArray[Any]:
    """All of them."""
    squares = (vectors**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0)))


def naive_map_at_r(vectors: NDArray[Any], shares: NDArray[Any]) -> float:
    """With matrices of distances, orders and precisions."""
    labels = shares.argmax(axis=1)
    away = naive_distances(vectors)
    np.fill_diagonal(away, np.inf)
    relevant = labels[away.argsort(axis=1)] == labels[:, None]
    rank = np.arange(1, len(labels) + 1)
    wanted = np.bincount(labels)[labels] - 1
    terms = relevant.cumsum(axis=1) / rank * relevant * (rank <= wanted[:, None])
    return float((terms.sum(axis=1) / wanted).mean())


def naive_silhouette(vectors: NDArray[Any], shares: NDArray[Any]) -> float:
    """With a matrix of distances, and one of weights for each class and pair."""
    away = naive_distances(vectors)
    within, between = np.full((2, len(vectors)), np.inf)
    for first in range(CLASSES):
        for second in range(first, CLASSES):
            one, other = shares[:, first], shares[:, second]
            weight = np.maximum(np.minimum(one[:, None], other), np.minimum(other[:, None], one))
            np.fill_diagonal(weight, 0)
            total = weight.sum(axis=1)
            mean = np.divide((weight * away).sum(axis=1), total, out=np.full(len(total), np.inf), where=total > 0)
            least = within if first == second else between
            np.minimum(least, mean, out=least)
    return float(((between - within) / np.maximum(between, within)).mean())


def peer_map_at_r(vectors: NDArray[Any], shares: NDArray[Any]) -> float:
    """By pytorch-metric-learning."""
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    name = "mean_average_precision_at_r"
    calculator = AccuracyCalculator(include=(name,), k="max_bin_count", device=torch.device("cpu"))
    return float(calculator.get_accuracy(torch.tensor(vectors), torch.tensor(shares.argmax(axis=1)))[name])


def peer_silhouette(vectors: NDArray[Any], shares: NDArray[Any]) -> float:
    """By scikit-learn."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(vectors, shares.argmax(axis=1)))


SCORES: dict[str, Score] = {
    "MAP@R": lambda vectors, shares: score_retrieval(vectors, shares.argmax(axis=1)).map_at_r,
    "gSil": lambda vectors, shares: silhouette(vectors, shares).score,
    "gSil compat": lambda vectors, shares: silhouette(vectors, shares, compat=True).score,
    "gSil, one class a tile": lambda vectors, shares: silhouette(vectors, np.eye(CLASSES)[shares.argmax(axis=1)]).score,
    "soft MAP@R": lambda vectors, shares: score_soft_retrieval(vectors, shares).map_at_r,
    "MAP@10 compat": lambda vectors, shares: compat_map_at_k(vectors, shares, (10,))[0],
    "MAP@R, NumPy": naive_map_at_r,
    "gSil, NumPy": naive_silhouette,
    "MAP@R, pytorch-metric-learning": peer_map_at_r,
    "silhouette, scikit-learn": peer_silhouette,
}


def measure(name: str, tiles: int) -> tuple[float, float, float, float]:
    """Seconds, seconds of processors, bytes and the score."""
    score = SCORES[name]
    score(*make(100))
    vectors, shares = make(tiles)
    before, began, worked = memory.peak(), time.perf_counter(), time.process_time()
    value = score(vectors, shares)
    return time.perf_counter() - began, time.process_time() - worked, memory.peak() - before, value


def tell(name: str, tiles: int, repeats: int) -> tuple[tuple[float, ...], float]:
    """Print a row, the median of so many runs; seconds of each run, and the score."""
    runs = []
    for _ in range(repeats):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            runs.append(pool.apply(measure, (name, tiles)))
    seconds, worked, grown, value = (median(column) for column in zip(*runs, strict=True))
    print(
        f"{name:32}{tiles:8,} tiles{seconds:9.2f} s{worked:9.2f} s of cpu{grown / 1e6:8.0f} MB   {value:.6f}",
        flush=True,
    )
    return tuple(one[0] for one in runs), value


def main() -> None:
    """Print all rows, then the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, default=50_000)
    parser.add_argument("--small", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--brief", action="store_true", help="without the source's own scores and without plain NumPy")
    add_json(parser)
    given = parser.parse_args()
    names = ("MAP@R", "gSil", "soft MAP@R", *(() if given.brief else ("gSil compat", "MAP@10 compat")))
    results = [Result(f"{name}, s", tell(name, given.tiles, given.repeats)[0]) for name in names]
    for own, peer in (
        *(() if given.brief else (("MAP@R", "MAP@R, NumPy"), ("gSil", "gSil, NumPy"))),
        ("MAP@R", "MAP@R, pytorch-metric-learning"),
        ("gSil, one class a tile", "silhouette, scikit-learn"),
    ):
        (ours, value), (theirs, expected) = (tell(name, given.small, given.repeats) for name in (own, peer))
        ratios = over(theirs, ours)
        results += [Result(f"{own}, by {peer}", ratios), Result(f"{own}, from {peer}", (abs(value - expected),))]
        print(f"    {median(ratios):.1f} times as fast; the scores differ by {abs(value - expected):.1e}")
    write_json(given.json, results)


if __name__ == "__main__":
    main()
