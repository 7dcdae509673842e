"""Work in a thread of its own, a little ahead of whoever uses its results."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_PATIENCE_S = 0.1
"""After so long a full queue is asked whether anybody still wants what is in it."""


@contextmanager
def ahead(items: Iterable[T], count: int = 1) -> Iterator[Iterator[T]]:
    """The same items, made in a thread; up to `count` of them wait. What it raises is raised where they are used.

    On leaving, the thread has ended, and whatever `items` holds open is closed.
    """
    waiting: queue.Queue[_Item[T] | None] = queue.Queue(count)
    stop = threading.Event()

    def taken() -> Iterator[T]:
        while (item := waiting.get()) is not None:
            if item.error is not None:
                raise item.error
            yield from item.value

    thread = threading.Thread(target=_make, args=(items, waiting, stop), name="ahead", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    """One that was made, or what was raised instead."""

    value: tuple[T, ...] = ()
    error: BaseException | None = None


def _make(items: Iterable[T], waiting: queue.Queue[_Item[T] | None], stop: threading.Event) -> None:
    source = iter(items)
    try:
        for item in source:
            if not _offer(_Item((item,)), waiting, stop):
                return
        _offer(None, waiting, stop)
    except BaseException as error:  # noqa: BLE001 - told where the items are used
        _offer(_Item(error=error), waiting, stop)
    finally:
        if hasattr(source, "close"):
            source.close()


def _offer(item: _Item[T] | None, waiting: queue.Queue[_Item[T] | None], stop: threading.Event) -> bool:
    """Put an item where it can be taken; False where nobody wants it any more."""
    while not stop.is_set():
        try:
            waiting.put(item, timeout=_PATIENCE_S)
        except queue.Full:
            continue
        return True
    return False
