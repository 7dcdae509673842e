"""What a model is: its contract, what it was trained on, and what it scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.errors import ModelError, SchemeError
from geolabel.labels.scheme import Scheme
from geolabel.model import parameters_of, read_card
from geolabel.steps.inspection.options import told_options
from geolabel.steps.models import built_in, find_model, show_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geolabel.model import ModelCard


@dataclass(frozen=True, slots=True)
class BandRow:
    """What a band must be, and what becomes of its values: (value × scale + offset − mean) / std."""

    band: str
    scale: float
    """Physical value = stored value × scale + offset."""
    offset: float
    mean: float
    """Of physical values of the training tiles."""
    std: float


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How a model tells one class."""

    name: str
    color: str
    head: str
    presence: float | None
    """Share of a tile from which it counted as present; None where nobody said."""
    threshold: float
    undecided: str
    """Probabilities that leave it open."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """What it scored on tiles of one part; a part that is named "val" was used to choose it."""

    part: str
    name: str
    """Class, or a score that is of no class."""
    tiles: int | None
    positives: int | None
    average_precision: float | None
    auc: float | None
    f1: float | None
    value: float | None = None
    """Of a score of no class."""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model."""

    kind: Literal["classifier", "embedder"]
    path: Path
    built_in: str
    """Its name where it comes with geolabel."""
    architecture: str
    members: tuple[str, ...]
    """Of an ensemble."""
    combination: str
    """How an ensemble makes one answer of its members'."""
    parameters: int
    """Numbers in the file: weights, or what a baseline keeps."""
    megabytes: float
    fingerprint: str
    """By which predictions name it."""
    pairs: bool
    """Whether it compares two dates."""
    outputs: int
    """Probabilities, or numbers of a vector."""
    tile_px: tuple[int, int]
    gsd_m: float | None
    dtype: str
    """Stored type of the training rasters."""
    clip: tuple[float, ...]
    """Physical values beyond these count as these; empty for no limits."""
    calibration: str
    """By which method probabilities were made true; none where they are taken as they are."""
    trained_on: tuple[str, ...]
    split_by: str
    recipe: dict[str, str]
    """Options that are not as by default."""
    licence: str
    attribution: tuple[str, ...]
    bands: tuple[BandRow, ...]
    classes: tuple[ClassRow, ...]
    scores: tuple[ScoreRow, ...]
    to_mind: tuple[str, ...]


def inspect_model(name: str) -> ModelReport:
    """Describe a model file, or one that comes with geolabel. Raises ModelError, InputError."""
    path = find_model(name)
    card = read_card(path)
    told = card.trained_on
    combination = card.settings.get("combination")
    return ModelReport(
        kind=card.kind,
        path=path,
        built_in=next((known for known, file in built_in().items() if file.resolve() == path.resolve()), ""),
        architecture=card.architecture,
        members=tuple(_member(member) for member in card.settings.get("members", ())),
        combination=str(combination.get("method", "") if isinstance(combination, dict) else combination or ""),
        parameters=parameters_of(path),
        megabytes=path.stat().st_size / 1e6,
        fingerprint=files.fingerprint(path),
        pairs=card.is_of_pairs,
        outputs=card.outputs,
        tile_px=card.tile_px,
        gsd_m=card.gsd_m,
        dtype=", ".join(dict.fromkeys([card.dtype, *card.settings.get("encodings", {})])),
        clip=tuple(float(limit) for limit in card.settings.get("clip") or ()),
        calibration=str((card.calibration or {}).get("method", "none")),
        trained_on=_sources(told),
        split_by=str((told.get("split") or {}).get("method") or ""),
        recipe=told_options("embed train" if card.kind == "embedder" else "train", told.get("options") or {}),
        licence=card.licence,
        attribution=card.attribution,
        bands=tuple(BandRow(band.name, band.scale, band.offset, band.mean, band.std) for band in card.bands),
        classes=_classes(name, card),
        scores=tuple(_scores(card)),
        to_mind=tuple(_notes(card)),
    )


def _member(member: Any) -> str:
    """A member of an ensemble is a card of its own."""
    return str(member.get("architecture", "")) if isinstance(member, dict) else str(member)


def _sources(told: Any) -> tuple[str, ...]:
    named = [str(entry.get("path") or "") for key in ("sources", "labels") for entry in told.get(key) or ()]
    return tuple(dict.fromkeys(found for found in [str(told.get("data") or ""), *named] if found))


def _classes(name: str, card: ModelCard) -> tuple[ClassRow, ...]:
    if card.kind == "embedder":
        return ()
    try:
        colors = {entry.name: entry.color for entry in Scheme.from_json(card.scheme).subset(card.classes).classes}
    except SchemeError as error:
        raise ModelError(f"{name}: {error}; copy the model again") from error
    return tuple(
        ClassRow(row.name, colors[row.name], row.head, card.presence.get(row.name), row.threshold, row.undecided)
        for row in show_model(name).classes
    )


def _scores(card: ModelCard) -> Iterator[ScoreRow]:
    for part, scores in card.scores.items():
        if not isinstance(scores, dict):
            continue
        for row in scores.get("classes") or ():
            kept = (row.get(key) for key in ("tiles", "positives", "average_precision", "auc", "f1"))
            yield ScoreRow(part, str(row["name"]), *kept)
        if "classes" not in scores:
            for name, value in scores.items():
                if isinstance(value, int | float):
                    yield ScoreRow(part, str(name), None, None, None, None, None, float(value))


def _notes(card: ModelCard) -> Iterator[str]:
    if card.kind == "classifier" and card.calibration is None:
        yield "Its probabilities are not calibrated: they tell more from less, not how often it is right."
    if card.gsd_m is None:
        yield "It does not know its GSD: rasters are taken as they are, whatever the size of their pixels."
    if not card.scores:
        yield "It carries no scores: geolabel evaluate measures it on tiles with labels."
    if not card.licence:
        yield "Its licence is not stated: that of the training data and labels applies."
