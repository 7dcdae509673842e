"""Overlapping tiles of a strip, averaged from one map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from geolabel.learn.dense.blocks import covered, cut, lattices
from geolabel.learn.heads import probabilities
from geolabel.learn.transforms import to_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.dense.field import Field
    from geolabel.learn.dense.network import Halves
    from geolabel.learn.forward import Classifier
    from geolabel.scoring.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Dense:
    """Answers on the tiles of a strip; pixels that several of them share are read once by the network."""

    classifier: Classifier
    halves: tuple[Halves, ...]
    """Of each network."""
    field: Field
    calibration: Calibration | None
    halo: int
    """Pixels of context on every side of the tiles, a multiple of `lattice`."""
    block: int
    """Side of what a trunk is given at once, pixels, with the halo."""

    @property
    def lattice(self) -> int:
        """Tiles whose positions agree modulo this many pixels are computed together: the network's stride."""
        return self.field.stride

    @property
    def span(self) -> int:
        """Rows of pixels that are best given together: one block's, without its halo."""
        return self.block - 2 * self.halo

    def __call__(
        self, pixels: NDArray[Any], valid: NDArray[np.bool_], rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Probabilities (n, classes) of the tiles whose upper left corners are at `rows`, `cols` (n,).

        `pixels` (bands, height, width) is the strip in stored values, `valid` (height, width); it has the halo on every
        side of every tile.
        """
        out = np.empty((len(rows), self.classifier.card.outputs), dtype=np.float32)
        with torch.inference_mode():
            for lattice in lattices(rows, cols, self.lattice):
                needed = covered(lattice, self.field.places)
                places = self._places(pixels, valid, (lattice.top, lattice.left), needed)
                means = functional.avg_pool2d(places[None], self.field.places, stride=1)[0]
                at = torch.from_numpy(lattice.rows), torch.from_numpy(lattice.cols)
                out[lattice.members] = self._answers(means[:, *at].T)
        return out

    def map(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (classes, rows, columns) place by place: a class activation map.

        `pixels` (bands, height, width) is in stored values with the halo on every side, `valid` (height, width); within
        the halo lie whole places of `lattice` pixels. Place (i, j) looks around the pixel that lies `field.centre`
        behind (i, j) × lattice within the halo. The head is applied to each place as if it were a tile: where it is
        linear, the logits of a tile are the mean of those of its places. Source: Zhou et al. 2016, arXiv 1512.04150.
        """
        high, wide = ((side - 2 * self.halo) // self.lattice for side in pixels.shape[1:])
        with torch.inference_mode():
            places = self._places(pixels, valid, (self.halo, self.halo), np.ones((high, wide), bool))
            found = self._answers(places.flatten(1).T)
        return np.ascontiguousarray(found.T).reshape(-1, high, wide)

    def _places(
        self, pixels: NDArray[Any], valid: NDArray[np.bool_], corner: tuple[int, int], needed: NDArray[np.bool_]
    ) -> torch.Tensor:
        """What is averaged, at all places (values, rows, columns) from the pixel `corner` on; 0 where not needed."""
        found: torch.Tensor | None = None
        for block in cut(needed, self._block_places(needed.shape[0])):
            window = tuple(
                slice(
                    start + part.start * self.lattice - self.halo, start + part.stop * self.lattice + rest + self.halo
                )
                for part, start, rest in zip(block, corner, self._rest(), strict=True)
            )
            some = self._block(pixels[:, *window], valid[window], block)
            if found is None:
                found = some.new_zeros(len(some), *needed.shape)
            found[:, *block] = some
        assert found is not None, "a place is needed"
        return found

    def _block(self, pixels: NDArray[Any], valid: NDArray[np.bool_], block: tuple[slice, slice]) -> torch.Tensor:
        device = self.classifier.device
        chips = self.classifier.normalise(to_tensor(pixels[None], device), to_tensor(valid[None], device))
        chips = chips.contiguous(memory_format=torch.channels_last)
        skipped = self.halo // self.lattice
        inner = tuple(slice(skipped, skipped + part.stop - part.start) for part in block)
        return torch.cat([half.places(chips)[:, *inner] for half in self.halves])

    def _answers(self, means: torch.Tensor) -> NDArray[np.float32]:
        """Probabilities (n, classes) of means (n, values)."""
        parts = torch.split(means, [half.width for half in self.halves], dim=1)
        logits = torch.cat([half.logits(part) for half, part in zip(self.halves, parts, strict=True)], dim=1)
        found: NDArray[np.float32] = probabilities(logits, self.classifier.card.heads).cpu().numpy()
        return found if self.calibration is None else self.calibration.apply(found)

    def _rest(self) -> tuple[int, int]:
        """Pixels of a tile beyond its places, height and width: a trunk without padding has fewer places."""
        width, height = self.classifier.card.tile_px
        return height - self.field.places[0] * self.lattice, width - self.field.places[1] * self.lattice

    def _block_places(self, rows: int) -> tuple[int, int]:
        """Rows and columns of places at the most, where `rows` are needed; low blocks are wider."""
        most = max(1, (self.block - 2 * self.halo) // self.lattice)
        high = -(-rows // -(-rows // most))
        wide = self.block**2 // (high * self.lattice + 2 * self.halo) - 2 * self.halo
        return high, max(1, wide // self.lattice)
