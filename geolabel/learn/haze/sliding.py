"""Minima and sums over a window around every pixel, at a cost that grows with the logarithm of the window.

Two windows side by side make one of twice the length, so a window of 61 takes eight additions of a plane to its own
shifted self, not sixty. Unlike differences of running sums this loses no digits however wide the image is, and one way
serves sums and minima, on any device.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def room(shape: Sequence[int], like: Tensor) -> Tensor:
    """A new tensor, not filled, of the type and on the device of another.

    On the CPU NumPy makes it, for that asks the system for huge pages: a large array is there five times sooner.
    """
    if like.device.type != "cpu":
        return like.new_empty(tuple(shape))
    return torch.from_numpy(np.empty(tuple(shape), {torch.float32: np.float32, torch.float64: np.float64}[like.dtype]))


class Sliding:
    """Filters over planes (n, height, width), in memory taken once and used again for each piece of an image."""

    def __init__(self, like: Tensor, most: tuple[int, int, int], longest: int) -> None:
        """For planes of up to `most` (n, height, width), and windows of up to `longest` pixels."""
        count, height, width = most
        size = count * max((height + longest) * width, height * (width + longest))
        self._wide, self._high, *self._turns = (room((size,), like) for _ in range(4))

    def minima(self, planes: Tensor, length: int, out: Tensor) -> Tensor:
        """Smallest value of the length × length window around each pixel, cut at the border."""
        return self._both(torch.minimum, planes, length, math.inf, _overlapping(length), out)

    def sums(self, planes: Tensor, length: int, out: Tensor) -> Tensor:
        """Sum over the length × length window around each pixel, cut at the border."""
        return self._both(torch.add, planes, length, 0.0, _adjacent(length), out)

    def _both(
        self,
        join: Callable[..., Tensor],
        planes: Tensor,
        length: int,
        beyond: float,
        chain: Sequence[tuple[bool, int]],
        out: Tensor,
    ) -> Tensor:
        """Along the rows, then along the columns; `beyond` stands outside the image. Even windows reach up and left."""
        if not chain:
            return out.copy_(planes)
        count, height, width = planes.shape
        before, more = length // 2, length - 1
        wide = self._wide[: count * height * (width + more)].view(count, height, width + more)
        high = self._high[: count * (height + more) * width].view(count, height + more, width)
        inner = high[:, before : before + height]
        wide[..., :before], wide[..., before + width :] = beyond, beyond
        high[:, :before], high[:, before + height :] = beyond, beyond
        wide[..., before : before + width] = planes
        self._chained(join, wide, 1, chain, inner)
        return self._chained(join, high, width, chain, out)

    def _chained(
        self, join: Callable[..., Tensor], padded: Tensor, step: int, chain: Sequence[tuple[bool, int]], out: Tensor
    ) -> Tensor:
        """Windows that begin at each pixel, `step` values from one of their pixels to the next.

        The planes are one long row of values: what a window takes from beyond its row or plane is padding, or falls
        on a pixel that is not asked for.
        """
        single = padded.view(-1)
        so_far, turn = single, 0
        for again, shift in chain[:-1]:
            ahead = (so_far if again else single)[shift * step :]
            size = min(len(so_far), len(ahead))
            joined = self._turns[turn][:size]
            so_far, turn = join(so_far[:size], ahead[:size], out=joined), 1 - turn
        again, shift = chain[-1]
        asked = (out.shape, padded.stride())
        ahead = (so_far if again else single)[shift * step :]
        return join(so_far.as_strided(*asked), ahead.as_strided(*asked), out=out)


def _adjacent(length: int) -> list[tuple[bool, int]]:
    """How a window of 1 grows to `length` without counting twice: joined to itself or to a single pixel, how far on."""
    chain, reached = [], 1
    for digit in bin(length)[3:]:
        chain.append((True, reached))
        reached *= 2
        if digit == "1":
            chain.append((False, reached))
            reached += 1
    return chain


def _overlapping(length: int) -> list[tuple[bool, int]]:
    """The same for minima, which may count a pixel twice: the last step goes as far as is left."""
    chain, reached = [], 1
    while reached < length:
        shift = min(reached, length - reached)
        chain.append((True, shift))
        reached += shift
    return chain
