"""Explanations by gradients: they need a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional

from geolabel.errors import ModelError
from geolabel.learn.apart import Apart
from geolabel.learn.baselines import BASELINES
from geolabel.learn.dense.network import networks_of
from geolabel.learn.ensemble import ENSEMBLE
from geolabel.learn.explain.library import load_captum
from geolabel.learn.explain.odds import log_odds, normalised
from geolabel.learn.forward import Classifier, batch_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.learn.explain.removal import Removal
    from geolabel.learn.predictor import Predictor
    from geolabel.model import Head, ModelCard

_MAP_AXES = 4


def network_behind(predictor: Predictor, method: str) -> Classifier:
    """The predictor as a network of one date. Raises ModelError where it is none."""
    if isinstance(predictor, Classifier) and not predictor.card.is_of_pairs:
        return predictor
    raise ModelError(
        f"{method} follows the gradients of one network, and {_what(predictor.card)}; use lime or occlusion"
    )


def _what(card: ModelCard) -> str:
    if card.is_of_pairs:
        return "this one compares two dates"
    if card.architecture in BASELINES:
        return f"{card.architecture} is none"
    return "an ensemble is several" if card.architecture == ENSEMBLE else "each tile is turned here"


class _Map(nn.Module):
    """A network up to its map, places behind features, whatever order it keeps them in itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.is_last = getattr(network, "output_fmt", "NCHW") == "NHWC"

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, features, rows, columns)."""
        features: torch.Tensor = cast("Any", self.network).forward_features(chips)
        return features.permute(0, 3, 1, 2) if self.is_last and features.ndim == _MAP_AXES else features


class _Halves(nn.Module):
    """A network as its map and what follows, answering with log-odds."""

    def __init__(self, network: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.map, self.heads = _Map(network), heads

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, classes)."""
        features = self.map(chips)
        features = features.permute(0, 2, 3, 1) if self.map.is_last else features
        logits = cast("Any", self.map.network).forward_head(features)
        return log_odds(logits, self.heads)


def _parts(classifier: Classifier, classes: Sequence[int]) -> Iterator[tuple[_Halves, int]]:
    """For each class, the network that tells it, and its column there."""
    heads = classifier.card.heads
    groups = [(head,) for head in heads] if isinstance(classifier.network, Apart) else [heads]
    columns = [
        (_Halves(network, group), column)
        for network, group in zip(networks_of(classifier.network), groups, strict=True)
        for column in range(sum(len(head.classes) for head in group))
    ]
    return (columns[index] for index in classes)


def grad_cam(classifier: Classifier, removal: Removal, classes: Sequence[int]) -> NDArray[np.float32]:
    """The last map before the mean over places, its features weighed by their mean gradient: (classes, h, w).

    Bilinear between places; what speaks against a class is negative. Where the head is linear, a place's value is what
    it adds to the log-odds. Raises ModelError where a network keeps no map. Source: Selvaraju et al. 2017, arXiv
    1610.02391.
    """
    captum = load_captum()
    chips = normalised(classifier, removal.pixels[None], removal.valid[None])
    found = []
    for halves, column in _parts(classifier, classes):
        with torch.no_grad():
            if halves.map(chips).ndim != _MAP_AXES:
                raise ModelError(
                    f"grad-cam needs a map before the mean over places, and {classifier.card.architecture} keeps none "
                    "(a transformer's tokens); use integrated-gradients, lime or occlusion"
                )
        low = captum.LayerGradCam(halves, halves.map).attribute(chips.clone().requires_grad_(), target=column)
        found.append(functional.interpolate(low, removal.valid.shape, mode="bilinear", align_corners=False)[0, 0])
    relevance: NDArray[np.float32] = torch.stack(found).detach().cpu().numpy()
    return relevance


def integrated_gradients(
    classifier: Classifier, removal: Removal, classes: Sequence[int], *, steps: int
) -> NDArray[np.float32]:
    """Gradients summed on the way from the removed tile to the tile, times the way, over bands: (classes, h, w).

    Over all pixels they sum to the log-odds of the tile less those of the removed one, the nearer the more `steps`.
    Source: Sundararajan, Taly and Yan 2017, arXiv 1703.01365.
    """
    captum = load_captum()
    device = classifier.device
    chips = normalised(classifier, removal.pixels[None], removal.valid[None])
    start = normalised(classifier, *removal.without(removal.valid[None]))
    batch = batch_of(device, *removal.valid.shape)
    found = [
        captum.IntegratedGradients(halves)
        .attribute(chips, start, target=column, n_steps=steps, internal_batch_size=batch)[0]
        .sum(dim=0)
        for halves, column in _parts(classifier, classes)
    ]
    relevance: NDArray[np.float32] = torch.stack(found).detach().float().cpu().numpy()
    return relevance
