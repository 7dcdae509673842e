"""Progress on stderr: a bar with rate and time left, for whatever takes more than two seconds on a terminal."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

log = logging.getLogger("geolabel")
"""What a step has to say beside its report: warnings always, details with `-v`."""

quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""True turns bars off (`-q`)."""


def track(items: Iterable[T], *, total: int | None = None, what: str, unit: str) -> Iterator[T]:
    """Yield `items`, with a bar once two seconds have passed and stderr is a terminal."""
    yield from _bar(items, total, what, unit)


@contextmanager
def counting(total: int, *, what: str, unit: str) -> Iterator[Callable[[int], object]]:
    """The same bar for work that is told in pieces: call what it gives with how much was done."""
    with _bar(None, total, what, unit) as bar:
        yield bar.update


def _bar(items: Iterable[Any] | None, total: int | None, what: str, unit: str) -> Any:
    from tqdm import tqdm

    return tqdm(
        items,
        total=total,
        desc=what,
        unit=unit,
        unit_scale=True,
        delay=2,
        leave=False,
        disable=True if quiet.get() else None,  # None: tqdm looks whether stderr is a terminal
    )
