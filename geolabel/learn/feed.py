"""Batches for a network: put together in a thread while the device works on the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.ahead import ahead
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

    def made() -> Iterator[Batch]:
        with torch.inference_mode(mode=False), torch.no_grad():
            for first in range(0, len(rows), size):
                yield _batch(lesson, rows[first : first + size], normalise, device)

    with ahead(made(), _AHEAD) as waiting:
        yield from waiting


def _batch(lesson: Lesson, rows: NDArray[np.int64], normalise: Normalise, device: torch.device) -> Batch:
    valid = torch.from_numpy(lesson.chips.valid[rows]).to(device, non_blocking=True)
    chips = normalise(to_tensor(lesson.chips.pixels[rows], device), valid)
    targets, weights = (torch.from_numpy(values[rows]).to(device) for values in (lesson.targets, lesson.weights))
    return Batch(chips.contiguous(memory_format=torch.channels_last), valid, targets, weights)
