"""Totals of alerts by class, change, administrative unit and year; what is withdrawn counts nowhere."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel import files
from geolabel.alerts import place, schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.vector import Layer

By = Literal["class", "change", "unit", "year"]
ALL: tuple[By, ...] = ("class", "change", "unit", "year")
_TABLES: dict[str, tuple[By, ...]] = {
    "total": (),
    "by_class": ("class", "change"),
    "by_unit": ("class", "change", "unit"),
    "by_year": ("class", "change", "year"),
    "rows": ALL,
}


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """Alerts of one group; None where the table does not tell them apart by it."""

    class_name: str | None
    change: str | None
    unit: str | None
    """Administrative unit; "" = in none, or unknown."""
    year: int | None
    """Of date_first; 0 = unknown."""
    alerts: int
    area_ha: float
    protected_ha: float | None
    """None where it is not known of all of them: protected areas were not given."""
    low: int
    """Alerts of this level."""
    nominal: int
    high: int


def summary(layer: Layer, by: Sequence[By] = ALL) -> tuple[SummaryRow, ...]:
    """One row a group that has alerts, sorted; without any `by`, one row, even of no alerts."""
    standing = schema.rows(layer, schema.stands(layer))
    columns = standing.columns
    year = columns["date_first"].astype("M8[Y]")
    keys: dict[By, list[Any]] = {
        "class": columns["class"].tolist(),
        "change": columns["change"].tolist(),
        "unit": columns["admin"].tolist(),
        "year": np.where(np.isnat(year), 0, year.astype(np.int64) + 1970).tolist(),
    }
    members: dict[tuple[Any, ...], list[int]] = {} if by else {(None,) * len(ALL): []}
    for row in range(len(standing.geometries)):
        members.setdefault(tuple(keys[name][row] if name in by else None for name in ALL), []).append(row)
    return tuple(
        SummaryRow(*key, **_totals(standing, members[key]))
        for key in sorted(members, key=lambda key: tuple("" if part is None else part for part in key))
    )


def _totals(layer: Layer, rows: list[int]) -> dict[str, Any]:
    levels = layer.columns["level"][rows]
    return {
        "alerts": len(rows),
        "area_ha": _sum(layer, "area_ha", rows),
        "protected_ha": None
        if np.isnan(layer.columns["protected_ha"][rows]).any()
        else _sum(layer, "protected_ha", rows),
        **{name: int((levels == name).sum()) for name in ("low", "nominal", "high")},
    }


def _sum(layer: Layer, name: str, rows: list[int]) -> float:
    return round(math.fsum(layer.columns[name][rows].tolist()), place.HA_DECIMALS)


def write_summary_csv(path: Path, layer: Layer) -> None:
    """One line a class, change, unit and year. Raises OutputError."""
    with files.new_file(path, overwrite=True) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["class", *SummaryRow.__slots__[1:]])
        writer.writerows(astuple(row) for row in summary(layer))


def write_summary_json(path: Path, layer: Layer) -> None:
    """Totals of all, by class, by unit, by year, and by all of them. Raises OutputError."""
    tables = {
        name: [{"class" if key == "class_name" else key: value for key, value in asdict(row).items()} for row in rows]
        for name, rows in ((name, summary(layer, by)) for name, by in _TABLES.items())
    }
    files.write_json(path, {**tables, "total": tables["total"][0]})
