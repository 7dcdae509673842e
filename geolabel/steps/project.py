"""The QGIS project of a folder: its layers in groups over the images they were made of, and the styles beside them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, maps, raster
from geolabel.maps import ClassStyle, Project, ProjectLayer, Stretch
from geolabel.progress import log
from geolabel.steps.quicklook import look_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from geolabel.grid import Grid
    from geolabel.steps.quicklook import Dated
    from geolabel.vector import Layer

NAME = "project.qgz"
_EVIDENCE, _IMAGES = "Evidence", "Images"
_SEEN_THROUGH = 0.7
_MISREAD = re.compile(r"%[0-9A-Fa-f]{2}|\|")
"""In whole paths: QGIS hands a GeoPackage to SQLite as an address, and cuts a source at its bars."""


def write_prediction_project(
    folder: Path,
    home: Path,
    *,
    title: str,
    grid: Grid,
    classes: Sequence[ClassStyle],
    shown: Sequence[ClassStyle],
    images: Sequence[Dated] = (),
    attribution: tuple[str, ...] = (),
) -> None:
    """Write `project.qgz` and `detections.qml` into a prediction's folder, and its style into `detections.gpkg`.

    `home` is where the folder will lie: relative paths count from there. `classes` are those of the bands of
    `probabilities.tif`, in order; `shown` what `classes.tif` may hold. Images from the oldest to the newest.
    """
    style = maps.detections_qml(classes)
    _style_layer(folder, "detections", style)
    foremost, one = not images, len(classes) == 1
    layers = (
        ProjectLayer("Detections", "detections.gpkg", "vector", "Detections", grid.crs, style, table="detections"),
        _raster("Classes", "classes.tif", grid, maps.raster_qml(shown), visible=foremost, opacity=_SEEN_THROUGH),
        *(
            _raster(
                f"Probability: {entry.title}",
                "probabilities.tif",
                grid,
                maps.probability_qml(entry.title, entry.color, band),
                visible=one,
            )
            for band, entry in enumerate(classes, start=1)
        ),
    )
    _write(folder, home, Project(title, grid.crs, grid.bounds, layers, attribution), images)


def write_alerts_project(
    folder: Path,
    home: Path,
    *,
    title: str,
    grid: Grid,
    layer: Layer,
    kinds: Sequence[str],
    intervals: Sequence[ClassStyle],
    images: Sequence[Dated] = (),
) -> None:
    """Write `project.qgz` and `alerts.qml` into a folder of alerts, and its style into `alerts.gpkg`.

    `home` is where the folder will lie: relative paths count from there. `layer` are the alerts, `kinds` loss and gain
    as far as they were looked for, `intervals` what `loss.tif` and `gain.tif` may hold. Images from the
    oldest to the newest; the newest is shown, a click shows another instead.
    """
    style = maps.alerts_qml(alert_styles(layer))
    _style_layer(folder, "alerts", style)
    layers = (
        ProjectLayer("Alerts", "alerts.gpkg", "vector", "Alerts", layer.crs, style, table="alerts"),
        *(
            part
            for what in kinds
            for part in (
                _raster(f"Time of the {what}", f"{what}.tif", grid, maps.raster_qml(intervals), visible=False),
                _raster(
                    f"Confidence of the {what}", f"{what}-confidence.tif", grid, maps.confidence_qml(), visible=False
                ),
            )
        ),
    )
    dates = _span([*layer.columns["date_first"], *layer.columns["date_last"], *(image.date for image in images)])
    _write(folder, home, Project(title, grid.crs, grid.bounds, layers, layer.attribution, dates=dates), images)


def alert_styles(layer: Layer) -> list[ClassStyle]:
    """How the alerts of a layer look: a class and change each, sorted by title."""
    columns = (layer.columns[name] for name in ("title", "color", "class", "change"))
    rows = sorted(set(zip(*columns, strict=True)))
    return [ClassStyle(at, f"{name} {change}", text, color) for at, (text, color, name, change) in enumerate(rows, 1)]


def _raster(title: str, file: str, grid: Grid, style: str, *, visible: bool, opacity: float = 1.0) -> ProjectLayer:
    """A map of the folder, as evidence of what is drawn above it."""
    return ProjectLayer(title, file, "raster", _EVIDENCE, grid.crs, style, "", visible, visible, opacity)


def _style_layer(folder: Path, name: str, style: str) -> None:
    """Into the GeoPackage, and beside it for GeoJSON, which QGIS opens with the style of the same basename."""
    maps.write_layer_style(folder / f"{name}.gpkg", name, "geom", style)
    (folder / f"{name}.qml").write_text(style, encoding="utf-8")


def _write(folder: Path, home: Path, project: Project, images: Sequence[Dated]) -> None:
    if _MISREAD.search(home.resolve().as_posix()):
        log.warning(
            "%s: QGIS takes a %%20 or a | in the name of a folder for something else and does not show the polygons "
            "there; rename the folder, the project goes on",
            home,
        )
    newest_first = reversed(list(enumerate(images, start=1)))
    below = tuple(_image(image, home, visible=at == len(images)) for at, image in newest_first)
    either_or = frozenset({_IMAGES} if len(images) > 1 else ())
    whole = replace(project, layers=project.layers + below, either_or=either_or)
    (folder / NAME).write_bytes(maps.project_bytes(whole))


def _image(image: Dated, home: Path, *, visible: bool) -> ProjectLayer:
    day = "" if image.date is None else str(image.date)
    return ProjectLayer(
        image.title if day in image.title else f"{day} {image.title}",
        _relative(image.info.path, home),
        "raster",
        _IMAGES,
        image.info.grid.crs if image.info.grid else "",
        image_style(image.info),
        visible=visible,
        expanded=False,
    )


def image_style(info: raster.RasterInfo) -> str:
    """Colours as on the page: the same bands, the same stretch."""
    look = look_of(info)
    stretches = []
    for band, low, high in zip(look.info.bands, look.stretch.low.tolist(), look.stretch.high.tolist(), strict=True):
        ends = sorted(band.offset + band.scale * value for value in (low, high if high > low else low + 1))
        stretches.append(Stretch(band.index, *ends))
    return maps.image_qml(stretches, _mask_band(info))


def _mask_band(info: raster.RasterInfo) -> int | None:
    """The band in which QGIS finds the mask: an alpha band, or after the last one, where it shows a mask as a band."""
    if info.mask not in ("alpha", "mask"):
        return None
    indexes = {band.index for band in raster.describe(info.path).bands}
    return min(set(range(1, len(indexes) + 2)) - indexes)


def _relative(path: Path, home: Path) -> str:
    """A file as the project names it; by its whole path where no other leads there (another drive)."""
    try:
        return files.relative_to(path, home / NAME)
    except ValueError:
        return path.resolve().as_posix()


def _span(days: Iterable[np.datetime64 | None]) -> tuple[date, date] | None:
    known = [day.astype("datetime64[D]").item() for day in days if day is not None and not np.isnat(day)]
    return (min(known), max(known)) if known else None
