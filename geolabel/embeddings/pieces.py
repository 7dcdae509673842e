"""Vectors of a file in pieces that stay small in whatever precision they are calculated with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geolabel.embeddings.blocks import blocks, check_numbers
from geolabel.embeddings.header import read_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_NUMBERS = 1 << 22
"""Of a piece, about: 32 MiB in double precision."""


def pieces(path: Path) -> Iterator[tuple[int, NDArray[Any]]]:
    """All vectors in the order of the file: (first row, vectors (n, size)). Raises InputError, TileIndexError."""
    step = max(1, _NUMBERS // read_header(path).size)
    for first, vectors in blocks(path):
        for start in range(0, len(vectors), step):
            piece = vectors[start : start + step]
            check_numbers(path, piece)
            yield first + start, piece
