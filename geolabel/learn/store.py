"""Model files to predictors and back, whatever kind of model it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel.errors import GeolabelError, ModelError, OptionError
from geolabel.learn.baselines import BASELINES, load_baseline
from geolabel.learn.ensemble import ENSEMBLE, EnsemblePredictor
from geolabel.learn.forward import build_network, make_classifier
from geolabel.learn.predictor import Predictor, calibrated
from geolabel.learn.trunk import build_trunk
from geolabel.model import ModelCard, read_model, write_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn


def load_predictor(path: Path, device: torch.device) -> Predictor:
    """Read a model file that tells classes. Raises ModelError where weights and contract do not fit each other."""
    card, weights = read_model(path)
    if card.kind == "embedder":
        raise ModelError(
            f"{path}: gives embeddings, no classes; use it with geolabel embed, or give a model of geolabel train"
        )
    try:
        return restore(card, weights, device)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def restore(card: ModelCard, weights: Mapping[str, NDArray[Any]], device: torch.device) -> Predictor:
    """The predictor of a contract and its weights. Raises ModelError."""
    if card.architecture in BASELINES:
        return calibrated(load_baseline(card, weights, build_trunk(card), device))
    if card.architecture == ENSEMBLE:
        return calibrated(EnsemblePredictor.restore(card, weights, lambda told, arrays: restore(told, arrays, device)))
    return calibrated(make_classifier(card, load_network(card, weights), device))


def load_network(card: ModelCard, weights: Mapping[str, NDArray[Any]]) -> nn.Module:
    """The network of a contract with its weights. Raises ModelError where they do not fit each other."""
    misfit = ModelError(
        f"its weights do not fit the network {card.architecture} that its contract names; train or copy the model again"
    )
    if _outline(card) not in (None, {name: value.shape for name, value in weights.items()}):
        raise misfit
    if not all(np.isfinite(value).all() for value in weights.values() if value.dtype.kind == "f"):
        raise ModelError("its weights hold values that are no numbers; train or copy the model again")
    try:
        network = build_network(card)
        network.load_state_dict({name: _tensor(value) for name, value in weights.items()})
    except OptionError as error:
        raise ModelError(f"its contract names a network that cannot be built: {error}") from error
    except RuntimeError as error:
        raise misfit from error
    return network


def _outline(card: ModelCard) -> dict[str, tuple[int, ...]] | None:
    """Shapes of the weights that a contract asks for, found without taking memory for them; None where that fails.

    A contract of a few bytes can name a network of many gigabytes.
    """
    try:
        with torch.device("meta"):
            return {name: tuple(value.shape) for name, value in build_network(card).state_dict().items()}
    except (GeolabelError, RuntimeError, NotImplementedError):  # its constructor looks at values
        return None


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    """Weights kept in half precision are calculated with in single."""
    return torch.from_numpy(np.array(values, np.float32 if values.dtype == np.float16 else None))


def save_predictor(path: Path, predictor: Predictor) -> None:
    """Write a model file."""
    write_model(path, predictor.card, predictor.weights())
