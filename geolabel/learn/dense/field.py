"""What a place of a trunk's map sees of the picture, found by trying.

A pixel that is no number (NaN) makes every place that sees it no number either, whatever the weights are. So the ends
of the places' fields are found, and whether a place sees the whole picture, as with attention.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    Trunk = Callable[[torch.Tensor], torch.Tensor]

_LENGTHS = (512, 2304)
"""A trial picture is longer than a tile by so many pixels; the second where fields do not fit into the first."""
_NO_FIT = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""What networks raise that have no trunk, or at sizes that they cannot read."""
_TOLERANCE = 1e-3
"""Of values through many layers in single precision, as a share of the largest."""
_MAP_AXES = 4


@dataclass(frozen=True, slots=True)
class Field:
    """Along either axis, place i of a map sees the pixels from i × stride − before up to i × stride + after."""

    stride: int
    """Pixels from one place to the next."""
    before: int
    after: int
    places: tuple[int, int]
    """Rows and columns of the map of a tile."""

    @property
    def centre(self) -> float:
        """The middle of what place i sees is pixel i × stride + centre."""
        return (self.after - self.before) / 2

    def context(self, tile: tuple[int, int]) -> int:
        """Pixels around a tile (height, width) that its places see: a multiple of the stride."""
        beyond = (
            (count - 1) * self.stride + self.after + 1 - side for count, side in zip(self.places, tile, strict=True)
        )
        return -(-max(self.before, *beyond, 0) // self.stride) * self.stride


@torch.inference_mode()
def find_field(trunk: Trunk, bands: int, tile: tuple[int, int]) -> Field:
    """The field of a trunk's places, in tiles (height, width). Raises OptionError where it is no moving window."""
    try:
        down, across = _trials(trunk, bands, tile)
    except _NO_FIT as error:
        raise OptionError(f"its trunk reads nothing larger than a tile ({error})") from error
    field = down.field()
    if field != across.field():
        raise OptionError("its trunk sees farther down than across")
    return field


def _trials(trunk: Trunk, bands: int, tile: tuple[int, int]) -> list[_Trial]:
    small = trunk(torch.zeros(1, bands, *tile))
    if small.ndim != _MAP_AXES:
        raise OptionError("its trunk gives no map of places (a transformer's tokens, say)")
    places = (small.shape[2], small.shape[3])
    for length in _LENGTHS:
        trials = [_Trial(trunk, bands, tile, places, length, axis) for axis in (2, 3)]
        if not any(trial.is_whole for trial in trials):
            return trials
    raise OptionError("a place of its map sees the whole picture (attention, squeeze-excite, a norm over all places)")


class _Trial:
    """Pictures longer than a tile down (axis 2) or across (axis 3). Raises OptionError where strides do not fit."""

    def __init__(
        self, trunk: Trunk, bands: int, tile: tuple[int, int], places: tuple[int, int], length: int, axis: int
    ) -> None:
        self.trunk, self.places, self.axis = trunk, places, axis
        size = [1, bands, *tile]
        size[axis] += length
        self.picture = torch.zeros(size)
        grown, count = trunk(self.picture).shape, places[axis - 2]
        if grown[axis] <= count or grown[5 - axis] != places[3 - axis] or length % (grown[axis] - count):
            raise OptionError("its map does not grow with the picture")
        self.stride = length // (grown[axis] - count)
        self.is_whole = self._first(0) == 0 or self._last(0) == grown[axis] - 1

    def field(self) -> Field:
        """Raises OptionError where places do not answer alike."""
        first, last, lines = self._first(0), self._last(0), range(self.stride)
        before = self.stride * (last + 1) - self._line(bisect_left(lines, last + 1, key=self._last))
        after = self._line(bisect_left(lines, first + 1, key=self._first)) - 1 - self.stride * first
        field = Field(self.stride, before, after, self.places)
        self._check_alike(field)
        return field

    def _line(self, by: int) -> int:
        """A line `by` pixels behind the one in the middle where a place lies."""
        return self.picture.shape[self.axis] // 2 // self.stride * self.stride + by

    def _last(self, by: int) -> int:
        """The last place that sees anything up to a line."""
        return int(self._seeing(0, self._line(by) + 1)[-1])

    def _first(self, by: int) -> int:
        """The first place that sees anything from a line on."""
        return int(self._seeing(self._line(by), self.picture.shape[self.axis])[0])

    def _seeing(self, start: int, end: int) -> torch.Tensor:
        """Places (n,) that see any of the lines from `start` up to below `end`."""
        picture = self.picture.clone()
        picture.narrow(self.axis, start, end - start).fill_(torch.nan)
        return self.trunk(picture).isnan().any(1)[0].any(3 - self.axis).nonzero()[:, 0]

    def _check_alike(self, field: Field) -> None:
        """A picture moved by the stride moves the map by a place, far from the ends."""
        picture = torch.randn(self.picture.shape, generator=torch.Generator().manual_seed(0))
        here = self.trunk(picture)
        length = picture.shape[self.axis] - field.stride
        moved = self.trunk(picture.narrow(self.axis, field.stride, length))
        first = -(-field.before // field.stride)
        count = (length - 1 - field.after) // field.stride - first + 1
        here, moved = here.narrow(self.axis, first + 1, count), moved.narrow(self.axis, first, count)
        if moved.shape[self.axis] < 1 or (here - moved).abs().max() > _TOLERANCE * here.abs().max():
            raise OptionError("a place of its map answers by where it lies in the picture")
