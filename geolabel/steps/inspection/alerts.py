"""What alerts are: how many stand, of what, since when, and what they were found in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel import alerts
from geolabel.steps.inspection.extent import Degrees, crs_name, degrees
from geolabel.steps.inspection.folder import FileRow, files_of, options_of, part_of, versions_of

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.alerts import SummaryRow


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image that was compared."""

    image: str
    date: str
    cloud: float | None
    """Share of it."""
    haze: float | None
    shadow: float | None


@dataclass(frozen=True, slots=True)
class CountRow:
    """Alerts of one driver: what took the place of what was lost."""

    driver: str
    alerts: int
    share: float


@dataclass(frozen=True, slots=True)
class AlertsReport:
    """A folder of alerts, or a layer of them."""

    kind: Literal["alerts"]
    path: Path
    crs: str
    extent_degrees: Degrees | None
    """West, south, east, north."""
    alerts: int
    """That stand."""
    withdrawn: int
    dates: tuple[str, ...]
    """First and last day on which a change was seen; empty where none is known."""
    model: str
    model_fingerprint: str
    options: dict[str, str]
    versions: tuple[str, ...]
    attribution: tuple[str, ...]
    images: tuple[ImageRow, ...]
    drivers: tuple[CountRow, ...]
    """Of the alerts that stand."""
    totals: tuple[SummaryRow, ...]
    """By class and change."""
    years: tuple[SummaryRow, ...]
    files: tuple[FileRow, ...]


def inspect_alerts(path: Path, record: dict[str, Any] | None = None) -> AlertsReport:
    """Describe the folder of a search for changes, or its layer alone. Raises InputError, CRSError."""
    layer = alerts.read(path)
    stands = alerts.stands(layer)
    told = record or {"command": "change"}
    inputs = part_of(told, path, "inputs")
    model = inputs.get("model") or {}
    return AlertsReport(
        kind="alerts",
        path=path,
        crs=crs_name(layer.crs),
        extent_degrees=_extent(layer.geometries, layer.crs),
        alerts=int(stands.sum()),
        withdrawn=int((~stands).sum()),
        dates=_dates(layer.columns["date_first"][stands], layer.columns["date_last"][stands]),
        model=str(model.get("name") or ""),
        model_fingerprint=str(model.get("fingerprint") or ""),
        options=options_of(told),
        versions=versions_of(told),
        attribution=tuple(map(str, told.get("attribution") or layer.attribution)),
        images=tuple(_image(entry) for entry in part_of(told, path, "images", list)),
        drivers=_counted(layer.columns["driver"][stands]),
        totals=alerts.summary(layer, ("class", "change")),
        years=alerts.summary(layer, ("year",)),
        files=files_of(path) if path.is_dir() else (),
    )


def _extent(geometries: Any, crs: str) -> Degrees | None:
    import shapely

    if not len(geometries):
        return None
    west, south, east, north = map(float, shapely.total_bounds(geometries))
    return degrees((west, south, east, north), crs)


def _dates(first: Any, last: Any) -> tuple[str, ...]:
    first, last = first[~np.isnat(first)], last[~np.isnat(last)]
    return (str(first.min()), str(last.max())) if len(first) and len(last) else ()


def _image(entry: dict[str, Any]) -> ImageRow:
    return ImageRow(
        str(entry.get("image", "")),
        str(entry.get("date", "")),
        *(entry.get(key) for key in ("cloud", "haze", "shadow")),
    )


def _counted(values: Any) -> tuple[CountRow, ...]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    rows = [
        CountRow(name, count, count / len(values))
        for name, count in zip(names.tolist(), counts.tolist(), strict=True)
        if name
    ]
    return tuple(sorted(rows, key=lambda row: -row.alerts))
