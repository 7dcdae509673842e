"""What labels can be asked: which class of a group a tile is of, and whether a class without a group is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.labels.targets import dominant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme

_MOST = 0.5
"""Share of what is known of a tile that a class needs to stand for it: of a mixture no single class is right."""
_LEAST = 10
"""Tiles with an answer, that there must be of two different ones."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what the labels of n tiles answer."""

    kinds: tuple[str, ...]
    """What the answer may be. Of a group: its classes, "" for none of them. Of one class: "" absent, then its name."""
    given: NDArray[np.int16]
    """(n,): place in `kinds`; −1 where the labels do not say."""
    share: NDArray[np.float32]
    """(n,): share of the tile that the label gives to the class it is about."""
    exclusive: bool
    """Whether the classes are those of a group."""

    def about(self, row: int) -> int:
        """Place in `kinds` of the class that a tile's answer is about."""
        return int(self.given[row]) if self.exclusive else 1

    @property
    def askable(self) -> bool:
        """Whether a model can learn the difference: two answers at the least were given often enough."""
        counts = np.bincount(self.given[self.given >= 0], minlength=len(self.kinds))
        return int((counts >= _LEAST).sum()) > 1


def ask(
    shares: Mapping[str, NDArray[np.float32]],
    known: NDArray[np.float32],
    scheme: Scheme,
    cuts: Mapping[str, float],
) -> list[Question]:
    """All questions that the labels of n tiles answer with some difference.

    `shares` (n,) by class, NaN where it is unknown: such a tile is not asked about it. `known` (n,): share of the tile
    of which anything is known. `cuts`: share from which a class without a group counts as present.
    """
    found: list[Question] = []
    groups = scheme.groups()
    for group, members in groups.items():
        names = [name for at in members if (name := scheme.classes[at].name) in shares]
        if group and len(names) > 1:
            found.append(_of_group(names, np.stack([shares[name] for name in names]), known, alone=len(groups) == 1))
        else:
            found += [_of_class(name, shares[name], cuts[name]) for name in names]
    return [question for question in found if question.askable]


def _of_class(name: str, share: NDArray[np.float32], cut: float) -> Question:
    given = np.where(np.isnan(share), -1, share >= cut).astype(np.int16)
    return Question(("", name), given, share, exclusive=False)


def _of_group(names: Sequence[str], share: NDArray[np.float32], known: NDArray[np.float32], *, alone: bool) -> Question:
    """Of a tile mostly of one class, that class; mostly of none of them, none. `share` (classes, n).

    Where there are several groups, `known` may be what is known of another, and does not tell that none is there.
    """
    unknown = np.isnan(share).any(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(unknown, np.nan, share / known)
    given = dominant(part.astype(np.float32), _MOST)
    rest = np.where(unknown, np.nan, known - share.sum(axis=0))
    none = alone & (given < 0) & (np.nan_to_num(rest) > _MOST * known)
    given = np.where(none, len(names), given)
    chosen = np.take_along_axis(share, np.clip(given, 0, len(names) - 1)[None], axis=0)[0]
    return Question((*names, ""), given.astype(np.int16), np.where(none, rest, chosen), exclusive=True)
