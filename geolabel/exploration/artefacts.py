"""Tiles that a sensor or a file spoilt: striped, saturated, empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.exploration.stripes import stripes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float32]

STRIPED = 0.7
"""Of 10,315 chips of Amazonia none has more, of 1,000 tiles of fields in North Dakota, which lie along the pixels, one
in a thousand; of tiles with offsets of rows as large as what neighbours differ by, three in four have more."""
SATURATED = 0.25
EMPTY = 0.5
_AGREE = 3
"""Tiles that end at the same highest value, for it to be where the sensor is full."""


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What may be wrong with each of n tiles."""

    stripes: Values
    """(n,): 0–1, how much of what differs from line to line is the same along them; NaN where too little is seen."""
    saturated: Values
    """(n,): share of the valid pixels that are at the sensor's highest value in some band; NaN where unknown."""
    empty: Values
    """(n,): share of the pixels that are not valid; 1 for a tile that has the same value everywhere."""
    highest: Values
    """(n,): highest value of any band; −inf where nothing is valid."""
    at_highest: Values
    """(n,): share of the valid pixels that have it in some band."""

    @property
    def striped(self) -> NDArray[np.bool_]:
        """(n,): `stripes` from 0.7 on."""
        return np.asarray(self.stripes >= STRIPED)

    @property
    def bright(self) -> NDArray[np.bool_]:
        """(n,): a quarter or more is `saturated`."""
        return np.asarray(self.saturated >= SATURATED)

    @property
    def blank(self) -> NDArray[np.bool_]:
        """(n,): half or more is `empty`."""
        return np.asarray(self.empty >= EMPTY)


def artefacts(pixels: NDArray[Any], valid: NDArray[np.bool_], ceiling: float | None = None) -> Artefacts:
    """Look at pixels (n, bands, height, width) as stored, `valid` (n, height, width).

    `ceiling` is the value at which the sensor is full, 255 for pictures of 8 bits; None where it is not known: `join`
    finds it in the whole set.
    """
    count = len(pixels)
    seen = valid[:, None]
    values = pixels.reshape(count, pixels.shape[1], -1)
    known = np.broadcast_to(seen, pixels.shape).reshape(values.shape)
    total = np.maximum(valid.sum(axis=(1, 2)), 1)
    low = np.where(known, values, np.inf).min(axis=2, initial=np.inf)
    each = np.where(known, values, -np.inf).max(axis=2, initial=-np.inf)
    highest = each.max(axis=1, initial=-np.inf)
    at_highest = _share(pixels, highest, valid, total)
    missing = 1 - valid.mean(axis=(1, 2))
    saturated = np.full(count, np.nan) if ceiling is None else _share(pixels, np.full(count, ceiling), valid, total)
    return Artefacts(
        stripes(pixels, valid),
        saturated.astype(np.float32),
        np.where((each <= low).all(axis=1), 1, missing).astype(np.float32),
        highest.astype(np.float32),
        at_highest.astype(np.float32),
    )


def join(parts: Sequence[Artefacts]) -> Artefacts:
    """Put batches of a set together; where nobody said at which value the sensor is full, the set does.

    It is the highest value of all, where three tiles or more end there; else nothing is saturated.
    """
    names = ("stripes", "saturated", "empty", "highest", "at_highest")
    if not parts:
        return Artefacts(*(np.zeros(0, np.float32) for _ in names))
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    full = whole["highest"] == whole["highest"].max(initial=-np.inf)
    full &= whole["empty"] < 1
    found = np.where(full & (full.sum() >= _AGREE), whole["at_highest"], np.float32(0))
    whole["saturated"] = np.where(np.isnan(whole["saturated"]), found, whole["saturated"])
    return Artefacts(**whole)


def _share(
    pixels: NDArray[Any], value: NDArray[Any], valid: NDArray[np.bool_], total: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Share of the valid pixels that reach a tile's value in some band: (n,)."""
    reached = (pixels >= value[:, None, None, None]).any(axis=1) & valid
    return np.asarray(reached.sum(axis=(1, 2)) / total)
