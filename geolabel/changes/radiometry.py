"""Relative normalisation: one date's values as the reference's light, air and sensor would have made them.

Sources: Nielsen, "The regularized iteratively reweighted MAD method", IEEE Trans. Image Processing 16(2), 2007; Canty &
Nielsen, "Automatic radiometric normalization of multitemporal satellite imagery with IR-MAD", RSE 112(3), 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PIXELS = 1000
"""Fewer invariant pixels do not carry a fit."""
LEAST_R2 = 0.5
"""Below it a line is not worth its name."""
_ROUNDS = 30
_ALIKE = 0.2
"""Greatest canonical correlation of all pixels below which two dates have nothing in common."""
_RIDGE = 1e-2
"""Added to the variances (those of all pixels are 1): else bytes settle on the few pixels that have one same value."""
_SETTLED = 1e-3
"""Change of the canonical correlations below which IR-MAD has settled."""
_INVARIANT = 0.5
"""Probability of no change from which a pixel counts as invariant."""
_BINS = 24
_KNOTS = 33
_ENDS = (0.5, 99.5)
"""Percentiles between which invariant pixels carry a line or a curve."""
_OUTLIER = 3.0
"""Residuals beyond so many deviations are trimmed."""
_WORTH = 0.98
"""What is left of the held-out difference where a correction is worth it."""
_CURVED = 0.95
"""What is left of the linear fit's held-out difference where a curve is worth it."""


@dataclass(frozen=True, slots=True)
class BandFit:
    """What makes a band of one date comparable with the reference's."""

    method: Literal["linear", "quantile", "none"] = "none"
    gain: float = 1.0
    """Reference = value × gain + offset within the curve's range; of a curved fit, the line nearest to it."""
    offset: float = 0.0
    """In the reference's stored units."""
    curve: tuple[tuple[float, float], ...] = ()
    """(value, reference's value): the two ends of the line, or rising quantiles; empty where nothing is done.

    What is darker or brighter than all that was invariant is moved as far as the end: forest says nothing of the gain
    of sand.
    """
    r2: float = 0.0
    """Squared correlation of the invariant pixels, rare brightness counted more."""
    error_before: float = 0.0
    """Mean difference from the reference on invariant pixels held out, rare brightness counted more."""
    error_after: float = 0.0
    """The same after the correction."""

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Values (any shape) as the reference would have them."""
        plain = values.astype(np.float32)
        return _along(plain, np.array(self.curve, dtype=np.float32)) if self.curve else plain


def saturated(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Where bytes (bands, …) are at an end of their range in any band: what they were is not known."""
    if pixels.dtype != np.uint8:
        return np.zeros(pixels.shape[1:], dtype=bool)
    return np.asarray(((pixels == 0) | (pixels == np.iinfo(np.uint8).max)).any(axis=0))


def fit(reference: NDArray[Any], other: NDArray[Any], seed: int = 0) -> tuple[BandFit, ...]:
    """How each band of `other` (bands, n) becomes that of `reference` (bands, n), by pixels that did not change.

    Where these are too few, or where no correction makes pixels that were held out more alike, bands stay as they are.
    """
    still = reference.astype(np.float64), other.astype(np.float64)
    kept = unchanged(*still) >= _INVARIANT
    if kept.sum() < LEAST_PIXELS:
        return tuple(BandFit() for _ in reference)
    rng = np.random.default_rng(seed)
    return tuple(_fit_band(one[kept], two[kept], rng) for one, two in zip(*still, strict=True))


def unchanged(reference: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of no change (n,) by IR-MAD, from two dates (bands, n); it does not know units, gains or offsets.

    It is 0 where the dates have nothing in common: pixels that agree by chance would be taken for proof.
    """
    from scipy.special import gammaincc

    bands, count = reference.shape
    weights = np.ones(count)
    if count <= 2 * bands:
        return weights
    pair = np.concatenate([reference, other])
    deviation = pair.std(axis=1, keepdims=True)
    if not deviation.all():
        return weights
    pair = (pair - pair.mean(axis=1, keepdims=True)) / deviation
    before = np.full(bands, np.inf)
    for _ in range(_ROUNDS):
        mean = pair @ weights / weights.sum()
        centred = pair - mean[:, None]
        covariance = (centred * weights) @ centred.T / weights.sum() + _RIDGE * np.eye(2 * bands)
        mads, correlation = _variates(centred, covariance, bands)
        if before[0] == np.inf and correlation[0] < _ALIKE:
            return np.zeros(count)
        squares = (mads**2 / np.maximum(2 * (1 - correlation), 1e-9)[:, None]).sum(axis=0)
        weights = np.maximum(gammaincc(bands / 2, squares / 2), 1e-12)  # the upper tail of chi-squared
        if np.abs(correlation - before).max() < _SETTLED:
            break
        before = correlation
    return weights


def _variates(
    centred: NDArray[np.float64], covariance: NDArray[np.float64], bands: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Differences of the canonical variates (bands, n), and the correlations (bands,)."""
    one, two = (
        np.linalg.inv(np.linalg.cholesky(part)) for part in (covariance[:bands, :bands], covariance[bands:, bands:])
    )
    left, correlation, right = np.linalg.svd(one @ covariance[:bands, bands:] @ two.T)
    mads = left.T @ one @ centred[:bands] - right @ two @ centred[bands:]
    return mads, np.minimum(correlation, 1.0)


def _fit_band(reference: NDArray[np.float64], other: NDArray[np.float64], rng: np.random.Generator) -> BandFit:
    """The best of nothing, a line and a curve, by pixels held out."""
    rows = _balanced(reference, other, rng)
    if len(rows) < LEAST_PIXELS // 4:
        return BandFit()
    taught, held = rows[::2], rows[1::2]
    gain, offset, r2 = _line(reference[taught], other[taught])
    ends = np.percentile(other[taught], _ENDS)
    line = np.column_stack([ends, ends * gain + offset])
    curve = _quantiles(reference[taught], other[taught])

    def error(made: NDArray[np.float64]) -> float:
        return float(np.mean(np.abs(made - reference[held])))

    before = error(other[held])
    linear = error(_along(other[held], line)) if r2 >= LEAST_R2 else np.inf
    curved = error(_along(other[held], curve)) if len(curve) > 1 else np.inf
    if min(linear, curved) >= _WORTH * before:
        return BandFit("none", 1.0, 0.0, (), r2, before, before)
    if linear <= curved / _CURVED:
        return BandFit("linear", gain, offset, _points(line), r2, before, linear)
    gain, offset = (float(term) for term in np.polyfit(curve[:, 0], curve[:, 1], 1))
    return BandFit("quantile", gain, offset, _points(curve), r2, before, curved)


def _points(curve: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((float(value), float(target)) for value, target in curve)


def _balanced(
    reference: NDArray[np.float64], other: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows, in random order, of dark and bright ground by the root of how much there is of each.

    A scene that is nearly all forest would say little about a gain; and were rare ground to count like forest, forest
    itself would not be met.
    """
    ranked = (reference - reference.mean()) / (reference.std() or 1.0) + (other - other.mean()) / (other.std() or 1.0)
    low, high = np.percentile(ranked, (0.2, 99.8))
    cell = np.clip((ranked - low) / ((high - low) or 1.0) * _BINS, 0, _BINS - 1).astype(np.int64)
    order = rng.permutation(len(cell))
    sizes = np.bincount(cell, minlength=_BINS)
    usual = max(float(np.median(sizes[sizes > 0])), LEAST_PIXELS / _BINS)
    wanted = np.ceil(np.sqrt(sizes * usual)).astype(np.int64)
    by_cell = order[np.argsort(cell[order], kind="stable")]
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(rng.permutation(by_cell[rank < np.repeat(wanted, sizes)]), dtype=np.int64)


def _line(reference: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float, float]:
    """Gain, offset and squared correlation of the major axis, trimmed: neither date is free of noise."""
    kept = np.ones(len(reference), dtype=bool)
    gain, offset, r2 = 1.0, 0.0, 0.0
    for _ in range(8):
        x, y = other[kept], reference[kept]
        (xx, xy), (_, yy) = np.cov(x, y)
        if xx <= 0 or yy <= 0 or xy <= 0:
            return 1.0, float(np.median(reference - other)), 0.0
        gain = float((yy - xx + np.hypot(yy - xx, 2 * xy)) / (2 * xy))
        offset, r2 = float(y.mean() - gain * x.mean()), float(xy * xy / (xx * yy))
        off = np.abs(reference - other * gain - offset)
        limit = _OUTLIER * 1.4826 * float(np.median(off[kept]))
        trimmed = off <= max(limit, 1e-9)
        if (trimmed == kept).all():
            break
        kept = trimmed
    return gain, offset, r2


def _quantiles(reference: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(value, reference's value) at the same quantiles: (knots, 2), values strictly rising."""
    at = np.linspace(*_ENDS, _KNOTS)
    values, first = np.unique(np.percentile(other, at), return_index=True)
    return np.column_stack([values, np.percentile(reference, at)[first]])


def _along(values: NDArray[Any], curve: NDArray[Any]) -> NDArray[Any]:
    """Values on a curve (knots, 2), in their type; beyond its ends as far off as these."""
    inside = np.clip(values, curve[0, 0], curve[-1, 0])
    return np.asarray(np.interp(inside, curve[:, 0], curve[:, 1]).astype(values.dtype) + (values - inside))
