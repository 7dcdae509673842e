"""A baseline with its features and its contract: stored pixels in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geolabel.learn.baselines.baseline import Baseline, from_arrays
from geolabel.learn.baselines.features import StatisticsFeatures, load_network, network_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from geolabel.learn.baselines.features import Features
    from geolabel.model import ModelCard

_BASELINE, _FEATURES = "baseline.", "features."


@dataclass(frozen=True, slots=True)
class BaselinePredictor:
    """Chips to probabilities by way of features."""

    card: ModelCard
    features: Features
    baseline: Baseline

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""
        return self.baseline.probabilities(self.features(pixels, valid))

    def with_card(self, card: ModelCard) -> BaselinePredictor:
        """The same classifier under a changed contract (another scale, say)."""
        return replace(self, card=card, features=self.features.rescaled(card.bands))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """What the model file holds: `baseline.…`, and `features.…` where a network makes them."""
        own = {f"{_BASELINE}{name}": values for name, values in self.baseline.to_arrays().items()}
        return own | {f"{_FEATURES}{name}": values for name, values in self.features.weights().items()}


def load_baseline(
    card: ModelCard, weights: Mapping[str, NDArray[Any]], network: nn.Module | None, device: torch.device
) -> BaselinePredictor:
    """A predictor from the arrays of a model file; `card.architecture` is the kind of baseline.

    `network` makes the features, as built: its weights are taken from the file; None for colour statistics.
    Raises ModelError where the arrays do not fit the contract, or each other.
    """
    baseline = from_arrays(card.architecture, card.heads, _under(_BASELINE, weights))
    if network is None:
        return BaselinePredictor(card, StatisticsFeatures(card.bands), baseline)
    load_network(network, _under(_FEATURES, weights))
    return BaselinePredictor(card, network_features(network, card.bands, device), baseline)


def _under(prefix: str, weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in weights.items() if name.startswith(prefix)}
