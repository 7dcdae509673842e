"""The values of a class raster: what they stand for, and how much there is of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.errors import InputError
from geolabel.progress import log
from geolabel.raster.categories import categories

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.raster.profile import Profile
    from geolabel.raster.statistics import Statistics

_FEW = 64
"""A single band of so few whole numbers may well be classes; more are measurements."""
_LISTED = 24


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One value of a class raster, or all that are not listed."""

    value: int | None
    """None for all others together."""
    name: str
    """Empty where the file does not say."""
    color: str
    """#rrggbb; empty where the file has no colour table."""
    share: float
    """Of the valid pixels."""
    pixels: int
    """Of those looked at."""


def values_of(path: Path, profile: Profile, statistics: Statistics) -> tuple[ValueRow, ...]:
    """The values of the first band, the commonest first; empty where they are no classes."""
    named = bool(profile.palette)
    alone = len(profile.bands) == 1 and 0 < len(statistics.codes) <= _FEW
    if not statistics.codes or not (named or alone):
        return ()
    try:
        names = {value: found.name for value, found in categories(path).items()}
    except InputError as error:  # a damaged sidecar: the raster can be read all the same
        log.warning("%s", error)
        names = {}
    whole = sum(statistics.codes.values())
    ordered = sorted(statistics.codes.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = [
        ValueRow(value, names.get(value, ""), profile.palette.get(value, ""), pixels / whole, pixels)
        for value, pixels in ordered[:_LISTED]
    ]
    rest = ordered[_LISTED:]
    if rest:
        pixels = sum(count for _, count in rest)
        rows.append(ValueRow(None, f"{len(rest)} others", "", pixels / whole, pixels))
    return tuple(rows)
