"""Tiles here and there as blocks of one layer: where no tile lies, there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Patch:
    """What is said of a tile."""

    row: int
    """First row of the layer."""
    col: int
    band: int
    """First of the bands of the layer that are told; others stay as they are."""
    values: NDArray[np.float32]
    """(bands, height, width)."""
    valid: NDArray[np.bool_]
    """(height, width)."""


def blocks(
    patches: Sequence[Patch], bands: int, shape: tuple[int, int], side: int
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """The blocks, `side` px each, that patches lie in: first row, first column, (bands, rows, columns).

    `shape` is the layer's (height, width). Patches that overlap become their mean; NaN where there is none.
    """
    touched: dict[tuple[int, int], list[Patch]] = {}
    for patch in patches:
        height, width = patch.valid.shape
        for row in range(patch.row // side, (patch.row + height - 1) // side + 1):
            for col in range(patch.col // side, (patch.col + width - 1) // side + 1):
                touched.setdefault((row * side, col * side), []).append(patch)
    for (top, left), here in sorted(touched.items()):
        size = (min(side, shape[0] - top), min(side, shape[1] - left))
        sums, counts = np.zeros((bands, *size), np.float32), np.zeros((bands, *size), np.uint16)
        for patch in here:
            told = slice(patch.band, patch.band + len(patch.values))
            (down, its_down), (across, its_across) = (
                _shared(start, length, at, most)
                for start, length, at, most in zip(
                    (patch.row, patch.col), patch.valid.shape, (top, left), size, strict=True
                )
            )
            valid = patch.valid[its_down, its_across]
            sums[told, down, across] += np.where(valid, patch.values[:, its_down, its_across], 0)
            counts[told, down, across] += valid
        yield top, left, np.where(counts > 0, sums / np.maximum(counts, 1), np.float32(np.nan))


def _shared(start: int, length: int, block: int, size: int) -> tuple[slice, slice]:
    """What a patch (its start and length) and a block share along an axis: within the block, within the patch."""
    first, last = max(start, block), min(start + length, block + size)
    return slice(first - block, last - block), slice(first - start, last - start)
