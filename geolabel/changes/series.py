"""Probabilities of a class at several dates → when it was lost, or came, and how sure that is.

Every pixel has one of these histories: the class stays, is never there, is lost between two dates (for good, or until
a later one), or comes. Each says which dates show the class, so its likelihood is the product of their probabilities,
or of one minus them; a date that was not seen says nothing. Histories are equally likely beforehand, but that a loss is
made good is one in twenty. With two dates the chance of a loss is the product p(before) · (1 − p(after)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

What = Literal["loss", "gain", "change"]
"""A change is what a model tells that compares pairs of images."""
UNSEEN = 255
"""Among levels: the date shows nothing here."""
_LEVELS = 250
_BACK = 0.05
"""Chance beforehand that what was lost comes back by a later date."""
_SUREST = 0.05
"""No image is surer than this: what fools a classifier once (haze, drought) is seldom noise of single pixels."""


@dataclass(frozen=True, slots=True)
class History:
    """What became of a class, pixel by pixel; (rows, cols) each."""

    confidence: NDArray[np.float32]
    """Chance that the change happened, 0–1; 0 where it cannot be told."""
    first: NDArray[np.uint8]
    """Number of the image, the first being 0, that is likeliest the first to show the change; 0 where none can."""
    told: NDArray[np.bool_]
    """Whether two images at least were seen."""


def plain_table(scale: float = 1.0, offset: float = 0.0) -> NDArray[np.float32]:
    """Log-odds of each level, (256,): a line over the log-odds of the probability, kept from being too sure."""
    probability = np.clip(np.arange(256) / _LEVELS, 1e-3, 1 - 1e-3)
    line = scale * np.log(probability / (1 - probability)) + offset
    limit = np.log((1 - _SUREST) / _SUREST)
    table = np.clip(line, -limit, limit).astype(np.float32)
    table[_LEVELS + 1 :] = 0.0
    return table


def history(odds: NDArray[np.float32], seen: NDArray[np.bool_], what: What) -> History:
    """The likeliest history of each pixel from log-odds (dates, rows, cols) and what was seen (same shape).

    Log-odds of pixels that were not seen must be 0. At the least two dates, in their order.
    """
    dates = len(odds)
    if dates < 2 or odds.shape != seen.shape:  # noqa: PLR2004 - before and after
        raise ValueError(f"want two dates at least, of one shape; got {odds.shape} and {seen.shape}")
    sign = odds if what == "loss" else -odds  # a gain is the loss of its absence
    # ln p and ln (1 − p), but for a date that says nothing: ln 1 for both
    present = np.where(seen, -np.logaddexp(0.0, -sign), 0.0).astype(np.float32)
    absent = np.where(seen, -np.logaddexp(0.0, sign), 0.0).astype(np.float32)
    before_present, before_absent = _before(present), _before(absent)
    all_present, all_absent = before_present[-1], before_absent[-1]

    # Lost at k, for good or until m: … present up to k, absent from k to m, present from m on.
    back = np.full(odds.shape[1:], -np.inf, dtype=np.float32)
    lost = np.full((dates - 1, *odds.shape[1:]), -np.inf, dtype=np.float32)
    comes = np.full((dates - 1, *odds.shape[1:]), -np.inf, dtype=np.float32)
    # Lost or come is said of an image that was seen, and after another: else "never there" explains it as well.
    possible = seen[1:] & (np.cumsum(seen, axis=0)[:-1] > 0)
    for first in range(dates - 1, 0, -1):
        for_good = all_absent - before_absent[first]
        ways = max(dates - 1 - first, 1)
        again = back - before_absent[first] + np.float32(np.log(_BACK / ways))
        after = np.logaddexp(for_good + np.float32(np.log1p(-_BACK)) if first < dates - 1 else for_good, again)
        lost[first - 1] = np.where(possible[first - 1], before_present[first] + after, -np.inf)
        comes[first - 1] = np.where(
            possible[first - 1], before_absent[first] + all_present - before_present[first], -np.inf
        )
        back = np.logaddexp(back, before_absent[first] + all_present - before_present[first])
    total = np.logaddexp.reduce(lost, axis=0)
    others = np.logaddexp.reduce(np.concatenate([all_present[None], all_absent[None], comes]), axis=0)
    told = np.asarray(possible.any(axis=0))
    confidence = np.where(told, np.exp(total - np.logaddexp(total, others)), 0.0).astype(np.float32)
    return History(confidence, np.where(told, lost.argmax(axis=0) + 1, 0).astype(np.uint8), told)


def _before(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums over the dates before each one, and over all: (dates + 1, …)."""
    return np.concatenate([np.zeros((1, *parts.shape[1:]), np.float32), np.cumsum(parts, axis=0, dtype=np.float32)])
