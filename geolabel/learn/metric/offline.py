"""Hard mining over the map: of several tiles drawn for an anchor, the one that teaches most."""

from __future__ import annotations

import torch


@torch.no_grad()
def choose_hard(anchors: torch.Tensor, candidates: torch.Tensor, *, farthest: bool) -> torch.Tensor:
    """Which of N candidates (b, N, d) is hardest for its anchor (b, d): index (b,) int64; the first of equal ones.

    The hardest positive is the farthest one, the hardest negative the nearest.
    """
    apart = _distances(anchors, candidates)
    return apart.argmax(dim=1) if farthest else apart.argmin(dim=1)


@torch.no_grad()
def hardest_first(anchors: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """The N negatives (b, N, d) of each anchor (b, d) from the nearest to the farthest: indices (b, N) int64."""
    return _distances(anchors, candidates).argsort(dim=1, stable=True)


def _distances(anchors: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    apart: torch.Tensor = torch.linalg.vector_norm(candidates.float() - anchors.float()[:, None], dim=2)
    return apart
