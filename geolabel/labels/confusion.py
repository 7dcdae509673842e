"""What two sources say of the same places: a table of areas, agreement by class, and Cohen's kappa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

UNKNOWN = ""
NONE = "none"
"""As the index writes what is unknown, and what is known to be none of the classes."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A pair of classes that the two sources give to the same places."""

    row: str
    column: str
    ha: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Areas by what two sources say of them."""

    rows: str
    """The source by rows."""
    columns: str
    """The source by columns."""
    classes: tuple[str, ...]
    """Those that either gives to any place; then NONE, then UNKNOWN."""
    ha: NDArray[np.float64]
    """(classes, classes): hectares."""

    @classmethod
    def of(cls, entry: Mapping[str, Any], order: Sequence[str]) -> Confusion:
        """The table of an entry of an index's labelling, with classes in the order of `order`."""
        one, other = (str(name) for name in entry["sources"])
        named = [str(name) for cell in entry["cells"] for name in cell["classes"]]
        strange = [name for name in dict.fromkeys(named) if name not in {*order, NONE, UNKNOWN}]
        classes = [name for name in (*order, *strange) if name in set(named) - {NONE}] + [NONE, UNKNOWN]
        place = {name: at for at, name in enumerate(classes)}
        area = np.zeros((len(classes), len(classes)))
        for cell in entry["cells"]:
            row, column = cell["classes"]
            area[place[row], place[column]] += float(cell["ha"])
        return cls(one, other, tuple(classes), area)

    @property
    def spoken(self) -> NDArray[np.float64]:
        """The table where both speak, hectares: without the unknown."""
        return self.ha[:-1, :-1]

    @property
    def both_ha(self) -> float:
        """Area of which both speak."""
        return float(self.spoken.sum())

    @property
    def agree_ha(self) -> float:
        """Area of which both say the same."""
        return float(np.trace(self.spoken))

    @property
    def agreement(self) -> float | None:
        """Share of the area of which both speak where they say the same; None where there is none."""
        return self.agree_ha / self.both_ha if self.both_ha else None

    def by_row(self) -> NDArray[np.float64]:
        """Of what the row source gives to each class, the share that the other gives to it as well; NaN of nothing."""
        return _ratio(np.diag(self.spoken), self.spoken.sum(axis=1))

    def by_column(self) -> NDArray[np.float64]:
        """Of what the column source gives to each class, the share that the other gives to it as well."""
        return _ratio(np.diag(self.spoken), self.spoken.sum(axis=0))

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: agreement beyond what two sources that know nothing of each other would reach by chance.

        1 is full agreement, 0 is chance. None where there is one class, or no area of which both speak.
        """
        if not self.both_ha:
            return None
        share = self.spoken / self.both_ha
        chance = float(share.sum(axis=1) @ share.sum(axis=0))
        return (float(np.trace(share)) - chance) / (1 - chance) if chance < 1 else None

    def disputes(self, most: int) -> tuple[Dispute, ...]:
        """The pairs of classes with the largest area in dispute, largest first."""
        area = self.spoken - np.diag(np.diag(self.spoken))
        order = np.argsort(-area, axis=None, kind="stable")[:most]
        pairs = [(int(row), int(column)) for row, column in zip(*np.unravel_index(order, area.shape), strict=True)]
        return tuple(
            Dispute(self.classes[row], self.classes[column], float(area[row, column]))
            for row, column in pairs
            if area[row, column] > 0
        )


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
