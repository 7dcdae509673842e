"""The folder of alerts: layer, rasters, tables, pictures, page and project."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import alerts, geodesy, vector
from geolabel.alerts import Changes
from geolabel.steps.changes.dated import labels, names
from geolabel.steps.changes.legend import interval_styles
from geolabel.steps.changes.measure import shares_of_class
from geolabel.steps.chips import write_chips
from geolabel.steps.formats import write_as
from geolabel.steps.map_page import write_map_page
from geolabel.steps.project import alert_styles, write_alerts_project
from geolabel.steps.quicklook import Dated as Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.steps.changes.choices import Choices
    from geolabel.steps.changes.dated import Dated
    from geolabel.steps.changes.sources import Source
    from geolabel.vector import Layer

_PICTURED = 2_000
"""Alerts that get pictures, the surest first."""


@dataclass(frozen=True, slots=True)
class Context:
    """What alerts are compared with."""

    previous: Path | None
    before: Layer | None
    """The alerts of `previous`."""
    protected: Path | None
    protected_name: str | None
    admin: Path | None
    admin_name: str | None


def alerts_layer(
    changes: Sequence[Changes], source: Source, dates: Sequence[Dated], choices: Choices, context: Context
) -> Layer:
    """All alerts of a run, beside those of the run before, with whose land they lie on.

    Raises InputError, CRSError, EmptyError (files that the context names).
    """
    layer = alerts.make(_joined(changes))
    if context.before is not None:
        layer = _beside(layer, context.before, source, dates, choices)
    if context.protected is not None:
        layer = alerts.protected(layer, alerts.read_zones(context.protected, layer, context.protected_name))
    if context.admin is not None:
        layer = alerts.admin(layer, alerts.read_zones(context.admin, layer, context.admin_name))
    return replace(layer, attribution=source.evidence.attribution)


def _joined(changes: Sequence[Changes]) -> Changes:
    first = changes[0]
    if len(changes) == 1:
        return first
    joined: dict[str, Any] = {}
    for field in fields(Changes):
        values = [getattr(one, field.name) for one in changes]
        if field.name == "evidence":
            names = set.intersection(*(set(value) for value in values))
            joined[field.name] = {name: np.concatenate([value[name] for value in values]) for name in sorted(names)}
        else:
            joined[field.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]
    return Changes(**joined)


def _days(dates: Sequence[Dated]) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    return np.array([image.date for image in dates], dtype="datetime64[D]")


def _beside(layer: Layer, before: Layer, source: Source, dates: Sequence[Dated], choices: Choices) -> Layer:
    """The alerts of a run beside those of the run before: what one image showed and the last contradicts is withdrawn.

    What the last shows again is confirmed, also where the change lies before the first image of this run.
    """
    refuted, _ = _told(before, source, choices)
    once = before.columns["n_obs"] < 2  # noqa: PLR2004 - what was seen again happened, whatever grows there now
    found = alerts.update(layer, before, refuted * once, _days(dates))
    _, shown = _told(found, source, choices)
    return alerts.seen_again(found, shown, dates[-1].date)


def _told(
    layer: Layer, source: Source, choices: Choices
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    """Share of each alert that the last image speaks against, and for; 0 of kinds that this run does not look for."""
    evidence = source.evidence
    if evidence.paired:  # what a model of pairs says of two images tells nothing of an earlier change
        return np.zeros(len(layer.geometries)), np.zeros(len(layer.geometries))
    placed = geodesy.project_geometries(layer.geometries, layer.crs, evidence.grid.crs)
    there, gone = shares_of_class(evidence, placed)
    loss = layer.columns["change"] == "loss"
    asked = (layer.columns["class"] == choices.class_name) & np.isin(layer.columns["change"].astype(str), choices.what)
    return np.where(loss, there, gone) * asked, np.where(loss, gone, there) * asked


def write_folder(
    draft: Path, home: Path, layer: Layer, source: Source, dates: Sequence[Dated], choices: Choices
) -> None:
    """Write all that is made of the alerts into a folder that will be `home`. Raises OutputError."""
    write_as(draft / "alerts.gpkg", layer, alert_styles(layer), "gpkg")
    vector.write_geojson(draft / "alerts.geojson", layer)
    alerts.write_summary_csv(draft / "summary.csv", layer)
    alerts.write_summary_json(draft / "summary.json", layer)
    for image, sky in zip(dates, source.skies, strict=False):
        if sky is not None:
            for file in (sky, sky.with_name(f"{sky.name}.aux.xml")):
                shutil.copyfile(file, draft / f"sky-{image.date}{file.name.removeprefix(sky.stem)}")
    title = f"{source.evidence.title} {' and '.join(choices.what)}, {' – '.join((labels(dates)[0], labels(dates)[-1]))}"
    named = list(zip(names(dates), dates, strict=True))
    chips = draft / "chips"
    if source.images:
        chips.mkdir()
        surest = np.argsort(-layer.columns["confidence"], kind="stable")[:_PICTURED]
        write_chips(
            chips,
            replace(layer, geometries=layer.geometries[surest], columns={}),
            *(layer.columns[name][surest].tolist() for name in ("alert_id", "source_before", "source_after")),
            images=dict(zip(names(dates), source.images, strict=True)),
        )
        write_map_page(
            draft / "report.html",
            title=title,
            layer=layer,
            images=[
                Shown(str(day.date), day.date, info, name)
                for (name, day), info in zip(named, source.images, strict=True)
            ],
            chips=chips,
            attribution=layer.attribution,
            about=_about(source, choices),
        )
    write_alerts_project(
        draft,
        home,
        title=title,
        grid=source.evidence.grid,
        layer=layer,
        kinds=choices.what,
        intervals=interval_styles(labels(dates)),
        images=[
            Shown(name, day.date, info, name)
            for (name, day), info in zip(named, source.originals, strict=False)
            if info.path.resolve() == Path(day.name).resolve()  # others are views that go with the work folder
        ],
    )


def _about(source: Source, choices: Choices) -> str:
    """What a reader of the page is to know of how it was made."""
    by = Path(source.evidence.maker).name
    second = " A second opinion by spectral indices stands beside each." if source.images else ""
    return (
        f"Found by {by}; alerts of {choices.mmu_ha:g} ha and more, whose confidence reaches {choices.threshold:g} and "
        f"is {choices.grow:g} or more throughout.{second} Confidence is the model's, not an error rate: "
        "geolabel area estimates that from a sample that people check."
    )
