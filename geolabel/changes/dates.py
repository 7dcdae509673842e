"""When an image was taken, by what it is called."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np

from geolabel.errors import OptionError

_WHOLE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.](0[1-9]|1[0-2])(?!\d)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")


def parse_date(text: str) -> np.datetime64:
    """`2020-07-31`, `2020-07` (its middle) or `2020` (the first of July) as a day. Raises OptionError."""
    found = date_in(text.strip())
    if found is None:
        raise OptionError(f"{text!r} is no date; write 2020-07-31, 2020-07 or 2020")
    return found


def date_in(name: str) -> np.datetime64 | None:
    """The date in a name such as `S2_20200731T…` or `2020.tif`; None where there is none, or no such day."""
    for pattern, rest in ((_WHOLE, ()), (_MONTH, ("15",)), (_YEAR, ("07", "01"))):
        match = pattern.search(name)
        if match:
            try:
                day = dt.date.fromisoformat("-".join((*match.groups(), *rest)))
            except ValueError:
                continue
            if day.year <= dt.datetime.now(tz=dt.UTC).year:  # tile_2048.tif names no year
                return np.datetime64(day, "D")
    return None
