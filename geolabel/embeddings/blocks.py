"""Vectors of a file, some at a time: memory does not follow the file's length."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.embeddings.header import header_of, open_parquet, reading
from geolabel.errors import InputError
from geolabel.tiling.index import VECTOR

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

BLOCK = 1 << 16
"""Rows a block, about: whole groups as they are stored."""


def blocks(path: Path, threads: int = 1) -> Generator[tuple[int, NDArray[Any]]]:
    """All vectors in the order of the file: (first row, vectors (n, size) of the stored type).

    Decoded in `threads` threads, a block ahead in each. Raises InputError, TileIndexError.
    """
    with open_parquet(path) as stored:
        size = header_of(path, stored).size
        groups = stored.metadata
        starts = np.cumsum([0, *(groups.row_group(number).num_rows for number in range(groups.num_row_groups))])
    parts = _spans(starts)
    read = partial(_vectors, path, groups, size)
    with ThreadPoolExecutor(threads, thread_name_prefix="vectors") as pool:
        waiting: deque[tuple[int, Future[NDArray[Any]]]] = deque()
        try:
            for first, last in parts:
                waiting.append((int(starts[first]), pool.submit(read, range(first, last))))
                if len(waiting) > threads:
                    row, made = waiting.popleft()
                    yield row, made.result()
            while waiting:
                row, made = waiting.popleft()
                yield row, made.result()
        finally:
            for _, made in waiting:
                made.cancel()


def _spans(starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Groups (first, beyond the last) that are read together, by the row with which each begins."""
    edges = np.unique(starts[:-1] // BLOCK, return_index=True)[1].tolist()
    return list(pairwise([*edges, len(starts) - 1]))


def _vectors(path: Path, groups: pq.FileMetaData, size: int, which: range) -> NDArray[Any]:
    """Vectors of some groups: (n, size). A reader of its own for each thread: they are not made to be shared."""
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path, memory_map=True, metadata=groups) as stored:
        column = stored.read_row_groups(list(which), columns=[VECTOR], use_threads=False)[VECTOR]
    return as_array(column, size)


def check_numbers(path: Path, vectors: NDArray[Any]) -> None:
    """Raise InputError where vectors of a file hold what is no number, or one whose square is none."""
    around = vectors.astype(np.float32, copy=False)
    if not np.isfinite(np.einsum("ij,ij->", around, around)):
        raise not_numbers(path)


def not_numbers(path: Path) -> InputError:
    """To be raised where a vector of a file, or what is calculated from it, is no number."""
    return InputError(f"{path}: a vector holds what is no number, or one too large; encode the region again")


def as_array(column: pa.ChunkedArray, size: int) -> NDArray[Any]:
    """A column of vectors as an array (n, size) of its own: torch warns of one that may not be written to."""
    parts = [chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, size) for chunk in column.chunks]
    return np.concatenate(parts)
