"""Changes by a model that sees both dates at once: a learned one, or the change vector of embeddings."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from geolabel import files, raster
from geolabel.labels.scheme import Scheme
from geolabel.model import read_card
from geolabel.steps.change_vector import change_vector_model
from geolabel.steps.changes.evidence import Evidence, check_class, even_table, predicted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.model import ModelCard
    from geolabel.raster import RasterInfo
    from geolabel.steps.changes.choices import Choices

UNSUPERVISED = "embeddings"


def by_pairs(images: Sequence[RasterInfo], model: Path | None, choices: Choices, work: Path) -> Evidence:
    """Changes between each image and the next, by a model of pairs, or unsupervised by the embeddings of another.

    Unsupervised, what is usual between two images is taken from these two. Raises ContractError (the model does not
    tell the class, or breaks with the images), EmptyError, and what predict raises.
    """
    levels, tables = [], []
    for number, (before, after) in enumerate(pairwise(images), start=1):
        both = raster.pair(before, after, work / "pairs", name=f"pair-{number}")
        teller = _teller(both, model, choices, work / f"pair-{number}.safetensors")
        card = read_card(teller)
        name = class_of(card, choices.class_name, teller)
        levels.append(predicted(both, teller, work / f"pair-{number}.geolabel", choices).choose([name]))
        tables.append(even_table(card.thresholds[name]))
    entry = next(one for one in Scheme.from_json(card.scheme).classes if one.name == name)
    return Evidence(
        levels=tuple(levels),
        tables=tuple(tables),
        grid=levels[0].place,
        others=None,
        maker=UNSUPERVISED if choices.unsupervised else str(model),
        model_sha=files.fingerprint(model or teller),
        attribution=card.attribution,
        title=entry.title,
        color=entry.color,
        paired=True,
    )


def class_of(card: ModelCard, wanted: str, model: Path) -> str:
    """The change that is looked for: the one wanted, or the only one there is. Raises ContractError."""
    if len(card.classes) == 1:
        return card.classes[0]
    check_class(card.classes, wanted, model)
    return wanted


def _teller(both: RasterInfo, model: Path | None, choices: Choices, path: Path) -> Path:
    """The model itself, or unsupervised one that is made for these two images."""
    if model is not None and not choices.unsupervised:
        return model
    return path if path.is_file() else change_vector_model(model, both, path, device=choices.device)
