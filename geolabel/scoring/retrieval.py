"""How well neighbours among vectors are of the same class: MAP@R and its relatives.

Musgrave, Belongie, Lim, A Metric Learning Reality Check, arXiv 2003.08505.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from geolabel.errors import OptionError
from geolabel.scoring.averages import mean_of_known
from geolabel.scoring.distances import distance_blocks, row_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Means over the queries; NaN where there is none."""

    map_at_r: float
    """(1/R) Σᵢ₌₁ᴿ P(i)·rel(i): P(i) the precision among the nearest i, R the references of the query's class."""
    r_precision: float
    """Share of the nearest R that are of the query's class."""
    precision_at_1: float
    """Share of the queries of which the nearest reference is of their class."""
    map_at_k: float
    """(1/min(k, R)) Σᵢ₌₁ᵏ P(i)·rel(i)."""
    k: int
    queries: int
    """Tiles that were asked for."""
    left_out: int
    """Tiles that were not, as no other is of their class."""


def score_retrieval(
    vectors: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    references: tuple[NDArray[Any], NDArray[np.integer[Any]]] | None = None,
    k: int = 10,
) -> RetrievalScores:
    """Ask for the neighbours of each of vectors (n, d) of classes (n,), by euclidean distance.

    Among the others, itself left out; or among `references`, their vectors (m, d) and classes (m,). Exact, with a
    block of rows in memory. Of references that are equally near those of other classes come first: vectors that are
    all the same find nothing, and the order of the tiles has no say. For vectors of length 1, the order of distances is
    that of cosines. Raises OptionError for a k below 1, InputError for vectors that are not finite.
    """
    if k < 1:
        raise OptionError(f"MAP@k needs a k of 1 or more, got {k}")
    others, classes = (vectors, labels) if references is None else references
    if len(labels) != len(vectors) or len(classes) != len(others):
        raise ValueError(f"{len(vectors)} and {len(others)} vectors, but {len(labels)} and {len(classes)} labels")
    names, number = np.unique(np.concatenate([labels, classes]), return_inverse=True)
    asked, given = number[: len(labels)], number[len(labels) :]
    wanted = np.bincount(given, minlength=len(names))[asked] - (references is None)
    scores = np.full((len(vectors), 4), np.nan)
    with row_threads() as run:
        for block in distance_blocks(vectors, None if references is None else others):
            keys, rows = block.squared.view(np.uint32), block.rows
            run(partial(_score_rows, given, k), keys, block.own, asked[rows], wanted[rows], scores[rows])
    at_r, precise, first, at_k = map(mean_of_known, scores.T)
    queries = int((wanted > 0).sum())
    return RetrievalScores(at_r, precise, first, at_k, k, queries, len(vectors) - queries)


def _score_rows(
    given: NDArray[np.int64],
    k: int,
    keys: NDArray[np.uint32],
    own: NDArray[np.int64],
    asked: NDArray[np.int64],
    wanted: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> None:
    _mark(keys, own, asked, given)
    keys.sort(axis=1)
    _walk(keys, wanted, k, scores)


@njit(cache=True, nogil=True)
def _mark(keys: NDArray[np.uint32], own: NDArray[np.int64], asked: NDArray[np.int64], given: NDArray[np.int64]) -> None:
    """Bits of squared distances become twice themselves, +1 where the class is the query's: numbers sort as they do."""
    for row in range(keys.shape[0]):
        for column in range(keys.shape[1]):
            keys[row, column] = (keys[row, column] << 1) | (given[column] == asked[row])
        if own[row] >= 0:
            keys[row, own[row]] = 0xFFFFFFFF


@njit(cache=True, nogil=True)
def _walk(keys: NDArray[np.uint32], wanted: NDArray[np.int64], k: int, scores: NDArray[np.float64]) -> None:
    """MAP@R, R-precision, precision at 1 and MAP@k of queries (rows, 4) of which so many references are `wanted`."""
    for row in range(keys.shape[0]):
        most = wanted[row]
        if most == 0:
            continue
        hits, at_r, at_k, within = 0, 0.0, 0.0, 0
        for place in range(min(max(most, k), keys.shape[1])):
            if keys[row, place] & 1 and hits < most:  # its own place comes last, beyond all that are wanted
                hits += 1
                if place < most:
                    within += 1
                    at_r += hits / (place + 1)
                if place < k:
                    at_k += hits / (place + 1)
        scores[row, 0] = at_r / most
        scores[row, 1] = within / most
        scores[row, 2] = keys[row, 0] & 1
        scores[row, 3] = at_k / min(k, most)
