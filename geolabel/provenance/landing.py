"""Where a draft will lie once it is whole: what it says of its inputs is told from there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LANDINGS: dict[Path, Path] = {}


@contextmanager
def landing(draft: Path, path: Path) -> Iterator[None]:
    """While this lasts, what is written in the folder `draft` will be moved to the folder `path`."""
    _LANDINGS[draft] = landed(path)
    try:
        yield
    finally:
        del _LANDINGS[draft]


def landed(path: Path) -> Path:
    """Where what is written at `path` will lie: there, or where the draft goes that it is in."""
    for draft in (path, *path.parents):
        if draft in _LANDINGS:
            return _LANDINGS[draft] / path.relative_to(draft)
    return path
