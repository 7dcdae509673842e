"""What the labels of an index say, as a picture shows it: one class a tile, and the share of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.labels.scheme import Scheme, complete
from geolabel.labels.targets import dominant
from geolabel.steps.embed.classes import NONE, shares_with_none
from geolabel.views.words import GREY, Legend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

MIXED, MIXED_COLOR = "mixed", "#c9b8a8"
"""Tiles that are known, but of which no class has the share that a label needs."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes of n tiles; without any where nothing is labelled."""

    classes: tuple[str, ...]
    """Those that some tile has, in the scheme's order; `none` is the last, where it is there."""
    shares: NDArray[np.float32]
    """(n, classes): 0–1; NaN = unknown."""
    codes: NDArray[np.int64]
    """(n,): the class of the largest share; −1 where that is too small, or unknown."""
    mixed: NDArray[np.bool_]
    """(n,): −1 though all shares are known."""
    legend: Legend

    @property
    def names(self) -> list[str]:
        """The label of each tile, in words of the index; "" where it is unknown."""
        named = [*self.classes, MIXED, ""]
        codes = np.where(self.codes >= 0, self.codes, np.where(self.mixed, len(self.classes), len(self.classes) + 1))
        return [named[code] for code in codes.tolist()]

    @property
    def tell_apart(self) -> bool:
        """Whether tiles of two classes, or more, are there."""
        return len(np.unique(self.codes[self.codes >= 0])) > 1


def labels_of(index: TileIndex, least: float) -> Labels:
    """The labels of an index; `least` is the share of a tile that its label needs."""
    names: tuple[str, ...] = index.class_names
    shares = index.shares
    if names and "known" in index.table.column_names:
        names, shares = (*names, NONE), shares_with_none(index)
    seen = np.asarray((np.nan_to_num(shares) > 0).any(axis=0))
    classes = tuple(name for name, there in zip(names, seen, strict=True) if there)
    shares = shares[:, seen]
    if not classes:
        nothing = np.full(len(index), -1, np.int64)
        return Labels((), shares, nothing, np.zeros(len(index), bool), legend_of(index.scheme))
    codes = dominant(shares.T, least)
    return Labels(classes, shares, codes, (codes < 0) & np.isfinite(shares).all(axis=1), legend_of(index.scheme))


def legend_of(scheme: Mapping[str, Any] | None) -> Legend:
    """Titles and colours of a scheme's classes."""
    classes = complete(Scheme.from_json(scheme)).classes if scheme else ()
    titles = {one.name: one.title for one in classes}
    return Legend(titles, {**{one.name: one.color for one in classes}, NONE: GREY})
