"""Distances of many vectors to many others, a block of rows at a time: the matrix of all of them is never in memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

_DISTANCES_AT_ONCE = 1 << 21
_THREADS = 2
_PARTS = 8
"""More than threads: another program may have a core."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some of the queries with their distances to all references."""

    rows: slice
    """Which queries."""
    squared: Rows
    """(rows, references): squared euclidean distances, at least 0; written over by the next block."""
    own: NDArray[np.int64]
    """(rows,): each query's own place among the references; −1 where it is not among them."""


def distance_blocks(queries: NDArray[Any], references: NDArray[Any] | None) -> Iterator[Block]:
    """Squared distances of queries (n, d) to references (m, d), block by block; None: to each other.

    In float32, as |x|² + |y|² − 2xy around the mean of the references, so that little cancels: the error is about 1e-7
    of the largest |x|². Raises InputError where a vector is not finite.
    """
    targets = queries if references is None else references
    for vectors in (queries, targets):
        _check(vectors)
    if not len(targets):
        return
    center = targets.mean(axis=0, dtype=np.float64)
    right = _centred(targets, center)
    left = right if references is None else _centred(queries, center)
    # (x, |x|², 1) · (−2y, 1, |y|²): one product of matrices is the whole distance
    down = np.column_stack([left, _squares(left), np.ones(len(left), np.float32)])
    across = np.ascontiguousarray(
        np.column_stack([-2 * right, np.ones(len(right), np.float32), _squares(right)]).T, np.float32
    )
    step = min(max(1, _DISTANCES_AT_ONCE // len(right)), max(len(left), 1))
    room = np.empty((step, len(right)), np.float32)
    for begin in range(0, len(left), step):
        rows = slice(begin, min(begin + step, len(left)))
        squared = room[: rows.stop - begin]
        np.matmul(down[rows], across, out=squared)
        np.maximum(squared, 0, out=squared)
        yield Block(rows, squared, np.arange(begin, rows.stop) if references is None else np.full(len(squared), -1))


@contextmanager
def row_threads() -> Iterator[Callable[..., None]]:
    """Two threads: `run(work, *arrays)` calls `work` on parts of the rows of all arrays, and returns when all is done.

    For compiled loops and sorting, which let go of the interpreter; what a row gives does not depend on the parts.
    """
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:

        def run(work: Callable[..., None], *arrays: NDArray[Any]) -> None:
            rows = len(arrays[0])
            step = max(1, -(-rows // _PARTS))
            parts = [slice(at, at + step) for at in range(0, rows, step)]
            for future in [pool.submit(work, *(array[part] for array in arrays)) for part in parts]:
                future.result()

        yield run


def keyed(squared: Rows, payload: NDArray[np.uint32], own: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Numbers (rows, references) that sort by distance, then by payload; a query's own place comes last.

    `payload`, rows and references or what spreads to them, is in the lower 32 bits.
    """
    bits = squared.view(np.uint32) & np.uint32(0x7FFFFFFF)  # the sign of a zero does not count
    keys = (bits.astype(np.uint64) << np.uint64(32)) | payload
    rows = np.flatnonzero(own >= 0)
    keys[rows, own[rows]] = np.iinfo(np.uint64).max
    return np.asarray(keys)


def _check(vectors: NDArray[Any]) -> None:
    if vectors.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"vectors are rows of a matrix, got an array {vectors.shape}")
    wrong = int((~np.isfinite(vectors).all(axis=1)).sum())
    if wrong:
        raise InputError(f"{wrong} of {len(vectors)} vectors hold values that are no numbers; encode the tiles again")


def _centred(vectors: NDArray[Any], center: NDArray[np.float64]) -> Rows:
    return np.asarray(vectors - center, dtype=np.float32)


def _squares(vectors: Rows) -> Rows:
    return np.asarray(np.einsum("nd,nd->n", vectors, vectors))
