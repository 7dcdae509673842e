"""The guided filter: values made a locally linear function of an image, so that their edges lie on its edges.

Source: He, Sun and Tang, Guided Image Filtering (ECCV 2010), with a grey guide. On the CPU by a compiled kernel, on
other devices by torch operations; each is the other's check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from geolabel.learn.haze.sliding import Sliding


def guided(
    guide: Tensor,
    values: Tensor,
    seen: Tensor | None,
    core: slice,
    radius: int,
    eps: float,
    sliding: Sliding,
    spare: list[Tensor],
) -> Tensor:
    """Values filtered by a guide, all (n, height, width), written over the values; guide and `spare` (4) are lost too.

    Windows are cut at the border, and what is not `seen` (all is where None) counts nowhere. Only the rows of `core`
    are asked for.
    """
    weights = _weights(guide, seen, radius, sliding, spare[3])
    if seen is not None:
        for plane in (guide, values, weights):
            plane.masked_fill_(~seen, 0)
    if guide.device.type == "cpu":
        from geolabel.learn.haze.compiled import guided_on_cpu  # numba: 70 MB that most models do not need

        return guided_on_cpu(guide, values, weights, core, radius, eps, spare)
    return guided_by_torch(guide, values, weights, radius, eps, sliding, spare)


def _weights(guide: Tensor, seen: Tensor | None, radius: int, sliding: Sliding, out: Tensor) -> Tensor:
    """1 / how many pixels the window around each has."""
    if seen is not None:
        return sliding.sums(out.copy_(seen), 2 * radius + 1, out).clamp_(min=1).reciprocal_()
    rows, cols = (
        (at + radius).clamp(max=len(at) - 1) - (at - radius).clamp(min=0) + 1
        for at in (torch.arange(side, device=guide.device) for side in guide.shape[1:])
    )
    return torch.mul((1 / rows.to(guide.dtype))[:, None], 1 / cols.to(guide.dtype), out=out[0]).expand_as(out)


def guided_by_torch(
    guide: Tensor, values: Tensor, weights: Tensor, radius: int, eps: float, sliding: Sliding, spare: list[Tensor]
) -> Tensor:
    """As `guided`, on any device, given the weights; all three are 0 where not seen."""
    mean_guide, mean_values, both, _ = spare

    def mean(planes: Tensor, out: Tensor) -> Tensor:
        return sliding.sums(planes, 2 * radius + 1, out).mul_(weights)

    mean(guide, mean_guide)
    mean(values, mean_values)
    covariance = mean(torch.mul(guide, values, out=values), both).addcmul_(mean_guide, mean_values, value=-1)
    variance = mean(torch.mul(guide, guide, out=values), values).addcmul_(mean_guide, mean_guide, value=-1)
    slope = covariance.div_(variance.add_(eps))
    start = mean_values.addcmul_(slope, mean_guide, value=-1)
    mean(start, values)
    return values.addcmul_(mean(slope, slope), guide)
