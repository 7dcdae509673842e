"""How well neighbours among vectors have the same shares of classes: retrieval with relevance between 0 and 1.

The relevance of y to q, by system B (after Rawashdeh & Ralescu 2012): s(q, y) = max(intra − inter, 0) / max(intra,
inter), intra = mean over classes of min(y_c, q_c), inter = mean over pairs c < c' of max(min(q_c, y_c'), min(q_c',
y_c)). One class and the same is 1, no class in common 0. Tiles of mixed classes are not wholly relevant even to
themselves: the more so, the more alike their shares are, and the fewer classes there are (two halves of 3 classes: .5,
of 10: .89; of 2: 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from geolabel.errors import OptionError
from geolabel.scoring.averages import mean_of_known
from geolabel.scoring.distances import distance_blocks, keyed, row_threads
from geolabel.scoring.nearest import nearest
from geolabel.scoring.overlap import ABSENT, checked_shares, find_relevance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_NUMBERS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class SoftRetrievalScores:
    """Means over the queries; NaN where there is none."""

    map_at_r: float
    """Soft MAP@R, 0–1."""
    queries: int
    left_out: int
    """Tiles to which no reference is relevant."""


def score_soft_retrieval(
    vectors: NDArray[Any],
    shares: NDArray[np.floating[Any]],
    references: tuple[NDArray[Any], NDArray[np.floating[Any]]] | None = None,
) -> SoftRetrievalScores:
    """Soft MAP@R of vectors (n, d) with shares (n, classes): 0–1, all known; among each other or `references`.

    Of the references in order of distance, s₁, s₂ … are relevances, R counts those above 0, and P(i) = (s₁ + … + sᵢ)/i.
    The score of a query is Σᵢ₌₁ᴿ P(i)·sᵢ divided by the same sum of the best order, most relevant first: no order has
    more than 1. Where all tiles have one class each, it equals MAP@R. Equally near references come least
    relevant first. Raises InputError for vectors that are not finite.
    """
    others, given_shares = (vectors, shares) if references is None else references
    asked = checked_shares(shares, vectors)
    given = np.ascontiguousarray(checked_shares(given_shares, others).T)
    scores = np.full(len(vectors), np.nan)
    with row_threads() as run:
        for block in distance_blocks(vectors, None if references is None else others):
            run(partial(_score_rows, given), block.squared, block.own, asked[block.rows], scores[block.rows])
    queries = int(np.isfinite(scores).sum())
    return SoftRetrievalScores(mean_of_known(scores), queries, len(scores) - queries)


def compat_map_at_k(vectors: NDArray[Any], shares: NDArray[np.floating[Any]], ks: Sequence[int]) -> tuple[float, ...]:
    """System B's "MAP@k" for each of `ks`: the mean relevance of the k nearest others, a soft precision.

    As its code has it: 1e-8 is added to all shares first, and no precision is averaged over ranks (each is that of all
    k). Only the query itself is left out by its place, and not whatever came first. With fewer than k others, all of
    them. Raises OptionError for a k below 1, InputError for vectors that are not finite.
    """
    if not ks or min(ks) < 1:
        raise OptionError(f"MAP@k needs a k of 1 or more, got {', '.join(map(str, ks)) or 'none'}")
    if len(shares) != len(vectors):
        raise ValueError(f"{len(vectors)} vectors, but {len(shares)} rows of shares")
    places = nearest(vectors, max(ks))
    if not places.size:
        return (float("nan"),) * len(ks)
    raised = shares.astype(np.float64) + ABSENT
    step = max(1, _NUMBERS_AT_ONCE // (places.shape[1] * raised.shape[1]))
    found = np.concatenate(
        [relevance(raised[at : at + step, None], raised[places[at : at + step]]) for at in range(0, len(places), step)]
    )
    return tuple(float(found[:, :k].mean()) for k in ks)


def relevance(queries: NDArray[np.floating[Any]], references: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """s(q, y) of shares (…, classes), which spread to each other: (…)."""
    classes = queries.shape[-1]
    intra = np.minimum(queries, references).mean(axis=-1)
    inter = np.zeros_like(intra)
    for first in range(classes - 1):
        here, there = slice(first, first + 1), slice(first + 1, None)
        inter += np.maximum(
            np.minimum(queries[..., here], references[..., there]),
            np.minimum(queries[..., there], references[..., here]),
        ).sum(axis=-1)
    inter /= max(classes * (classes - 1) // 2, 1)
    larger = np.maximum(intra, inter)
    return np.asarray(np.divide(np.maximum(intra - inter, 0), larger, out=np.zeros_like(intra), where=larger > 0))


def _score_rows(
    given: NDArray[np.float32],
    squared: NDArray[np.float32],
    own: NDArray[np.int64],
    asked: NDArray[np.float32],
    scores: NDArray[np.float64],
) -> None:
    relevant = np.empty_like(squared)
    find_relevance(given, asked, relevant)
    rows = np.flatnonzero(own >= 0)
    relevant[rows, own[rows]] = 0
    keys = keyed(squared, relevant.view(np.uint32), own)
    keys.sort(axis=1)
    relevant.sort(axis=1)
    _walk(keys.astype(np.uint32).view(np.float32), relevant, scores)  # the lower half of a key is the relevance


@njit(cache=True, nogil=True)
def _walk(found: NDArray[np.float32], ascending: NDArray[np.float32], scores: NDArray[np.float64]) -> None:
    """Soft MAP@R of relevances (rows, references) as found, and from the least to the most."""
    count = found.shape[1]
    for row in range(len(found)):
        sum_found, sum_best, score, best = 0.0, 0.0, 0.0, 0.0
        for place in range(count):
            most = ascending[row, count - 1 - place]
            if most <= 0:
                break
            sum_best += most
            best += most * sum_best / (place + 1)
            sum_found += found[row, place]
            score += found[row, place] * sum_found / (place + 1)
        if best > 0:
            scores[row] = score / best
