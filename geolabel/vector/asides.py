"""GDAL's asides, such as a ring that is not closed, arrive as warnings; what matters arrives as an exception."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def unheard() -> Iterator[None]:
    """Let nothing of them through: a user reads one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
