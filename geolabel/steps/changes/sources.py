"""From images and a model, or predictions, to what is known of a class at each date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files, raster
from geolabel.errors import ContractError
from geolabel.steps.change_prepare import prepare
from geolabel.steps.changes.dated import gathered, names
from geolabel.steps.changes.evidence import FOREST, by_color, by_model, by_predictions
from geolabel.steps.changes.pairs import by_pairs
from geolabel.steps.models import choose_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.raster import RasterInfo
    from geolabel.steps.change_prepare import Prepared
    from geolabel.steps.changes.choices import Choices
    from geolabel.steps.changes.dated import Dated
    from geolabel.steps.changes.evidence import Evidence

_DONE = "prepared.json"


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One date, and what was done to its image."""

    date: str
    image: str
    shift_px: str
    """By how much it was moved, columns and rows; "" where it was not."""
    normalised: str
    """How its light was brought to that of the first."""
    cloud: float | None
    """Share of the image that is hidden by clouds."""
    haze: float | None
    shadow: float | None
    notes: tuple[str, ...] = ()
    """What a person should know of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a search for changes starts from."""

    evidence: Evidence
    images: tuple[RasterInfo, ...]
    """Ready to be compared; none where predictions were given."""
    originals: tuple[RasterInfo, ...]
    """As they are on disk."""
    rows: tuple[ImageRow, ...]
    skies: tuple[Path | None, ...] = ()
    """Rasters of clouds, haze and shadows, one a date; None where they were not looked for."""


def source_of(
    dates: Sequence[Dated], folders: Sequence[Path] | None, model: Path | None, choices: Choices, work: Path
) -> Source:
    """Bring images onto one grid and ask the model, or take predictions as they are.

    Raises InputError, BandError, CRSError, ContractError, EmptyError, OptionError, OutputError.
    """
    if folders is not None:
        rows = tuple(
            ImageRow(str(image.date), name, "", "", None, None, None)
            for image, name in zip(dates, names(dates), strict=True)
        )
        return Source(by_predictions(folders, choices.class_name), (), (), rows)
    originals = gathered(dates, choices.bands, work)
    images, rows, skies = _prepared(dates, originals, choices, work)
    return Source(_evidence(images, model, choices, work), images, originals, rows, skies)


def _evidence(images: Sequence[RasterInfo], model: Path | None, choices: Choices, work: Path) -> Evidence:
    if choices.paired:
        return by_pairs(images, model, choices, work)
    if model is None and choices.class_name == FOREST:
        return by_color(images, images[0].place, choices, work)
    return by_model(images, model or choose_model(images[0].path, images[0].band_names), choices, work)


def _prepared(
    dates: Sequence[Dated], originals: Sequence[RasterInfo], choices: Choices, work: Path
) -> tuple[tuple[RasterInfo, ...], tuple[ImageRow, ...], tuple[Path | None, ...]]:
    """The images, comparable; those that a run before had prepared are taken."""
    record = work / _DONE
    if not record.exists():
        wanted = not choices.as_they_are
        found = prepare(
            originals,
            work / "prepared",
            dates=[image.date for image in dates],
            align=wanted,
            normalise=wanted,
            mask_sky=wanted,
        )
        told = [_told(*one) for one in zip(dates, names(dates), found, strict=True)]
        files.write_json(record, {"images": told})
    told = files.read_json(record, "the record of prepared images")["images"]
    infos = tuple(raster.describe(Path(one["path"]), one["names"]).choose(one["bands"]) for one in told)
    skies = tuple(None if one["sky"] is None else Path(one["sky"]) for one in told)
    rows = tuple(ImageRow(**{**one["row"], "notes": tuple(one["row"]["notes"])}) for one in told)
    return infos, rows, skies


def _told(image: Dated, name: str, prepared: Prepared) -> dict[str, Any]:
    stored = [band.name for band in raster.describe(prepared.info.path).bands]
    own = list(prepared.info.band_names)
    if not set(own) <= set(stored) and len(stored) != len(own):
        raise ContractError(f"{prepared.info.path}: its bands have no names; name all of them with --bands")
    moved = prepared.shift is not None and prepared.shift.to_correct
    methods = sorted({fit.method for fit in prepared.fits} - {"none"})
    row = ImageRow(
        date=str(image.date),
        image=name,
        shift_px=f"{prepared.shift.col_px:.2f}, {prepared.shift.row_px:.2f}" if moved and prepared.shift else "",
        normalised=", ".join(methods),
        cloud=_share(prepared.cloud_share),
        haze=_share(prepared.haze_share),
        shadow=_share(prepared.shadow_share),
        notes=prepared.notes,
    )
    return {
        "path": str(prepared.info.path),
        "names": [] if set(own) <= set(stored) else own,
        "bands": own,
        "sky": None if prepared.sky is None else str(prepared.sky.path),
        "row": files.to_json(row),
    }


def _share(value: float) -> float | None:
    return None if value != value else round(value, 4)  # noqa: PLR0124 - NaN: it was not looked for
