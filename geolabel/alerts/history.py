"""What two runs say of one alert, as one row: the earliest first date, the latest last one, the newest of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.alerts import schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.vector import Layer

_BLANK: dict[str, Any] = {"O": "", "f8": np.nan, "i8": 0, "M8[D]": np.datetime64("NaT", "D")}
_OF_THE_FIRST = ("date_first", "date_window_days", "source_before", "source_after")


@dataclass(frozen=True, slots=True)
class Rows:
    """k rows of a layer to be, each with its row in the layers of two runs; -1 = it is not there."""

    now: NDArray[np.int64]
    before: NDArray[np.int64]
    eldest: NDArray[np.int64]
    """Row before that has the earliest date of all that are joined in this one; `before` where none is joined."""


def told(now: Layer, before: Layer, rows: Rows, dates: NDArray[np.datetime64]) -> dict[str, NDArray[Any]]:
    """Every column of the schema for such rows: (k,) each; `dates` are the days of this run's images.

    A value is the newer run's where that says something, else the older's. Of n_obs only images later than the last one
    before are added.
    """
    new = {name: _taken(now, name, rows.now) for name in schema.COLUMNS}
    old = {name: _taken(before, name, rows.before) for name in schema.COLUMNS}
    first = {name: _taken(before, name, rows.eldest) for name in _OF_THE_FIRST}
    here = rows.now >= 0
    newer = ~(new["date_last"] < old["date_last"])
    found = {
        name: np.where(here & (~_says(name, old[name]) | (newer & _says(name, new[name]))), new[name], old[name])
        for name in schema.COLUMNS
        if name not in schema.OPTIONAL or name in now.columns or name in before.columns
    }
    earlier = (rows.before < 0) | (new["date_first"] < first["date_first"])
    sharper = (new["date_first"] == first["date_first"]) & (new["date_window_days"] < first["date_window_days"])
    dated_now = here & (earlier | sharper | np.isnat(first["date_first"]))
    found |= {name: np.where(dated_now, new[name], first[name]) for name in _OF_THE_FIRST}
    found["date_last"] = np.fmax(new["date_last"], old["date_last"])
    later = new["date_last"] > old["date_last"]
    before_first = (new["date_first"] - np.timedelta64(1, "D")).astype("M8[D]")
    known = _between(np.unique(dates), before_first, np.fmin(old["date_last"], new["date_last"]))
    added = np.where(later, np.maximum(new["n_obs"] - known, 1), 0)  # at the least: images do not say which they were
    found["n_obs"] = np.where(rows.before < 0, new["n_obs"], old["n_obs"] + added)
    found["level"] = schema.level(found["confidence"], found["n_obs"])
    return found


def _taken(layer: Layer, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Values of a column at rows (k,), blank at -1."""
    kind = schema.COLUMNS[name]
    blank = np.array([_BLANK[kind]], dtype=kind)
    values = np.asarray(layer.columns[name], dtype=kind) if name in layer.columns else blank[:0]
    present = rows if name in layer.columns else np.full(len(rows), -1)
    return np.concatenate([values, blank])[present]


def _says(name: str, values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "O":
        return np.asarray(values != "", dtype=bool)
    if name == "protected_ha":  # goes with its names
        return np.asarray(values > 0, dtype=bool)
    return np.asarray(values == values, dtype=bool)  # noqa: PLR0124 - neither NaN nor NaT


def _between(
    days: NDArray[np.datetime64], after: NDArray[np.datetime64], until: NDArray[np.datetime64]
) -> NDArray[np.int64]:
    """How many of some sorted days lie after one and not after another (k,); none where one of them is unknown."""
    count = np.searchsorted(days, until, side="right") - np.searchsorted(days, after, side="right")
    return np.where(np.isnat(after) | np.isnat(until), 0, np.maximum(count, 0)).astype(np.int64)
