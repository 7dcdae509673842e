"""Every n-th of the vectors of a file, for what does not need to see all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Read = Callable[[], Iterable[tuple[int, NDArray[Any]]]]
    """Gives all vectors in blocks (first row, vectors (n, size)), each time it is called."""


def every(read: Read, step: int) -> Iterator[NDArray[Any]]:
    """Each `step`-th vector from the first on, wherever blocks begin and end: (m, size) of each block."""
    for first, vectors in read():
        yield vectors[-first % step :: step]


def step_for(count: int, most: int) -> int:
    """The smallest step by which no more than `most` of `count` vectors are taken."""
    return max(1, -(-count // most))
