"""From stored pixels to a network's input, and augmentation; on the device, a batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from geolabel.errors import InputError
from geolabel.model import BandContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips


_ABSURD = 1e30


class Normalise(nn.Module):
    """Stored values (n, bands, h, w) → physical values → mean 0, deviation 1; 0 where not valid (n, h, w)."""

    def __init__(self, bands: Sequence[BandContract]) -> None:
        super().__init__()
        scale = torch.tensor([band.scale / band.std for band in bands])
        shift = torch.tensor([(band.offset - band.mean) / band.std for band in bands])
        self.register_buffer("scale", scale.view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", shift.view(1, -1, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Normalised float32 (n, bands, h, w)."""
        scale, shift = self.get_buffer("scale"), self.get_buffer("shift")
        return torch.where(valid[:, None], pixels.float() * scale + shift, 0.0)


def band_statistics(chips: Chips, rows: NDArray[np.int64], *, sample: int = 4096) -> tuple[NDArray[np.float64], ...]:
    """Mean and deviation of stored values over the valid pixels of up to `sample` chips: two (bands,) arrays."""
    step = max(1, len(rows) // sample)
    chosen = np.sort(rows[::step])
    count, total, squares = 0, np.zeros(chips.pixels.shape[1]), np.zeros(chips.pixels.shape[1])
    for start in range(0, len(chosen), 256):
        part = chosen[start : start + 256]
        pixels = chips.pixels[part].astype(np.float64).transpose(1, 0, 2, 3)
        pixels = pixels[:, chips.valid[part]]
        count += pixels.shape[1]
        total += pixels.sum(axis=1)
        squares += (pixels**2).sum(axis=1)
    mean = total / max(count, 1)
    deviation = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0))
    return mean, np.where(deviation > 0, deviation, 1.0)


def band_contracts(
    chips: Chips, rows: NDArray[np.int64], names: Sequence[str], scale: Sequence[float], offset: Sequence[float]
) -> tuple[BandContract, ...]:
    """The contract of each band: mean and deviation over the training chips `rows`, as physical values."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = band_statistics(chips, rows)
    strange = [name for name, size in zip(names, np.abs(mean) + deviation, strict=True) if not size < _ABSURD]
    if strange:
        raise InputError(
            f"band {', '.join(strange)}: values too large to be measurements; is a nodata value not declared? "
            "gdal_edit.py -a_nodata VALUE"
        )
    return tuple(
        BandContract(name, factor, shift, float(mean[at] * factor + shift), float(deviation[at] * abs(factor)))
        for at, (name, factor, shift) in enumerate(zip(names, scale, offset, strict=True))
    )


def augment(chips: torch.Tensor, valid: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each chip of a normalised batch (n, bands, h, w) turned or mirrored at random, and its light changed.

    Seen from above nothing has a right way up: all eight symmetries of the square are as likely (four where chips
    are not square). Contrast, brightness, the balance of the bands and a veil over all of them change as they do
    between dates, so that colour alone is not learned. What is not valid (n, h, w) stays 0, as predict leaves it.
    """
    chips = torch.cat([chips, valid[:, None].float()], dim=1)
    count, device = len(chips), chips.device
    flips = torch.randint(0, 2, (3, count, 1, 1, 1), generator=generator, device="cpu").bool().to(device)
    chips = torch.where(flips[0], chips.flip(3), chips)
    chips = torch.where(flips[1], chips.flip(2), chips)
    if chips.shape[2] == chips.shape[3]:
        chips = torch.where(flips[2], chips.transpose(2, 3), chips)

    chips, seen = chips[:, :-1], chips[:, -1:]

    def drawn(deviation: float, bands: int) -> torch.Tensor:
        return deviation * torch.randn((count, bands, 1, 1), generator=generator).to(device)

    bands, mean = chips.shape[1], chips.mean(dim=(2, 3), keepdim=True)
    chips = mean + (chips - mean) * drawn(0.2, 1).exp()
    gain = (1 + drawn(0.15, 1)) * (1 + drawn(0.1, bands))
    return (chips * gain + drawn(0.2, bands) + drawn(0.3, 1)) * seen


def to_tensor(pixels: NDArray[np.generic], device: torch.device) -> torch.Tensor:
    """Stored pixels on the device; types that torch lacks become float32."""
    plain = pixels if pixels.dtype.kind in "iu" and pixels.dtype.itemsize < 4 else pixels.astype(np.float32)  # noqa: PLR2004 - bytes
    plain = plain.astype(np.int32) if plain.dtype == np.uint16 else plain
    return torch.from_numpy(np.ascontiguousarray(plain)).to(device)
