"""The dark channel prior: near most places something is dark in some colour; where nothing is dark, that is haze.

An image I is taken for the true one J, dimmed, under a veil of the atmospheric light A: I = J·t + A·(1 − t). Source:
He, Sun and Tang, Single Image Haze Removal Using Dark Channel Prior (CVPR 2009); the transmission t is refined by the
same authors' guided filter, its guide the mean of the visible bands, all relative to A. So the scale of the values
does not matter: dehaze(s·I) = s·dehaze(I) for any s > 0, be it 8-bit colour or reflectance × 10000. An offset does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from geolabel.errors import BandError, InputError
from geolabel.learn.haze.guided import guided
from geolabel.learn.haze.light import airlight, dark_channel, gains
from geolabel.learn.haze.pieces import Work
from geolabel.learn.haze.sliding import room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.learn.haze.settings import DarkChannel


@torch.no_grad()
def dehaze(
    images: Tensor,
    valid: Tensor,
    settings: DarkChannel,
    visible: tuple[int, ...] = (0, 1, 2),
    light: Tensor | None = None,
) -> Tensor:
    """Images (n, bands, height, width) without haze, in new memory; valid is (n, height, width).

    Haze is looked for in the visible bands and taken out of them. Other bands stay as they are: its scattering falls
    off steeply with wavelength, near and short-wave infrared see through what veils the blue, and the prior does not
    hold there (plants are bright). Pixels that are not valid stay as they are and count nowhere. The result is not
    cut to a range. `light` is A for each image or for all, (n, visible) or (visible,), as from `atmospheric_light`;
    without it each image has its own.

    Raises InputError or BandError where the tensors do not fit.
    """
    _check(images, valid, visible, light)
    result = room(images.shape, images)
    for band in sorted({*range(images.shape[1])} - {*visible}):
        result[:, band] = images[:, band]
    everywhere = bool(valid.all())
    work = Work(images, settings)
    for at in work.batches():
        views = [images[at, band] for band in visible]
        seen = None if everywhere else valid[at]
        air = airlight(views, seen, settings, work, at, light)
        for inner, core, outer in work.strips(settings.reach):
            planes = [view[:, outer] for view in views]
            part = None if seen is None else seen[:, outer]
            haze = dark_channel(planes, part, air, settings, work)
            if settings.radius:
                haze = refined(planes, haze, part, core, air, settings, work)
            through = haze[:, core].mul_(-settings.omega).add_(1).clamp_(settings.floor, 1).reciprocal_()
            for band, view, a in zip(visible, views, air.unbind(1), strict=True):
                # A + (I − A) / t, and exactly I where t is 1
                clear = torch.lerp(a[:, None, None], view[:, inner], through, out=result[at, band, inner])
                if seen is not None:
                    torch.where(seen[:, inner], clear, view[:, inner], out=clear)
    return result


@torch.no_grad()
def haze_degree(
    images: Tensor,
    valid: Tensor,
    settings: DarkChannel,
    visible: tuple[int, ...] = (0, 1, 2),
    light: Tensor | None = None,
) -> Tensor:
    """How hazy each image is, (n,), 0–1: the mean of 1 − t (omega aside) over what is valid; NaN where nothing is.

    For one scene it grows with its haze. Between scenes it also grows with how bright their darkest things are, and
    how bright their brightest are not; one `light` for all (see `dehaze`) takes the second away.
    """
    _check(images, valid, visible, light)
    totals = images.new_zeros(len(images))
    work = Work(images, settings)
    for at in work.batches():
        views, seen = [images[at, band] for band in visible], valid[at]
        air = airlight(views, seen, settings, work, at, light)
        for inner, core, outer in work.strips(settings.window // 2):
            haze = dark_channel([view[:, outer] for view in views], seen[:, outer], air, settings, work)[:, core]
            totals[at] += haze.clamp_(0, 1).mul_(seen[:, inner]).sum(dim=(1, 2))
    return totals / valid.sum(dim=(1, 2))


@torch.no_grad()
def atmospheric_light(
    images: Tensor, valid: Tensor, settings: DarkChannel, visible: tuple[int, ...] = (0, 1, 2)
) -> Tensor:
    """A of each image, (n, visible): its brightest pixel among the .1 % whose surroundings are least dark.

    Pixels as dark as the last of them count too. 0 where nothing is valid, which means: no haze.
    """
    _check(images, valid, visible, None)
    work = Work(images, settings)
    found = [
        airlight([images[at, band] for band in visible], valid[at], settings, work, at, None) for at in work.batches()
    ]
    return torch.cat(found)


def _check(images: Tensor, valid: Tensor, visible: tuple[int, ...], light: Tensor | None) -> None:
    if images.ndim != 4 or images.dtype not in (torch.float32, torch.float64) or not images.numel():  # noqa: PLR2004 - axes
        raise InputError(
            "haze: images must be float32 or float64 (n, bands, height, width) and not empty, "
            f"got {images.dtype} {tuple(images.shape)}"
        )
    if valid.dtype != torch.bool or valid.shape != (len(images), *images.shape[2:]):
        raise InputError(
            f"haze: valid must be bool {(len(images), *images.shape[2:])} for images {tuple(images.shape)}, "
            f"got {valid.dtype} {tuple(valid.shape)}"
        )
    if not visible or len({*visible}) < len(visible) or not {*visible} <= {*range(images.shape[1])}:
        raise BandError(
            f"haze: visible bands must be different ones of 0 … {images.shape[1] - 1}, got {visible}; "
            "name those of the image"
        )
    if light is not None and light.shape not in {(len(visible),), (len(images), len(visible))}:
        raise InputError(
            f"haze: light must be ({len(visible)},) or {(len(images), len(visible))}, a value a visible band, "
            f"got {tuple(light.shape)}"
        )


def refined(
    planes: Sequence[Tensor],
    haze: Tensor,
    seen: Tensor | None,
    core: slice,
    air: Tensor,
    settings: DarkChannel,
    work: Work,
) -> Tensor:
    """The haze (n, height, width), which `dark_channel` left in the third plane, its edges on those of the image."""
    guide, second, _, *spare = work.planes(haze)
    first, *others = gains(air * len(planes))
    torch.mul(planes[0], first, out=guide)
    for plane, gain in zip(planes[1:], others, strict=True):
        guide.addcmul_(plane, gain)
    return guided(guide, haze, seen, core, settings.radius, settings.eps, work.sliding, [second, *spare])
