"""How much there is of each class in a set of tiles, and of how much nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """What there is of one class."""

    name: str
    share: float | None
    """Mean over the tiles in which it is known, present or not; None where it is known in none."""
    ha: float | None
    """Share of each tile × area of the tile, summed; None where tiles have no size in metres."""
    tiles: int
    """Tiles with any share of it."""
    tiles_known: int
    """Tiles in which it is known, present or not."""
    unknown_share: float
    """Share of the tiles' area that lies in tiles in which it is unknown."""
    rarer: float | None
    """How many times less area it has than the commonest class; None where it has none."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What there is of all classes."""

    tiles: int
    tiles_known: int
    """Tiles in which at least one class is known."""
    area_ha: float | None
    """Of all tiles, where they overlap counted again; None where they have no size in metres."""
    unknown_share: float
    """Share of the tiles' area of which no source speaks."""
    imbalance: float | None
    """How many times more area the commonest class has than the rarest that there is; None for fewer than two."""
    classes: tuple[ClassBalance, ...]


def balance(
    named_shares: Iterable[tuple[str, NDArray[np.float32]]],
    known: NDArray[np.float32],
    area_ha: NDArray[np.float64] | None,
) -> Balance:
    """Sum up the share (n,) of each class, NaN where it is unknown. `known`, `area_ha` (n,): of each tile.

    Without areas, tiles weigh the same.
    """
    weight = np.ones(len(known)) if area_ha is None else area_ha
    whole = float(weight.sum())
    anything = np.zeros(len(known), dtype=bool)
    found: list[tuple[str, NDArray[np.bool_], int, float | None, float]] = []
    for name, share in named_shares:
        told = np.isfinite(share)
        anything |= told
        mean = float(share[told].mean(dtype=np.float64)) if told.any() else None
        found.append((name, told, int((share[told] > 0).sum()), mean, float(share[told] @ weight[told])))
    largest = max((area for *_, area in found), default=0.0)
    there = [area for *_, area in found if area > 0]
    return Balance(
        tiles=len(known),
        tiles_known=int(anything.sum()),
        area_ha=None if area_ha is None else whole,
        unknown_share=1 - float(np.nan_to_num(known) @ weight) / whole if whole else 1.0,
        imbalance=largest / min(there) if len(there) > 1 else None,
        classes=tuple(
            ClassBalance(
                name,
                mean,
                None if area_ha is None else area,
                tiles,
                int(told.sum()),
                1 - float(weight[told].sum()) / whole if whole else 1.0,
                largest / area if area > 0 else None,
            )
            for name, told, tiles, mean, area in found
        ),
    )
