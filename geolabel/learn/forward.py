"""A trained network: stored pixels in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel.learn import backbones
from geolabel.learn.apart import Apart
from geolabel.learn.chord import build_change_vector
from geolabel.learn.embedding import build_embedding, start_embedding
from geolabel.learn.heads import probabilities
from geolabel.learn.pairs import build_pairs, start_pairs
from geolabel.learn.transforms import Normalise, to_tensor
from geolabel.model import PAIRS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import nn

    from geolabel.model import ModelCard

_BATCH_PIXELS = {"cpu": 1 << 19, "cuda": 1 << 24}
"""Pixels a batch: small batches that stay in the cache are faster on CPUs."""
Run = Callable[[Iterable[torch.Tensor]], Iterator[torch.Tensor]]
"""What calculates logits (n, classes) of batches of normalised chips (n, bands, h, w), one after the other."""


def batch_of(device: torch.device, height: int, width: int) -> int:
    """Tiles a batch where nobody tried."""
    return max(1, _BATCH_PIXELS.get(device.type, 1 << 19) // (height * width))


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network with its contract, on a device."""

    card: ModelCard
    network: nn.Module
    normalise: Normalise
    device: torch.device
    batch: int | None = None
    """Tiles a forward pass; None: by their size."""
    run: Run | None = None
    """The engine that it was given; None: the network as it is."""

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""
        if not len(pixels):
            return np.empty((0, self.card.outputs), dtype=np.float32)
        batch = self.batch or batch_of(self.device, *pixels.shape[-2:])
        spans = [slice(start, start + batch) for start in range(0, len(pixels), batch)]
        with torch.inference_mode():
            batches = (self._input(pixels[span], valid[span]) for span in spans)
            logits = torch.cat(list((self.run or self._plain)(batches)))
            # fetched once: each fetch would wait for the GPU
            found: NDArray[np.float32] = probabilities(logits, self.card.heads).cpu().numpy()
        return found

    def _input(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> torch.Tensor:
        chips: torch.Tensor = self.normalise(to_tensor(pixels, self.device), to_tensor(valid, self.device))
        return chips

    def _plain(self, batches: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        for chips in batches:
            # not around the loop: what a generator's caller does between two batches would be in it
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                logits: torch.Tensor = self.network(chips.contiguous(memory_format=torch.channels_last))
            yield logits.float()

    def with_card(self, card: ModelCard) -> Classifier:
        """The same network under a changed contract."""
        return replace(self, card=card, normalise=Normalise.of(card).to(self.device))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """The network's state."""
        state = self.network.state_dict()
        return {name: value.detach().cpu().contiguous().numpy() for name, value in state.items()}


def make_classifier(card: ModelCard, network: nn.Module, device: torch.device) -> Classifier:
    """Put a network on a device, ready to predict."""
    network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return Classifier(card, network, Normalise.of(card).to(device), device)


def start_network(card: ModelCard, weights: str, seed: int, dropout: float | None) -> nn.Module:
    """The network that a card describes, ready to be trained: `weights` is none, default (pretrained), or a file.

    Raises OptionError, ModelError, InstallError.
    """
    if card.kind == "embedder":
        return start_embedding(card, weights, seed)
    begin, bands = (start_pairs, len(card.bands) // 2) if card.is_of_pairs else (backbones.start, len(card.bands))

    def one(classes: int) -> nn.Module:
        return begin(card.architecture, bands, classes, weights, seed, tile_px=card.tile_px, dropout=dropout)

    if card.settings.get("apart"):
        return Apart(one(len(head.classes)) for head in card.heads)
    return one(len(card.classes))


def build_network(card: ModelCard) -> nn.Module:
    """The network that a card describes, to be filled with weights."""
    if card.kind == "embedder":
        return build_embedding(card)

    def one(classes: int) -> nn.Module:
        if card.settings.get(PAIRS) == "change-vector":
            return build_change_vector(card.architecture, len(card.bands) // 2, tile_px=card.tile_px)
        if card.is_of_pairs:
            return build_pairs(card.architecture, len(card.bands) // 2, classes, tile_px=card.tile_px)
        return backbones.build(card.architecture, len(card.bands), classes, tile_px=card.tile_px)

    if card.settings.get("apart"):
        return Apart(one(len(head.classes)) for head in card.heads)
    return one(len(card.classes))
