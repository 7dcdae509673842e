"""Haze of the chips of an index: numpy in, numbers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.learn.haze.removal import atmospheric_light, haze_degree
from geolabel.learn.haze.settings import DarkChannel
from geolabel.learn.transforms import to_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips


def lights(
    chips: Chips, scale: Sequence[float], offset: Sequence[float], visible: tuple[int, ...]
) -> NDArray[np.float32]:
    """Atmospheric light that each chip shows: (n, visible), physical values; NaN or 0 where it shows none."""
    return np.asarray(atmospheric_light(*_pixels(chips, scale, offset), DarkChannel(), visible).numpy())


def degrees(
    chips: Chips,
    scale: Sequence[float],
    offset: Sequence[float],
    visible: tuple[int, ...],
    light: NDArray[np.float32],
) -> NDArray[np.float32]:
    """How hazy each chip is under one light (visible,): (n,), 0 clear to 1; NaN where nothing is valid."""
    under = torch.from_numpy(light.astype(np.float32))
    return np.asarray(haze_degree(*_pixels(chips, scale, offset), DarkChannel(), visible, under).numpy())


def _pixels(chips: Chips, scale: Sequence[float], offset: Sequence[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Physical values (n, bands, h, w), and where they are valid (n, h, w)."""
    factor, shift = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (scale, offset))
    pixels = to_tensor(chips.pixels, torch.device("cpu")).float()
    return pixels * factor + shift, torch.from_numpy(np.array(chips.valid))
