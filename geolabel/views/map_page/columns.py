"""What is said of each polygon: which columns of a layer the page shows, under which names, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Kind = Literal["text", "number", "date"]
Place = Literal["table", "card", "export"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the page's table, or a line of its cards."""

    key: str
    """As in the layer."""
    label: str
    """As in heads."""
    kind: Kind = "text"
    place: Place = "card"
    """Where it is seen first: what is in the table is on cards too, and all of it in what is saved."""
    digits: int = 0
    """After the point, at the most."""
    unit: str = ""


_COLUMNS = (
    Column("title", "What", place="table"),
    Column("confidence", "Confidence", "number", "table", digits=3),
    Column("area_ha", "Area", "number", "table", digits=2, unit="ha"),
    Column("date_first", "First seen", "date", "table"),
    Column("status", "Status", place="table"),
    Column("level", "Level", place="table"),
    Column("protected_name", "Protected area", place="table"),
    Column("admin", "Unit", place="table"),
    Column("driver", "Driver", place="table"),
    Column("alert_id", "Id", place="table"),
    Column("date_last", "Last seen", "date"),
    Column("date_window_days", "Date known to within", "number", unit="days"),
    Column("n_obs", "Seen on images", "number"),
    Column("protected_ha", "Of it protected", "number", digits=2, unit="ha"),
    Column("perimeter_m", "Perimeter", "number", unit="m"),
    Column("probability_max", "Highest probability", "number", digits=3),
    Column("spectral", "Second opinion (spectral)"),
    Column("ndvi_drop", "NDVI fell by", "number", digits=3),
    Column("nbr_drop", "NBR fell by", "number", digits=3),
    Column("source_before", "Image before"),
    Column("source_after", "Image after"),
    Column("class", "Class", place="export"),
    Column("change", "Change", place="export"),
    Column("mmu_ha", "Smallest area mapped", "number", "export", digits=2, unit="ha"),
    Column("model_sha", "Model", place="export"),
    Column("color", "Colour", place="export"),
)
_OTHER_NAMES = {"confidence": "probability"}
"""Layers of detections have a probability where alerts have a confidence."""


def shown_columns(columns: Mapping[str, NDArray[Any]]) -> list[tuple[Column, NDArray[Any]]]:
    """The columns that a layer has and that say something in at least one row, in the page's order."""
    found = []
    for column in _COLUMNS:
        name = column.key if column.key in columns else _OTHER_NAMES.get(column.key, "")
        if name in columns and _says(columns[name], column.kind):
            found.append((column, columns[name]))
    return found


def packed(column: Column, values: NDArray[Any]) -> dict[str, Any]:
    """A column as JSON takes it: text by number of a list of different ones, where they are few."""
    entry: dict[str, Any] = {
        "key": column.key,
        "label": column.label,
        "kind": column.kind,
        "place": column.place,
        "digits": column.digits,
        "unit": column.unit,
    }
    if column.kind == "number":
        numbers = values.astype(np.float64)
        rounded = numbers.round(column.digits + 1)
        return entry | {"values": [number if np.isfinite(number) else None for number in rounded.tolist()]}
    texts = _texts(values)
    different, at = np.unique(texts, return_inverse=True)
    if 2 * len(different) < len(texts):
        return entry | {"different": different.tolist(), "at": at.tolist()}
    return entry | {"values": texts.tolist()}


def _says(values: NDArray[Any], kind: Kind) -> bool:
    if kind == "number":
        return bool(np.isfinite(values.astype(np.float64)).any())
    return bool((_texts(values) != "").any())


def _texts(values: NDArray[Any]) -> NDArray[np.str_]:
    """Text (n,), empty for nothing: no date, None."""
    if values.dtype.kind == "M":
        return np.where(np.isnat(values), "", values.astype("datetime64[D]").astype(str))
    return np.array(["" if value is None else str(value) for value in values.tolist()], dtype=str)
