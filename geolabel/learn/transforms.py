"""From stored pixels to a network's input; on the device, a batch at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from geolabel.errors import BandError, InputError
from geolabel.learn.haze import DarkChannel, dehaze
from geolabel.model import BandContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.model import ModelCard


_ABSURD = 1e30
_VISIBLE = ("red", "green", "blue")


class Normalise(nn.Module):
    """Stored values (n, bands, h, w) → physical values → mean 0, deviation 1; 0 where not valid (n, h, w).

    With `haze`, haze is taken from the physical values of the bands `visible` in between; physical values beyond
    `limits` count as these: a model of stretched pictures has never seen what is brighter than white.
    """

    def __init__(
        self,
        bands: Sequence[BandContract],
        haze: DarkChannel | None = None,
        visible: tuple[int, ...] = (),
        limits: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.limited = limits is not None
        if limits:
            ends = [[(end - band.mean) / band.std for band in bands] for end in limits]
            self.register_buffer("ends", torch.tensor(ends).view(2, 1, -1, 1, 1), persistent=False)
        self.haze, self.visible = haze, visible
        if haze:
            physical = ([band.scale for band in bands], [band.offset for band in bands])
            self.register_buffer("physical", torch.tensor(physical).view(2, 1, -1, 1, 1), persistent=False)
            bands = [replace(band, scale=1.0, offset=0.0) for band in bands]
        scale = torch.tensor([band.scale / band.std for band in bands])
        shift = torch.tensor([(band.offset - band.mean) / band.std for band in bands])
        self.register_buffer("scale", scale.view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", shift.view(1, -1, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Normalised float32 (n, bands, h, w)."""
        scale, shift = self.get_buffer("scale"), self.get_buffer("shift")
        if self.haze:
            factor, offset = self.get_buffer("physical")
            pixels = dehaze(pixels.float() * factor + offset, valid, self.haze, visible=self.visible)
        # in place, but never in the caller's own memory; torch cannot multiply uint16, only convert it
        plain = pixels.dtype == torch.float32
        values = (pixels * scale if plain else pixels.to(torch.float32).mul_(scale)).add_(shift)
        if self.limited:
            values = values.clamp_(*self.get_buffer("ends"))
        if valid.device.type == "cpu" and bool(valid.all()):  # a GPU would have to be waited for
            return values
        return values.masked_fill_(~valid[:, None], 0.0)

    @classmethod
    def of(cls, card: ModelCard) -> Normalise:
        """As a contract says."""
        told, limits = card.settings.get("dehaze"), card.settings.get("clip")
        ends = (float(limits[0]), float(limits[1])) if limits else None
        if not told:
            return cls(card.bands, limits=ends)
        return cls(card.bands, DarkChannel(**told), visible_bands([band.name for band in card.bands]), ends)


def visible_bands(names: Sequence[str]) -> tuple[int, ...]:
    """Where red, green and blue stand; haze is looked for in them. Raises BandError where one is missing."""
    missing = [name for name in _VISIBLE if name not in names]
    if missing:
        raise BandError(
            f"haze is seen in the bands red, green and blue; there are {', '.join(names)}. Name them with "
            "geolabel tile --bands"
        )
    return tuple(names.index(name) for name in _VISIBLE)


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


def to_tensor(pixels: NDArray[np.generic], device: torch.device) -> torch.Tensor:
    """Stored pixels, or a mask, on the device; types that torch cannot calculate with become float32."""
    plain = pixels if pixels.dtype.kind == "b" or _is_small(pixels.dtype) else pixels.astype(np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(plain))
    if device.type != "cuda":
        return tensor.to(device)
    # from pinned memory the copy goes on beside what the GPU calculates
    return tensor.pin_memory().to(device, non_blocking=True)


def _is_small(dtype: np.dtype[np.generic]) -> bool:
    return dtype.kind in "iu" and dtype.itemsize < 4  # noqa: PLR2004 - bytes
