"""A model: the contract it keeps, and the file that holds it; read and written without torch."""

from geolabel.model.card import (
    FORMAT,
    NORM_OUTPUT,
    OUTPUT_SIZE,
    PAIRS,
    BandContract,
    Head,
    HeadKind,
    ModelCard,
    ModelKind,
    exclusive,
    for_source,
    rescaled,
    slices,
)
from geolabel.model.contract import card_from_json
from geolabel.model.file import parameters_of, read_card, read_model, write_model

__all__ = [
    "FORMAT",
    "NORM_OUTPUT",
    "OUTPUT_SIZE",
    "PAIRS",
    "BandContract",
    "Head",
    "HeadKind",
    "ModelCard",
    "ModelKind",
    "card_from_json",
    "exclusive",
    "for_source",
    "parameters_of",
    "read_card",
    "read_model",
    "rescaled",
    "slices",
    "write_model",
]
