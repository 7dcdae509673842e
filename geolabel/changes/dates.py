"""When an image was taken, by what it is called."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np

from geolabel.errors import OptionError

_YEAR, _MONTH, _DAY = r"((?:19|20)\d\d)", r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_FORMS = (
    (rf"{_YEAR}[-_.]?{_MONTH}[-_.]?{_DAY}", ()),
    (rf"{_YEAR}[-_.]{_MONTH}", ("15",)),
    (_YEAR, ("07", "01")),
)
"""What a date looks like, and what is added where it is not whole: a middle, which is the nearest to all of it."""


def parse_date(text: str) -> np.datetime64:
    """`2020-07-31`, `2020-07` (its middle) or `2020` (the first of July) as a day. Raises OptionError."""
    for form, rest in _FORMS:
        match = re.fullmatch(form, text.strip())
        day = match and _day(*match.groups(), *rest)
        if day:
            return np.datetime64(day, "D")
    raise OptionError(f"{text!r} is no date; write 2020-07-31, 2020-07 or 2020")


def date_in(name: str) -> np.datetime64 | None:
    """The date in a name such as `S2_20200731T…` or `2020.tif`; None where there is none, or no such day."""
    for form, rest in _FORMS:
        match = re.search(rf"(?<!\d){form}(?!\d)", name)
        day = match and _day(*match.groups(), *rest)
        if day and day.year <= dt.datetime.now(tz=dt.UTC).year:  # tile_2048.tif names no year
            return np.datetime64(day, "D")
    return None


def _day(*parts: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat("-".join(parts))
    except ValueError:
        return None
