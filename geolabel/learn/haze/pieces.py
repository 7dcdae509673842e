"""How images are cut into pieces, so that what is worked on stays in a processor's caches and memory stays bounded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from geolabel.learn.haze.sliding import Sliding, room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from geolabel.learn.haze.settings import DarkChannel

_BATCH, _STRIP = 1 << 19, 1 << 20
"""Pixels worked on at a time on the CPU: of whole images, and of part of one."""
_ELSEWHERE = 1 << 24
"""The same on a GPU: a GB of its memory, about."""


class Work:
    """How images are cut into pieces, and the memory in which pieces are worked on."""

    def __init__(self, images: Tensor, settings: DarkChannel) -> None:
        self.count, _, self.height, self.width = images.shape
        batch, strip = (_BATCH, _STRIP) if images.device.type == "cpu" else (_ELSEWHERE, _ELSEWHERE)
        self.together = min(self.count, max(1, batch // (self.height * self.width)))
        # at least twice as many rows as are looked at beyond them
        self.rows = min(self.height, max(strip // self.width, 4 * settings.reach, 1))
        most = (self.together, min(self.height, self.rows + 2 * settings.reach), self.width)
        self.sliding = Sliding(images, most, max(settings.window, 2 * settings.radius + 1))
        self._planes = [room((math.prod(most),), images) for _ in range(6)]

    def planes(self, like: Tensor) -> list[Tensor]:
        """Six planes of the size of another."""
        return [plane[: like.numel()].view(like.shape) for plane in self._planes]

    def batches(self) -> Iterator[slice]:
        """Images worked on at a time."""
        return (slice(start, start + self.together) for start in range(0, self.count, self.together))

    def strips(self, reach: int) -> Iterator[tuple[slice, slice, slice]]:
        """Rows of each strip in the image; the same within what is looked at; and what is looked at, in the image."""
        for top in range(0, self.height, self.rows):
            bottom, above = min(self.height, top + self.rows), max(0, top - reach)
            yield slice(top, bottom), slice(top - above, bottom - above), slice(above, min(self.height, bottom + reach))
