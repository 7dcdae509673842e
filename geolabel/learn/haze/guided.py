"""The guided filter: values made a locally linear function of an image, so that their edges lie on its edges.

Source: He, Sun and Tang, Guided Image Filtering (ECCV 2010), with a grey guide. On the CPU by a compiled kernel, on
other devices by torch operations; each is the other's check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from geolabel.learn.haze.compiled import guided_on_cpu

if TYPE_CHECKING:
    from torch import Tensor

    from geolabel.learn.haze.sliding import Sliding


def guided(
    guide: Tensor, values: Tensor, seen: Tensor | None, radius: int, eps: float, sliding: Sliding, spare: list[Tensor]
) -> Tensor:
    """Values filtered by a guide, all (n, height, width), written over the values; guide and `spare` (4) are lost too.

    Windows are cut at the border, and what is not `seen` (all is where None) counts nowhere.
    """
    if seen is None:
        seen = torch.ones(guide.shape, dtype=torch.bool, device=guide.device)
    else:
        guide.masked_fill_(~seen, 0)
        values.masked_fill_(~seen, 0)
    if guide.device.type == "cpu":
        return guided_on_cpu(guide, values, seen, radius, eps, spare)
    return guided_by_torch(guide, values, seen, radius, eps, sliding, spare)


def guided_by_torch(
    guide: Tensor, values: Tensor, seen: Tensor, radius: int, eps: float, sliding: Sliding, spare: list[Tensor]
) -> Tensor:
    """As `guided`, on any device; guide and values are 0 where not seen."""
    side = 2 * radius + 1
    weights = sliding.sums(seen.to(guide.dtype), side, torch.empty_like(guide)).clamp_(min=1).reciprocal_()

    def mean(planes: Tensor, out: Tensor) -> Tensor:
        return sliding.sums(planes, side, out).mul_(weights)

    mean_guide, mean_values = mean(guide, spare[0]), mean(values, spare[1])
    covariance = mean(torch.mul(guide, values, out=values), spare[2]).addcmul_(mean_guide, mean_values, value=-1)
    variance = mean(torch.mul(guide, guide, out=values), spare[3]).addcmul_(mean_guide, mean_guide, value=-1)
    slope = covariance.div_(variance.add_(eps)).mul_(seen)
    start = mean_values.addcmul_(slope, mean_guide, value=-1).mul_(seen)
    mean(start, values)
    return values.addcmul_(mean(slope, spare[3]), guide)
