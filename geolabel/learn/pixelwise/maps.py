"""What a network sees at each pixel: its maps at two depths, between places bilinear, and the pixel's own bands.

Source: hypercolumns, Hariharan et al. 2015, arXiv 1411.5752.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel.errors import OptionError
from geolabel.learn.dense import eligible, make_dense, ready
from geolabel.learn.pixelwise.depths import Depths, find_depths
from geolabel.learn.transforms import Normalise, to_tensor
from geolabel.learn.windows import Windows
from geolabel.progress import log

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.dense import Dense
    from geolabel.learn.forward import Classifier

_OF_A_TILE = 4
"""Vectors of whole tiles, where a network gives no map, lie a quarter of a tile apart."""


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """Values at places that lie a stride apart."""

    values: torch.Tensor
    """(features, rows, columns)."""
    stride: int
    """Pixels."""
    first: tuple[float, float]
    """Row and column of the core around which place 0 looks; most often less than 0."""

    def where(self, pixels: torch.Tensor, axis: int) -> torch.Tensor:
        """Rows or columns (n,) of the core as fractions of places; what lies beyond the last place counts as there."""
        return ((pixels - self.first[axis]) / self.stride).clamp(0, self.values.shape[1 + axis] - 1)

    def weights(self, pixels: torch.Tensor, axis: int) -> torch.Tensor:
        """(n, places): how much each place counts at each row or column (n,) of the core."""
        places = torch.arange(self.values.shape[1 + axis], device=pixels.device)
        return (1 - (self.where(pixels, axis)[:, None] - places).abs()).clamp_(min=0)

    def at(self, rows: torch.Tensor, cols: torch.Tensor) -> torch.Tensor:
        """Values (features, n) at pixels of the core."""
        (top, below, down), (left, beside, across) = (self._between(at, axis) for axis, at in enumerate((rows, cols)))
        upper = self.values[:, top, left] * (1 - across) + self.values[:, top, beside] * across
        lower = self.values[:, below, left] * (1 - across) + self.values[:, below, beside] * across
        return upper * (1 - down) + lower * down

    def _between(self, pixels: torch.Tensor, axis: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The two places beside each pixel, and how far it is on the way from one to the other, 0–1."""
        at = self.where(pixels, axis)
        low = at.floor().long()
        return low, (low + 1).clamp(max=self.values.shape[1 + axis] - 1), at - low


@dataclass(frozen=True, slots=True)
class PixelMaps:
    """All that is known of the pixels of a block's core (rows, columns)."""

    maps: tuple[PlaceMap, ...]
    colours: torch.Tensor
    """(bands, rows, columns): normalised."""

    def at(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (n, f) of the pixels `rows`, `cols` (n,) of the core."""
        places = torch.from_numpy(rows).to(self.colours.device), torch.from_numpy(cols).to(self.colours.device)
        found = [*(one.at(*places) for one in self.maps), self.colours[:, *places]]
        features: NDArray[np.float32] = torch.cat(found).T.cpu().numpy()
        return features

    def linear(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> NDArray[np.float32]:
        """A linear function (f, classes), (classes,) of the features: (classes, rows, columns).

        It is taken of the places, and then interpolated, which is the same and a hundred times less to calculate.
        """
        device = self.colours.device
        slopes = torch.from_numpy(weight).to(device)
        sizes = [*(len(one.values) for one in self.maps), len(self.colours)]
        *of_maps, of_colours = torch.split(slopes, sizes)
        rows, cols = (torch.arange(side, device=device) for side in self.colours.shape[1:])
        found = torch.einsum("fk,frc->krc", of_colours, self.colours)
        for one, part in zip(self.maps, of_maps, strict=True):
            low = torch.einsum("fk,frc->krc", part, one.values)
            found = found + one.weights(rows, 0) @ low @ one.weights(cols, 1).T
        answers: NDArray[np.float32] = (found + torch.from_numpy(bias).to(device)[:, None, None]).cpu().numpy()
        return answers


@dataclass(frozen=True, slots=True)
class TrunkMaps:
    """Maps of a convolutional network, read block by block."""

    encoder: Classifier
    depths: Depths

    @property
    def step(self) -> int:
        """Blocks begin at multiples of this many pixels."""
        return self.depths.stride

    @property
    def halo(self) -> int:
        """Pixels of context on every side of a core."""
        return self.depths.halo

    @property
    def size(self) -> int:
        """Features of a pixel."""
        return sum(self.depths.sizes) + len(self.encoder.card.bands)

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> PixelMaps:
        """What is known of a core; `pixels` (bands, h, w) in stored values, `valid` (h, w), with the halo around."""
        encoder = self.encoder
        with torch.inference_mode():
            chips = encoder.normalise(to_tensor(pixels[None], encoder.device), to_tensor(valid[None], encoder.device))
            chips = chips.contiguous(memory_format=torch.channels_last)
            with torch.autocast(encoder.device.type, torch.bfloat16, enabled=encoder.device.type == "cuda"):
                found = self.depths.trunk(chips)
            maps = tuple(
                PlaceMap(values[0].float(), field.stride, (field.centre - self.halo,) * 2)
                for values, field in zip(found, self.depths.fields, strict=True)
            )
        return PixelMaps(maps, _colours(encoder, pixels, valid, self.halo))


@dataclass(frozen=True, slots=True)
class TileMaps:
    """Vectors of whole tiles at a fine stride: what any encoder gives."""

    encoder: Classifier
    answer: Windows | Dense
    stride: int

    @property
    def step(self) -> int:
        """Blocks begin at multiples of this many pixels."""
        return self.stride

    @property
    def halo(self) -> int:
        """Pixels of context on every side of a core."""
        beyond = max(self.encoder.card.tile_px) + 2 * self.stride + self.answer.halo
        return -(-beyond // self.stride) * self.stride

    @property
    def size(self) -> int:
        """Features of a pixel."""
        return self.encoder.card.outputs + len(self.encoder.card.bands)

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> PixelMaps:
        """What is known of a core; `pixels` (bands, h, w) in stored values, `valid` (h, w), with the halo around."""
        starts, first = [], []
        for length, tile in zip(pixels.shape[1:], self.encoder.card.tile_px[::-1], strict=True):
            # whole strides before the core, so that places lie the same whatever the block; the last lies beyond it
            before = -(-(tile // 2 + self.stride) // self.stride) * self.stride
            starts.append(np.arange(self.halo - before, length - self.halo - tile // 2 + self.stride + 1, self.stride))
            first.append((tile - 1) / 2 - before)
        rows, cols = (axis.ravel() for axis in np.meshgrid(*starts, indexing="ij"))
        found = self.answer(pixels, valid, rows, cols)
        values = torch.from_numpy(found.T.reshape(-1, *(len(axis) for axis in starts)).copy())
        one = PlaceMap(values.to(self.encoder.device), self.stride, (first[0], first[1]))
        return PixelMaps((one,), _colours(self.encoder, pixels, valid, self.halo))


def pixelwise(encoder: Classifier, stride: int | None) -> TrunkMaps | TileMaps:
    """How an encoder tells of pixels: by its trunk's maps, or by tiles `stride` px apart where that is given.

    A network whose trunk gives no map, or one that answers by the whole picture (transformers), is asked tile by tile.
    Raises OptionError.
    """
    if stride is not None and stride < 1:
        raise OptionError(f"--stride must be at least 1 px, got {stride}")
    if stride is None:
        try:
            return TrunkMaps(encoder, find_depths(encoder))
        except OptionError as error:
            stride = max(1, min(encoder.card.tile_px) // _OF_A_TILE)
            log.warning("%s: %s; tiles are seen by themselves, %d px apart", encoder.card.architecture, error, stride)
    dense = ready(encoder) and not eligible(encoder, stride)
    return TileMaps(encoder, make_dense(encoder, stride) if dense else Windows(encoder), stride)


def _colours(encoder: Classifier, pixels: NDArray[Any], valid: NDArray[np.bool_], halo: int) -> torch.Tensor:
    """A core's own bands (bands, rows, columns), mean 0 and deviation 1 by the contract; with their haze."""
    core = slice(halo, pixels.shape[1] - halo), slice(halo, pixels.shape[2] - halo)
    plain = Normalise(encoder.card.bands)
    with torch.inference_mode():
        found: torch.Tensor = plain(
            to_tensor(pixels[:, *core][None], torch.device("cpu")), to_tensor(valid[core][None], torch.device("cpu"))
        )[0]
        return found.to(encoder.device)
