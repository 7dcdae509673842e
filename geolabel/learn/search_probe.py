"""A linear probe: what a handful of examples has that the rest has not, as one weight a number of the vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from geolabel.learn.nearest import Score

_LEAST_SPREAD = 1e-6
_ROUNDS = 1000
_AN_EXAMPLE = 30.0
"""How much an example counts against the penalty on large weights, whatever the size of the background: few examples
are told from all else by what they have in common by chance, too, and the more so the less weights cost."""


@dataclass(frozen=True, slots=True)
class SearchProbe:
    """Logistic regression on vectors as they are stored."""

    weights: NDArray[np.float32]
    """(size,)."""
    bias: float

    @classmethod
    def fit(
        cls, like: NDArray[np.float32], unlike: NDArray[np.float32], background: NDArray[np.float32], seed: int
    ) -> SearchProbe:
        """Learn to tell examples (p, size) from others (q, size), q may be 0, and from what there is (n, size).

        Each side counts as much as the other; of the negative one, examples as much as the background, or they would be
        drowned in it. Numbers are brought to one spread, that of the background.
        """
        from sklearn.linear_model import LogisticRegression

        middle, spread = background.mean(axis=0), np.maximum(background.std(axis=0), _LEAST_SPREAD)
        parts = [part for part in (like, unlike, background) if len(part)]
        vectors = (np.concatenate(parts) - middle) / spread
        target = np.arange(len(vectors)) < len(like)
        share = [0.5, *[0.5 / (len(parts) - 1)] * (len(parts) - 1)]
        weight = np.concatenate([np.full(len(part), of / len(part)) for of, part in zip(share, parts, strict=True)])
        probe = LogisticRegression(max_iter=_ROUNDS, random_state=seed)
        probe.fit(vectors, target, sample_weight=weight * len(like) * _AN_EXAMPLE)
        weights = probe.coef_[0] / spread
        return cls(weights.astype(np.float32), float(probe.intercept_[0] - weights @ middle))

    def score(self, device: torch.device) -> Score:
        """What gives the logit (n,) of vectors (n, size)."""
        weights = torch.from_numpy(self.weights).to(device)
        return lambda vectors: vectors @ weights + self.bias


def into_levels(
    logits: Iterable[tuple[int, torch.Tensor]], levels: NDArray[np.uint8], highest: int
) -> Iterator[tuple[int, torch.Tensor]]:
    """The same logits, (first row, (n,)); probabilities are put into `levels` (tiles,), 0–highest, as they pass."""
    for first, found in logits:
        levels[first : first + len(found)] = (found.sigmoid() * highest).round().to(torch.uint8).cpu().numpy()
        yield first, found
