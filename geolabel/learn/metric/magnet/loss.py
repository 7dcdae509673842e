"""The magnet loss: an example near the mean of its cluster, and far from those of clusters of other classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from geolabel.errors import OptionError

_LEAST_VARIANCE = 1e-9
"""Where all examples lie on their means, which gives no width; any is as good then."""


@dataclass(frozen=True, slots=True)
class MagnetOutcome:
    """What a batch of n examples costs."""

    loss: torch.Tensor
    """0-d, with gradient: the mean of `losses`."""
    losses: torch.Tensor
    """(n,) of each example, without gradient: what the cluster index draws its next seeds by."""
    active: float
    """Share of the examples whose hinge is above 0."""


def magnet_loss(vectors: torch.Tensor, cluster: torch.Tensor, classes: torch.Tensor, margin: float) -> MagnetOutcome:
    """Loss of `vectors` (n, d), which lie in `cluster` (n,) of `classes` (n,), all tiles of a cluster in one class.

    The stochastic form of the paper: means μ and the variance σ² = Σ‖r−μ‖² / (n−1) are those of the batch, and
    gradients run through both. `margin` is the paper's alpha: by how much the logarithm of the own kernel must exceed
    that of the sum over the clusters of other classes. An example for which the batch has no such cluster costs 0,
    the limit of the formula. Computed in float32 at the least, whatever autocast says. Raises OptionError where a
    cluster is of two classes.

    Source: Rippel, Paluri, Dollár, Bourdev: Metric Learning with Adaptive Density Discrimination, arXiv 1511.05939,
    section 3.2.
    """
    vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    numbers, own, sizes = torch.unique(cluster, return_inverse=True, return_counts=True)
    class_of = classes.new_empty(len(numbers)).scatter_(0, own, classes)
    if not torch.equal(class_of[own], classes):
        raise OptionError("a cluster of the batch holds tiles of two classes; build the index of one class at a time")
    sums = vectors.new_zeros(len(numbers), vectors.shape[1]).index_add(0, own, vectors)
    means = sums / sizes[:, None]
    # (n, clusters); as differences, since |r|² − 2rμ + |μ|² loses what is close, and close is what counts here
    squares = (vectors[:, None] - means).square().sum(dim=2)
    to_own = squares.gather(1, own[:, None]).squeeze(1)
    variance = (to_own.sum() / max(len(vectors) - 1, 1)).clamp(min=_LEAST_VARIANCE)
    exponents = -squares / (2 * variance)
    # not −inf, which would leave a gradient that is no number where there is nobody to push away
    of_others = exponents.masked_fill(class_of == classes[:, None], torch.finfo(vectors.dtype).min)
    losses = functional.relu(to_own / (2 * variance) + margin + of_others.logsumexp(dim=1))
    return MagnetOutcome(losses.mean(), losses.detach(), float((losses > 0).float().mean()))
