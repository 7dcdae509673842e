"""Haze of a piece of a region, whose light and veil are known: as much of it as the region's veil and the piece allow.

Numpy in, numpy out. What is found does not depend on how the region is cut, where pieces are given with what lies
around them (`DarkChannel.reach`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel.learn.haze.guided import guided
from geolabel.learn.haze.light import dark_channel
from geolabel.learn.haze.pieces import Work
from geolabel.learn.haze.removal import refined
from geolabel.learn.haze.settings import DarkChannel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 1 << 16
"""Running sums begin elsewhere in another piece; rounded to such a part, their last digits do not matter."""


@torch.no_grad()
def local_haze(
    pixels: NDArray[np.floating], valid: NDArray[np.bool_], light: NDArray[np.floating], settings: DarkChannel
) -> NDArray[Any]:
    """1 − t by the dark channel prior, refined: (height, width) of visible bands (bands, height, width); not below 0.

    What the windows of a few pixels show, bright ground included: it bounds a veil from above.
    """
    images, seen = torch.from_numpy(np.ascontiguousarray(pixels))[None], torch.from_numpy(valid)[None]
    air = torch.as_tensor(light, dtype=images.dtype)[None]
    work = Work(images, settings)
    found = torch.empty_like(images[0, 0])
    views = list(images.unbind(1))
    for inner, core, outer in work.strips(settings.reach):
        planes, part = [view[:, outer] for view in views], seen[:, outer]
        haze = dark_channel(planes, part, air, settings, work)
        if settings.radius:
            haze = refined(planes, haze, part, core, air, settings, work)
        found[inner] = haze[0, core]
    return _rounded(found.clamp_(0, 1)).numpy()


@torch.no_grad()
def illumination(light: NDArray[np.floating], valid: NDArray[np.bool_], radius: int, eps: float) -> NDArray[Any]:
    """How bright the surroundings of each pixel are, with edges where the image (height, width), 0–1, has its own.

    The guided filter of an image by itself; a pixel's value depends on 2 · `radius` pixels around it.
    """
    plane, seen = torch.from_numpy(np.ascontiguousarray(light))[None], torch.from_numpy(valid)[None]
    settings = DarkChannel(window=1, radius=radius, eps=eps)
    work = Work(plane[None], settings)
    found = torch.empty_like(plane)
    for inner, core, outer in work.strips(settings.reach):
        guide, values, *spare = work.planes(plane[:, outer])
        guide.copy_(plane[:, outer])
        values.copy_(plane[:, outer])
        filtered = guided(guide, values, seen[:, outer], core, radius, eps, work.sliding, spare)
        found[:, inner] = filtered[:, core]
    return _rounded(found[0].clamp_(0, 1)).numpy()


def _rounded(values: torch.Tensor) -> torch.Tensor:
    return values.mul_(_STEPS).round_().div_(_STEPS)
