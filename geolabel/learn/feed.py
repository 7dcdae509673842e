"""Batches for a network: put together in a thread while the device works on the one before."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.learn.transforms import to_tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.learn.lesson import Lesson
    from geolabel.learn.transforms import Normalise

_AHEAD = 2
"""Batches that wait."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Tiles on the device."""

    chips: torch.Tensor
    """(n, bands, h, w), normalised."""
    valid: torch.Tensor
    """(n, h, w)."""
    targets: torch.Tensor
    """(n, classes), NaN unknown."""
    weights: torch.Tensor
    """(n,)."""


def batches(
    lesson: Lesson, rows: NDArray[np.int64], size: int, normalise: Normalise, device: torch.device
) -> Iterator[Batch]:
    """The tiles `rows` (m,), `size` at a time, in their order; the last batch may be smaller."""
    waiting: queue.Queue[Batch | BaseException | None] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def offer(item: Batch | BaseException | None) -> None:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            with torch.inference_mode(mode=False), torch.no_grad():
                for first in range(0, len(rows), size):
                    if stop.is_set():
                        return
                    offer(_batch(lesson, rows[first : first + size], normalise, device))
            offer(None)
        except BaseException as error:  # noqa: BLE001 - told where the batches are used
            offer(error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _batch(lesson: Lesson, rows: NDArray[np.int64], normalise: Normalise, device: torch.device) -> Batch:
    valid = torch.from_numpy(lesson.chips.valid[rows]).to(device, non_blocking=True)
    chips = normalise(to_tensor(lesson.chips.pixels[rows], device), valid)
    targets, weights = (torch.from_numpy(values[rows]).to(device) for values in (lesson.targets, lesson.weights))
    return Batch(chips.contiguous(memory_format=torch.channels_last), valid, targets, weights)
