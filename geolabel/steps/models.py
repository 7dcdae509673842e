"""The models that come with geolabel: list them, show one, and choose the one that fits a raster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import raster
from geolabel.errors import BandError, ContractError, ModelError, listed
from geolabel.model import ModelCard, read_card
from geolabel.progress import log
from geolabel.steps.preflight import GSD_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = Path(__file__).parents[1] / "models"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in the list."""

    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    gsd_m: float | None
    tile_px: tuple[int, int]
    megabytes: float
    licence: str


@dataclass(frozen=True, slots=True)
class ModelsReport:
    """The models that come with geolabel."""

    models: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """How a model tells one class."""

    name: str
    head: str
    presence: float
    """Share of a tile from which it counted as present."""
    threshold: float
    undecided: str
    """Probabilities that leave it open."""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """The contract of a model."""

    path: Path
    architecture: str
    bands: tuple[str, ...]
    dtype: str
    gsd_m: float | None
    tile_px: tuple[int, int]
    calibrated: bool
    licence: str
    attribution: tuple[str, ...]
    classes: tuple[ThresholdRow, ...]


def built_in() -> dict[str, Path]:
    """Model files by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.safetensors"))}


def find_model(name: str) -> Path:
    """A model that comes with geolabel, or a file. Raises ModelError where neither is there."""
    found = built_in().get(name)
    if found and not Path(name).exists():
        return found
    if not Path(name).exists() and Path(name).suffix == "":
        raise ModelError(f"{name}: no such file, and no model that comes with geolabel; those are {listed(built_in())}")
    return Path(name)


def choose_model(path: Path, bands: Sequence[str] = ()) -> Path:
    """The model that comes with geolabel and fits a raster's bands and GSD. Raises ContractError where none does."""
    info = raster.describe(path, bands)
    model = fitting_model(info)
    if model is None:
        reasons = "; ".join(f"{name} {_why_not(read_card(file), info)}" for name, file in built_in().items())
        raise ContractError(f"{path}: give a --model; of those that come with geolabel none fits: {reasons}")
    tells = listed(read_card(model).classes)
    log.warning("%s: no --model was given; taken is %s, which tells %s", path, model.stem, tells)
    return model


def fitting_model(info: raster.RasterInfo) -> Path | None:
    """The first model that comes with geolabel and fits a raster; None where none does."""
    return next((model for model in built_in().values() if _why_not(read_card(model), info) is None), None)


def _why_not(card: ModelCard, info: raster.RasterInfo) -> str | None:
    wanted = [band.name for band in card.bands]
    try:
        info.choose(wanted)
    except BandError:
        return f"needs the bands {', '.join(wanted)}, found {', '.join(info.band_names)} (name them with --bands)"
    gsds = info.place.gsd_m
    if card.gsd_m and not all(1 / (1 + GSD_TOLERANCE) <= gsd / card.gsd_m <= 1 + GSD_TOLERANCE for gsd in gsds):
        return f"needs pixels of about {card.gsd_m:g} m, found {gsds[0]:.3g} m (it resamples where --model names it)"
    if info.dtype not in (card.dtype, *card.settings.get("encodings", {})):
        return f"was made for {card.dtype} pixels, found {info.dtype}"
    return None


def list_models() -> ModelsReport:
    """What comes with geolabel."""
    rows = []
    for name, path in built_in().items():
        card = read_card(path)
        bands = tuple(band.name for band in card.bands)
        megabytes = path.stat().st_size / 1e6
        rows.append(ModelRow(name, card.classes, bands, card.gsd_m, card.tile_px, megabytes, card.licence))
    return ModelsReport(tuple(rows))


def show_model(name: str) -> ModelReport:
    """The contract of a model that comes with geolabel, or of a file. Raises ModelError."""
    path = find_model(name)
    card = read_card(path)
    heads = {found: head for head in card.heads for found in head.classes}
    rows = tuple(
        ThresholdRow(
            found,
            f"{heads[found].name} ({heads[found].kind})",
            card.presence.get(found, 0.0),
            card.thresholds[found],
            "{:g} to {:g}".format(*card.abstain[found]) if found in card.abstain else "",
        )
        for found in card.classes
    )
    return ModelReport(
        path=path,
        architecture=card.architecture,
        bands=tuple(band.name for band in card.bands),
        dtype=card.dtype,
        gsd_m=card.gsd_m,
        tile_px=card.tile_px,
        calibrated=card.calibration is not None,
        licence=card.licence,
        attribution=card.attribution,
        classes=rows,
    )
