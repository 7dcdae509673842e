"""Encoders: chips in, vectors out. An embedder as it was trained, or any network, seen before its last layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from geolabel.errors import ModelError
from geolabel.learn.apart import Apart
from geolabel.learn.backbones import trunk_features
from geolabel.learn.embedding import FEATURES, Embedding, start_embedding
from geolabel.learn.forward import Classifier, make_classifier
from geolabel.learn.predictor import Calibrated
from geolabel.learn.store import restore
from geolabel.model import NORM_OUTPUT, OUTPUT_SIZE, ModelCard, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from geolabel.learn.predictor import Predictor


def load_encoder(path: Path, device: torch.device) -> Classifier:
    """Read a model file as an encoder: an embedder gives its vectors, a classifier's network its features.

    Raises ModelError for models without a network, or whose weights and contract do not fit each other.
    """
    card, weights = read_model(path)
    try:
        found = restore(card, weights, device)
        return found if card.kind == "embedder" and isinstance(found, Classifier) else features_of(found)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def features_of(predictor: Predictor) -> Classifier:
    """The features that a classifier's last layer is given, as vectors of length 1. Raises ModelError."""
    inner = predictor.inner if isinstance(predictor, Calibrated) else predictor
    if not isinstance(inner, Classifier) or isinstance(inner.network, Apart) or inner.card.is_of_pairs:
        raise ModelError(
            f"{predictor.card.architecture} is no single network of one date, so it has no features; train an embedder "
            "with geolabel embed train, or give a model of one network"
        )
    return _encoder(inner.card, inner.network, inner.device)


def start_encoder(card: ModelCard, weights: str, seed: int, device: torch.device) -> Classifier:
    """A network that has not learned the place at hand: `card` names it, `weights` is none, default or a file.

    Raises OptionError, ModelError, InstallError.
    """
    plain = replace(card, kind="embedder", heads=(), settings={**card.settings, OUTPUT_SIZE: 1, FEATURES: True})
    return _encoder(plain, start_embedding(plain, weights, seed).network, device)


def _encoder(card: ModelCard, network: nn.Module, device: torch.device) -> Classifier:
    network = network.to(device).eval()
    width, height = card.tile_px
    with torch.inference_mode():
        size = trunk_features(network, torch.zeros(1, len(card.bands), height, width, device=device)).shape[1]
    kept = {name: value for name, value in card.settings.items() if name in ("clip", "encodings", "dehaze")}
    seen = replace(
        card,
        kind="embedder",
        heads=(),
        scheme={},
        presence={},
        thresholds={},
        calibration=None,
        abstain={},
        settings={**kept, OUTPUT_SIZE: int(size), NORM_OUTPUT: True, FEATURES: True},
    )
    return make_classifier(seen, Embedding(network, norm=True, features=True), device)
