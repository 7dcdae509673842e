"""`geolabel change`: where a class was lost, or came, between dates; as alerts that can be acted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geolabel import alerts, files, geodesy, raster, vector
from geolabel.errors import InputError, OptionError
from geolabel.inference import LEVELS
from geolabel.model import read_card
from geolabel.steps.changes.alerting import changes_of
from geolabel.steps.changes.choices import Choices
from geolabel.steps.changes.dated import dated, labels, names
from geolabel.steps.changes.evidence import check_predictions
from geolabel.steps.changes.find import OUTSIDE, find
from geolabel.steps.changes.job import stamp_of, work_folder, work_of
from geolabel.steps.changes.legend import interval_bands, interval_styles
from geolabel.steps.changes.measure import measure
from geolabel.steps.changes.pairs import class_of
from geolabel.steps.changes.sources import source_of
from geolabel.steps.changes.strips import rows_at_once
from geolabel.steps.changes.write import Context, alerts_layer, write_folder
from geolabel.steps.making import makes
from geolabel.steps.models import find_model
from geolabel.steps.record import close_record
from geolabel.steps.stac import write_item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.alerts import Changes, SummaryRow
    from geolabel.changes.series import What
    from geolabel.model import ModelCard
    from geolabel.steps.changes.dated import Dated
    from geolabel.steps.changes.sources import ImageRow, Source
    from geolabel.vector import Layer

Sought = Literal["loss", "gain", "both"]
ENDING = ".alerts"
_SHOWN = ("project.qgz", "alerts.gpkg", "report.html")
"""What a person opens; predictions alone give no page, which needs images."""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What changed."""

    output: Path
    class_name: str
    by: str
    """What told the class."""
    alerts: int
    """That stand: withdrawn ones are not among them."""
    area_ha: float
    new_ha: float
    """What no run before had found."""
    protected_ha: float | None
    """None where protected areas were not given."""
    images: tuple[ImageRow, ...]
    totals: tuple[SummaryRow, ...]
    open_in_qgis: tuple[Path, ...]


@makes("change", "rasters", "model", "aoi", "previous", "protected", "admin")
def change(
    rasters: Sequence[str | Path],
    *,
    model: str | Path | None = None,
    class_name: str = "forest",
    what: Sought = "loss",
    dates: Sequence[str] = (),
    bands: Sequence[str] = (),
    mmu_ha: float = 0.5,
    threshold: float = 0.7,
    grow: float = 0.5,
    unsupervised: bool = False,
    as_they_are: bool = False,
    aoi: Path | None = None,
    previous: Path | None = None,
    protected: Path | None = None,
    protected_name: str | None = None,
    admin: Path | None = None,
    admin_name: str | None = None,
    device: str = "auto",
    output: str | Path | None = None,
    overwrite: bool = False,
) -> ChangeReport:
    """Find where a class was lost or came between images of one place, and write alerts into a folder.

    `rasters` are two images or more, or prediction folders; `dates` their days, where names do not tell. The class is
    told by a `model`; forest needs none. Raises InputError, ContractError, OptionError, EmptyError, OutputError and
    InterruptedRunError: the same call goes on where it was stopped.
    """
    chosen = None if model is None else find_model(str(model))
    card = None if chosen is None else read_card(chosen)
    paired = unsupervised or (card is not None and card.is_of_pairs)
    if paired and chosen is not None and card is not None and not unsupervised:
        class_name = class_of(card, class_name, chosen)
    if paired and what != "loss":
        raise OptionError(f"--what {what}: a model that compares images tells changes, not loss or gain; leave it away")
    kinds: dict[str, tuple[What, ...]] = {"loss": ("loss",), "gain": ("gain",), "both": ("loss", "gain")}
    if what not in kinds:
        raise OptionError(f"--what {what}: choose {', '.join(kinds)}")
    choices = Choices(
        class_name="change" if unsupervised else class_name,
        what=("change",) if paired else kinds[what],
        bands=tuple(bands),
        threshold=threshold,
        grow=grow,
        mmu_ha=mmu_ha,
        as_they_are=as_they_are,
        unsupervised=unsupervised,
        paired=paired,
        aoi=aoi,
        device=device,
    )
    images = dated([str(name) for name in rasters], dates)
    folders = check_predictions([image.name for image in images])
    if folders and (model or unsupervised):
        raise OptionError(f"{images[0].name}: is a prediction already; --model and --unsupervised are for images")
    for flag, path in {"previous": previous, "protected": protected, "admin": admin, "aoi": aoi}.items():
        if path is not None and not path.exists() and not (flag == "aoi" and vector.rectangle(path)):
            raise InputError(f"--{flag} {path}: no such file")
    target = Path(output or f"{images[-1].stem}{ENDING}")
    local = [Path(image.name) for image in images if Path(image.name).exists()]
    inputs = (*local, previous, protected, admin, aoi)
    files.check_new(target, overwrite=overwrite, folder="change", inputs=inputs, work=work_of(target))
    before = None if previous is None else alerts.read(previous)  # a file that is none stops the run here
    for path, field in ((protected, protected_name), (admin, admin_name)):
        if path is not None:
            alerts.name_field_of(path, field)
    context = Context(previous, before, protected, protected_name, admin, admin_name)
    told = _told(images, model, choices)
    with work_folder(target, told, overwrite=overwrite) as work:
        source = source_of(images, folders, chosen, choices, work)
        with files.new_directory(target, "change", overwrite=overwrite, work=work) as draft:
            changes = [_found(source, kind, choices, images, draft, work) for kind in choices.what]
            layer = alerts_layer(changes, source, images, choices, context)
            write_folder(draft, target, layer, source, images, choices)
            record = _manifest(told, images, source, layer, context)
            files.write_json(draft / files.RECORD, record)
            write_item(draft, card=_card(source), dates=(images[0].day, images[-1].day), sources=_addresses(images))
            close_record(draft)
    return _report(target, layer, source, choices)


def _found(source: Source, what: What, choices: Choices, dates: Sequence[Dated], draft: Path, work: Path) -> Changes:
    """Find one kind of change, and write its rasters."""
    evidence = source.evidence
    styles = interval_styles(labels(dates))
    rows = rows_at_once(evidence.grid, len(evidence.levels))
    sure = raster.BandStyle(("confidence",), nodata=OUTSIDE, scale=1 / LEVELS, attribution=evidence.attribution)
    with raster.write_cog(draft / f"{what}-confidence.tif", evidence.grid, sure, rows) as confidence:
        found = find(evidence, what, choices, work, confidence)
    area_ha = geodesy.area_ha(found.patches.geometries, evidence.grid.crs)
    found = replace(found, patches=found.patches.take(area_ha >= choices.mmu_ha))
    bands = interval_bands(what, styles, evidence.attribution)
    with raster.write_cog(draft / f"{what}.tif", evidence.grid, bands, rows) as writer:
        measured = measure(evidence, source.images, found, writer)
    return changes_of(found, measured, evidence, source.images, dates, choices)


def _told(images: Sequence[Dated], model: str | Path | None, choices: Choices) -> dict[str, Any]:
    """What tells one job from another."""
    return {
        "images": [(image.name, str(image.date), stamp_of(Path(image.name))) for image in images],
        "model": None if model is None else (str(model), stamp_of(Path(model))),
        "choices": files.to_json(choices),
        "version": files.versions()["geolabel"],
    }


def _manifest(
    told: dict[str, Any], dates: Sequence[Dated], source: Source, layer: Layer, context: Context
) -> dict[str, Any]:
    evidence = source.evidence
    others = {name: getattr(context, name) for name in ("previous", "protected", "admin")}
    return {
        "format": 1,
        "command": "change",
        "inputs": {
            "images": [
                {"path": name, "date": day, "fingerprint": "" if "://" in given else stamp}
                for name, (given, day, stamp) in zip(names(dates), told["images"], strict=True)
            ],
            "model": {"name": Path(evidence.maker).name, "fingerprint": evidence.model_sha},
            **{
                name: {"path": path.name, "fingerprint": stamp_of(path) if path.is_file() else ""}
                for name, path in others.items()
                if path is not None
            },
        },
        "options": {**told["choices"], "protected_name": context.protected_name, "admin_name": context.admin_name},
        "grid": {"crs": evidence.grid.crs, "transform": list(evidence.grid.transform)[:6]},
        "images": files.to_json(source.rows),
        "counts": files.to_json(alerts.summary(layer, ("class", "change"))),
        "attribution": list(evidence.attribution),
        "versions": files.versions(),
    }


def _addresses(images: Sequence[Dated]) -> list[str]:
    """Images that lie on the web."""
    return [image.name for image in images if "://" in image.name]


def _card(source: Source) -> ModelCard | None:
    """The contract of the model that told the class; None where none did."""
    path = Path(source.evidence.maker)
    return read_card(path) if path.suffix == ".safetensors" and path.is_file() else None


def _report(target: Path, layer: Layer, source: Source, choices: Choices) -> ChangeReport:
    total = alerts.summary(layer, ())[0]
    return ChangeReport(
        output=target,
        class_name=choices.class_name,
        by=Path(source.evidence.maker).name,
        alerts=total.alerts,
        area_ha=total.area_ha,
        new_ha=round(float(layer.columns["new_ha"].clip(0).sum()), 4),
        protected_ha=total.protected_ha,
        images=source.rows,
        totals=alerts.summary(layer, ("class", "change", "year")),
        open_in_qgis=tuple(path for name in _SHOWN if (path := target / name).is_file()),
    )
