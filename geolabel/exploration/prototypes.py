"""Tiles that stand for their class, and the tiles of a class that are least alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import InputError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_REFERENCES = 2_000
"""Tiles of a class that tell where it is dense, every n-th."""
_VALUES_AT_ONCE = 1 << 22
_ROUNDING = 1e-6
"""Of the largest squared distance."""


def prototypical(vectors: NDArray[Any], labels: NDArray[np.integer[Any]], count: int) -> tuple[Rows, ...]:
    """Rows of up to `count` tiles of each class that together stand for it, best first.

    Of vectors (n, f) of labels (n,; −1 unknown), for classes 0 to the last; empty for a class without tiles. Each next
    tile is the one that brings the chosen nearest to the whole class, in maximum mean discrepancy under a Gaussian
    kernel as wide as the median distance of 2,000 of them: the first lies where the class is densest, and the others
    are no copies of it. Source: Kim, Khanna and Koyejo, Examples are not enough, learn to criticize! (2016).
    """
    _check(vectors, count)
    return tuple(members[_standing(vectors[members], count)] for members in _members(labels))


def dissimilar(vectors: NDArray[Any], labels: NDArray[np.integer[Any]], count: int) -> tuple[Rows, ...]:
    """Rows of up to `count` tiles of each class that are least alike, of vectors (n, f) of labels (n,; −1 unknown).

    From the tile nearest to the class's mean on, which is not given itself, each next one is the farthest from all
    before (Gonzalez 1985). What stands out has mostly another look, a wrong label, or a spoilt image.
    """
    _check(vectors, count)
    return tuple(members[_farthest(vectors[members], count)] for members in _members(labels))


def _check(vectors: NDArray[Any], count: int) -> None:
    if count < 1:
        raise OptionError(f"{count} tiles of a class show nothing; ask for 1 or more")
    wrong = int((~np.isfinite(vectors).all(axis=1)).sum())
    if wrong:
        raise InputError(f"{wrong} of {len(vectors)} vectors hold values that are no numbers; leave these tiles out")


def _members(labels: NDArray[np.integer[Any]]) -> list[Rows]:
    return [np.flatnonzero(labels == name) for name in range(int(labels.max(initial=-1)) + 1)]


def _standing(vectors: NDArray[Any], count: int) -> Rows:
    if not len(vectors):
        return np.zeros(0, np.int64)
    around = vectors[:: -(-len(vectors) // _REFERENCES)]
    width = _width(around)
    dense = np.concatenate(
        [np.exp(-_squared(part, around) / width).mean(axis=1, dtype=np.float64) for part in _parts(vectors, around)]
    )
    chosen: list[int] = []
    among = np.zeros(len(vectors))
    for taken in range(min(count, len(vectors))):
        gain = 2 * dense * (taken + 1) - 2 * among - 1
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        among += np.exp(-_away(vectors, vectors[chosen[-1]]) / width)
    return np.array(chosen, np.int64)


def _farthest(vectors: NDArray[Any], count: int) -> Rows:
    if not len(vectors):
        return np.zeros(0, np.int64)
    first = int(_away(vectors, vectors.mean(axis=0, dtype=np.float64)).argmin())
    nearest = _away(vectors, vectors[first])
    chosen: list[int] = []
    for _ in range(min(count, len(vectors) - 1)):
        nearest[[first, *chosen]] = -1
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, _away(vectors, vectors[chosen[-1]]))
    return np.array(chosen, np.int64)


def _width(around: NDArray[Any]) -> float:
    """The median squared distance of the references (m, f) that are no copies; 1 where all are."""
    squared = _squared(around, around)
    apart = squared > _ROUNDING * squared.max()
    return float(np.median(squared[apart])) if apart.any() else 1.0


def _parts(vectors: NDArray[Any], others: NDArray[Any]) -> list[NDArray[Any]]:
    """Vectors, so many at a time that neither they nor their distances from others take much memory."""
    step = max(1, _VALUES_AT_ONCE // max(1, len(others), vectors.shape[1]))
    return [vectors[begin : begin + step] for begin in range(0, len(vectors), step)]


def _squared(vectors: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float32]:
    """Squared distances (n, m) of vectors (n, f) from others (m, f), around the mean of these."""
    middle = others.mean(axis=0, dtype=np.float64)
    left, right = (vectors - middle).astype(np.float32), (others - middle).astype(np.float32)
    lengths = np.einsum("nf,nf->n", left, left)[:, None] + np.einsum("mf,mf->m", right, right)
    return np.asarray(np.maximum(lengths - 2 * (left @ right.T), 0), np.float32)


def _away(vectors: NDArray[Any], one: NDArray[Any]) -> NDArray[np.float64]:
    """Squared distances (n,) of vectors (n, f) from one (f,)."""
    return np.concatenate([np.square(part - one).sum(axis=1, dtype=np.float64) for part in _parts(vectors, one[None])])
