"""What becomes of a pixel that is removed.

It gets the mean of its band over the training tiles and counts as not valid: to a network that is 0, what it has been
given for nodata since it learned; to statistics of colour, a pixel that is left out. So a model is asked something
that it knows the answer to, nothing of a class of its own. (The tile blurred, which others take, keeps the colour of
what was there: what a model tells by colour would seem not to matter.)

An explanation depends on the choice, most of all where large parts are removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.model import ModelCard


@dataclass(frozen=True, slots=True)
class Removal:
    """A tile, and what stands in for its pixels."""

    pixels: NDArray[np.float32]
    """(bands, h, w), stored values."""
    valid: NDArray[np.bool_]
    """(h, w)."""
    stand_in: NDArray[np.float32]
    """(bands, h, w), stored values."""

    @classmethod
    def of(cls, card: ModelCard, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Removal:
        """Of a tile in stored values (bands, h, w), valid where (h, w) says so."""
        values = pixels.astype(np.float32)
        means = np.array([(band.mean - band.offset) / band.scale for band in card.bands], np.float32)
        return cls(values, valid, np.broadcast_to(means[:, None, None], values.shape))

    def without(self, gone: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Chips (n, bands, h, w) and their validity (n, h, w), each without the pixels `gone` (n, h, w)."""
        pixels = np.where(gone[:, None], self.stand_in, self.pixels)
        return pixels, self.valid & ~gone
