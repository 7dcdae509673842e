"""Exact search: what of many vectors, seen once, some at a time, is most like some examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scored = tuple[int, torch.Tensor]
"""First row of a block, and the scores of its rows (n,)."""
Score = Callable[[torch.Tensor], torch.Tensor]
"""What ranks vectors (n, size) float32: numbers (n,), the higher the better; −∞: no answer."""
_AT_ONCE = 1 << 14
"""Rows that are compared together on a processor: they stay in its cache."""
_PRODUCTS = 1 << 24
"""Comparisons (rows × examples) that are in memory together."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best rows, best first; of equal ones, the one that stands first in the file."""

    rows: NDArray[np.int64]
    """(k,), fewer where there are not so many."""
    scores: NDArray[np.float32]
    """(k,)."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a vector is to the nearest of some examples, and not liker to one that it shall not be like.

    Vectors of length 1: the cosine of the angle between them. Others: minus the distance.
    """

    like: torch.Tensor
    """(p, size) float32."""
    unlike: torch.Tensor
    """(q, size) float32; q may be 0."""
    norm: bool
    """Whether vectors have length 1."""

    @classmethod
    def of(cls, like: NDArray[Any], unlike: NDArray[Any], *, norm: bool, device: torch.device) -> Likeness:
        """The same from arrays (p, size) and (q, size)."""
        first, second = (torch.from_numpy(np.ascontiguousarray(part, np.float32)).to(device) for part in (like, unlike))
        return cls(first, second, norm)

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Similarity (n,) of vectors (n, size) to their nearest example; −∞ where it is none of those to be like."""
        near = self.to(self.like, vectors)
        if len(self.unlike):
            near = torch.where(near <= self.to(self.unlike, vectors), -torch.inf, near)  # what is no number stays
        return near

    def to(self, examples: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Similarity (n,) of vectors (n, size) to the nearest of examples (p, size)."""
        step = max(1, _PRODUCTS // max(1, len(examples)))
        starts = range(0, max(1, len(vectors)), step)
        return torch.cat([self._nearest(examples, vectors[start : start + step]) for start in starts])

    def _nearest(self, examples: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        if self.norm:
            products = vectors @ examples.T
            return products[:, 0] if len(examples) == 1 else products.amax(1)
        # differences, not products: what is all but the same lies at a distance of all but 0
        apart = torch.cdist(vectors, examples, compute_mode="donot_use_mm_for_euclid_dist")
        return -apart.amin(1)


def scored(
    blocks: Iterable[tuple[int, NDArray[Any]]], score: Score, device: torch.device
) -> Iterator[tuple[int, torch.Tensor]]:
    """Scores of blocks of vectors, (first row, vectors (n, size)): (first row, scores (n,) float32)."""
    step = _AT_ONCE if device.type == "cpu" else _PRODUCTS
    for first, vectors in blocks:
        parts = (torch.from_numpy(vectors[start : start + step]) for start in range(0, len(vectors), step))
        with torch.inference_mode():
            found = [score(part.to(device).float()) for part in parts]
        if found:
            yield first, torch.cat(found)


def best_of(scores: Iterable[tuple[int, torch.Tensor]], count: int, left_out: NDArray[np.int64]) -> Best:
    """The `count` best rows of scores that come in order, without the rows `left_out` (m,)."""
    left_out = np.unique(left_out)
    kept, rows = torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    for first, found in scores:
        inside = left_out[np.searchsorted(left_out, first) : np.searchsorted(left_out, first + len(found))] - first
        if len(inside):
            found[torch.from_numpy(inside).to(found.device)] = -torch.inf
        # a row that is as good as the worst one kept comes after it
        worst = float(kept[-1]) if len(kept) == count else -torch.inf
        better = torch.nonzero(found > worst).squeeze(1)
        if not len(better):
            continue
        together = torch.cat([kept, found[better].cpu()])
        order = torch.sort(together, descending=True, stable=True).indices[:count]
        rows = torch.cat([rows, better.cpu() + first])[order]
        kept = together[order]
    return Best(rows.numpy(), kept.numpy())
