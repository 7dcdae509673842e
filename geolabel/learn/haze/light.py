"""The dark channel of a piece of images, and the atmospheric light, which is looked for where that is bright."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from geolabel.learn.haze.sliding import room

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from geolabel.learn.haze.pieces import Work
    from geolabel.learn.haze.settings import DarkChannel

_ONE_IN = 1000
"""Of how many pixels one is looked at for the light."""
_GROUP = 64
"""Pixels of which first only the greatest is looked at."""


def dark_channel(
    planes: Sequence[Tensor], seen: Tensor | None, airlight: Tensor | None, settings: DarkChannel, work: Work
) -> Tensor:
    """The dark channel (n, height, width), relative to A, which is 1 − t; absolute without A."""
    darkest, other, dark, *_ = work.planes(planes[0])
    if airlight is None:
        _joined(torch.minimum, planes, darkest)
    else:
        first, *others = gains(airlight)
        torch.mul(planes[0], first, out=darkest)
        for plane, gain in zip(planes[1:], others, strict=True):
            torch.minimum(darkest, torch.mul(plane, gain, out=other), out=darkest)
    if seen is not None:
        darkest.masked_fill_(~seen, math.inf)
    return work.sliding.minima(darkest, settings.window, dark)


def gains(airlight: Tensor) -> list[Tensor]:
    """What makes the bands relative to A, each (n, 1, 1); 0 where there is no light, which is then no haze."""
    return list(torch.where(airlight > 0, 1 / airlight, 0.0)[..., None, None].unbind(1))


def airlight(
    views: Sequence[Tensor], seen: Tensor | None, settings: DarkChannel, work: Work, at: slice, given: Tensor | None
) -> Tensor:
    """A of a batch of images, (n, visible): given, or found."""
    if given is not None:
        found = given.to(views[0]).expand(work.count, len(views))[at]
    else:
        dark = room(views[0].shape, views[0])
        for inner, core, outer in work.strips(settings.window // 2):
            planes = [view[:, outer] for view in views]
            part = None if seen is None else seen[:, outer]
            dark[:, inner] = dark_channel(planes, part, None, settings, work)[:, core]
        found = _brightest(views, dark, seen, work)
    return found.mean(dim=1, keepdim=True).expand_as(found) if settings.scalar_light else found


def _brightest(views: Sequence[Tensor], dark: Tensor, seen: Tensor | None, work: Work) -> Tensor:
    """The brightest pixel (n, bands) of those whose dark channel is among the top ones."""
    if seen is None:
        enough = torch.full((len(dark),), dark[0].numel(), device=dark.device)
    else:
        dark.masked_fill_(~seen, -math.inf)
        enough = seen.sum(dim=(1, 2))
    least = _nth_greatest(dark.flatten(1), (enough // _ONE_IN).clamp_(min=1))[:, None, None]
    light = dark.new_zeros((len(dark), len(views)))
    most = dark.new_full((len(dark),), -math.inf)
    every = torch.arange(len(dark), device=dark.device)
    for inner, _, _ in work.strips(0):
        planes = [view[:, inner] for view in views]
        bright = _joined(torch.add, planes, work.planes(planes[0])[0])
        if seen is not None:
            bright.masked_fill_(~seen[:, inner], -math.inf)
        # the greatest of each row first: a search for a place is slow
        bright.masked_fill_(dark[:, inner] < least, -math.inf)
        value, row = bright.amax(dim=2).max(dim=1)
        col = bright[every, row].argmax(dim=1)
        pixel = torch.stack([plane[every, row, col] for plane in planes], dim=1)
        light = torch.where((value > most)[:, None], pixel, light)
        most = torch.maximum(most, value)
    return light


def _joined(join: Callable[..., Tensor], planes: Sequence[Tensor], out: Tensor) -> Tensor:
    if len(planes) == 1:
        return out.copy_(planes[0])
    join(planes[0], planes[1], out=out)
    for plane in planes[2:]:
        join(out, plane, out=out)
    return out


def _nth_greatest(values: Tensor, rank: Tensor) -> Tensor:
    """Of each row (n, m) the value of a rank (n,), 1 the greatest.

    Groups are ordered by their greatest: as many groups as the rank hold all that can be it, and most are left out.
    """
    most = int(rank.max())
    padded = torch.nn.functional.pad(values, (0, -values.shape[1] % _GROUP), value=-math.inf)
    groups = padded.view(len(values), -1, _GROUP)
    first = groups.amax(dim=2).topk(most, sorted=False).indices
    top = groups.gather(1, first[..., None].expand(-1, -1, _GROUP)).flatten(1).topk(most).values
    return top.gather(1, rank[:, None] - 1)[:, 0]
