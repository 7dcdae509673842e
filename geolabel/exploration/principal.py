"""The directions in which vectors differ most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDING = 1e-12
"""Of the largest variance: a direction with less is rounding."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Vectors along their principal components."""

    points: NDArray[np.float64]
    """(n, count): around 0, most variance first; zeros where there are fewer directions."""
    shares: NDArray[np.float64]
    """(count,): each one's share of all variance, 0–1."""


def principal(vectors: NDArray[Any], count: int) -> Principal:
    """Vectors (n, f) along the first `count` principal components.

    A component has no sign of its own: its largest weight is positive, so that the same vectors give the same points.
    """
    around = vectors.astype(np.float64)
    around -= around.mean(axis=0)
    rows, size = around.shape
    wide = size > rows
    values, axes = np.linalg.eigh(around @ around.T if wide else around.T @ around)
    values, axes = np.maximum(values[::-1][:count], 0), axes[:, ::-1][:, :count]
    if wide:  # the axes of the rows tell those of the columns
        axes = around.T @ axes / np.sqrt(np.where(values > 0, values, 1))
    real = values > _ROUNDING * max(values.max(initial=0), np.finfo(np.float64).tiny)
    axes, values = axes * real, values * real
    sign = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    points, shares = np.zeros((rows, count)), np.zeros(count)
    points[:, : len(values)] = around @ (axes * sign)
    whole = float(np.einsum("ij,ij->", around, around))
    shares[: len(values)] = values / whole if whole else 0.0
    return Principal(points, shares)
