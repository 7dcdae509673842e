"""What is told of a map's accuracy and areas: rows to print and to write, and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.scoring.area import AreaEstimates, ClassEstimates, Estimate

_WHOLE = 100
"""Hectares from which on fractions are not told."""


@dataclass(frozen=True, slots=True)
class AreaRow:
    """Area of one class, hectares."""

    name: str
    mapped_ha: float
    estimated_ha: float
    """Error-adjusted."""
    low_ha: float
    """Lower end of the 95 % interval."""
    high_ha: float


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """Accuracy of one class, as shares by area, 0–1; ± is half of a 95 % interval."""

    name: str
    users: float
    """Of what the map shows as the class; NaN where that is nothing."""
    users_pm: float
    producers: float
    """Of what is of the class; NaN where that is nothing."""
    producers_pm: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A cell of the error matrix."""

    reference: str
    """What was seen."""
    points: int
    share: float
    """Of the whole area, 0–1."""


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row of the error matrix."""

    mapped: str
    """What the map shows."""
    points: int
    right: int
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A finding in words."""

    text: str


@dataclass(frozen=True, slots=True)
class AreaReport:
    """Accuracy of a map, and area of its classes: of those that it shows, or that somebody saw."""

    sample: Path
    answered: int
    unanswered: int
    unsure: int
    total_ha: float
    """Area of the map, without nodata."""
    undecided_ha: float
    """Area on which it decides for no class."""
    overall_accuracy: float
    """Of what it decides."""
    overall_pm: float
    areas: tuple[AreaRow, ...]
    areas_by_sure_answers: tuple[AreaRow, ...]
    """Without the unsure ones; empty where there are none, or too few points are left."""
    accuracies: tuple[AccuracyRow, ...]
    matrix: tuple[MappedRow, ...]
    in_words: tuple[Sentence, ...]
    output: Path | None


def _there(found: AreaEstimates) -> list[int]:
    """Classes that the map shows, or that somebody saw."""
    return [at for at, one in enumerate(found.classes) if one.mapped or one.area.value]


def area_rows(classes: Sequence[str], found: AreaEstimates) -> tuple[AreaRow, ...]:
    """One a class that is there."""
    rows = ((classes[at], found.classes[at]) for at in _there(found))
    return tuple(AreaRow(name, one.mapped, one.area.value, one.area.low, one.area.high) for name, one in rows)


def accuracy_rows(classes: Sequence[str], found: AreaEstimates) -> tuple[AccuracyRow, ...]:
    """One a class that is there."""

    def pair(one: Estimate) -> tuple[float, float]:
        return one.value, one.half_width

    rows = ((classes[at], found.classes[at]) for at in _there(found))
    return tuple(AccuracyRow(name, *pair(one.users_accuracy), *pair(one.producers_accuracy)) for name, one in rows)


def matrix_rows(classes: Sequence[str], undecided: str, found: AreaEstimates) -> tuple[MappedRow, ...]:
    """The error matrix; its last row is of what is `undecided`, if anything is called so."""
    columns, last = _there(found), len(classes)
    lines = [(classes[at], at) for at in columns]
    lines += [(undecided, last)] if undecided else []
    return tuple(
        MappedRow(
            name,
            int(found.counts[line].sum()),
            int(found.counts[line, line]) if line < last else 0,
            tuple(Seen(classes[at], int(found.counts[line, at]), float(found.proportions[line, at])) for at in columns),
        )
        for name, line in lines
    )


def sentences(classes: Sequence[str], found: AreaEstimates) -> tuple[Sentence, ...]:
    """One a class that is there."""
    return tuple(Sentence(_sentence(classes[at], found.classes[at])) for at in _there(found))


def _sentence(name: str, found: ClassEstimates) -> str:
    area = found.area
    said = f"{name}: mapped {_ha(found.mapped)} ha; estimated {_ha(area.value)} ± {_ha(area.half_width)} ha (95 %)"
    if area.standard_error > 0:
        return said
    return f"{said}. All answers of each stratum agree on it: no error was met, which is not to say there is none"


def _ha(value: float) -> str:
    """Whole hectares; of less than a hundred, two digits."""
    return f"{value:,.0f}" if value >= _WHOLE or value == 0 else f"{value:.2g}"
