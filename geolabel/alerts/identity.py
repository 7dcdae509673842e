"""Names of alerts: short, readable, and the same wherever and in whatever order the same change is found."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.alerts import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_CELL = 0.001
"""Side of a cell, degrees, about 110 m: two alerts of 0.5 ha hardly have their centres in one."""
_SHIFT = 0.377
"""Borders of cells avoid round coordinates, at which the centres of alerts like to lie."""
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, which people misread."""
_LENGTH = 8
_BITS = 5


def alert_ids(
    geometries: NDArray[Any],
    crs: str,
    class_name: NDArray[Any],
    change: NDArray[Any],
    date_first: NDArray[np.datetime64],
) -> NDArray[Any]:
    """Ids (n,) such as `FL-2020-6PVF3X7K`: class, change and year, then a hash of these, the place and the day.

    The place is the cell of 0.001° in which the centre lies. Where several alerts of one class, change and day lie in
    one cell, all but the first get another hash.
    """
    cells = np.floor(place.centres(geometries, crs) / _CELL + _SHIFT).astype(np.int64)
    rows = zip(class_name.tolist(), change.tolist(), cells.tolist(), date_first.astype(str).tolist(), strict=True)
    return distinct(
        f"{_initial(name)}{_initial(kind)}-{_year(day)}-{_hash(f'{name}|{kind}|{col}|{row}|{day}')}"
        for name, kind, (col, row), day in rows
    )


def distinct(ids: Iterable[str], taken: Sequence[str] = ()) -> NDArray[Any]:
    """The same ids, with another hash where one is `taken` or stands earlier."""
    used = set(taken)
    found = []
    for alert_id in ids:
        free, attempt = alert_id, 1
        while free in used:
            attempt += 1
            free = f"{alert_id.rpartition('-')[0]}-{_hash(f'{alert_id}|{attempt}')}"
        used.add(free)
        found.append(free)
    return np.array(found, dtype=object)


def _initial(word: str) -> str:
    """First letter, plain: "água" gives A; X where there is none."""
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().upper()
    return next((letter for letter in plain if letter.isalnum()), "X")


def _year(day: str) -> str:
    return "0000" if day == "NaT" else day.split("-", maxsplit=1)[0]


def _hash(text: str) -> str:
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_LENGTH * _BITS // 8).digest(), "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range((_LENGTH - 1) * _BITS, -1, -_BITS))
