"""A trained classifier: stored pixels in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geolabel.errors import ModelError, OptionError
from geolabel.learn import backbones
from geolabel.learn.heads import probabilities
from geolabel.learn.transforms import Normalise, to_tensor
from geolabel.model import ModelCard, read_model, write_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from geolabel.learn.chips import Chips

_BATCH_PIXELS = {"cpu": 1 << 19, "cuda": 1 << 24}
"""Pixels a batch: small batches that stay in the cache are faster on CPUs."""


def choose_device(name: str) -> torch.device:
    """The device asked for; `auto` is a GPU where there is one. Raises OptionError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"--device {name}: no such device; use auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError(f"--device {name}: torch sees no GPU here; use --device cpu, or look at geolabel doctor")
    return device


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network with its contract, on a device."""

    card: ModelCard
    network: nn.Module
    normalise: Normalise
    device: torch.device

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""
        batch = self.batch_size(pixels.shape[-1] * pixels.shape[-2])
        out = np.empty((len(pixels), len(self.card.classes)), dtype=np.float32)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"),
        ):
            for start in range(0, len(pixels), batch):
                part = slice(start, start + batch)
                chips = self.normalise(
                    to_tensor(pixels[part], self.device), torch.from_numpy(valid[part]).to(self.device)
                )
                logits = self.network(chips.contiguous(memory_format=torch.channels_last))
                out[part] = probabilities(logits.float(), self.card.heads).cpu().numpy()
        return out

    def with_card(self, card: ModelCard) -> Classifier:
        """The same network under a changed contract (another scale, say)."""
        return replace(self, card=card, normalise=Normalise(card.bands).to(self.device))

    def batch_size(self, chip_px: int) -> int:
        """Chips a batch."""
        return max(1, _BATCH_PIXELS.get(self.device.type, 1 << 19) // chip_px)

    def predict(self, chips: Chips, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of the chips `rows` (n,)."""
        step = 64 * self.batch_size(int(np.prod(chips.pixels.shape[2:])))
        parts = [rows[start : start + step] for start in range(0, len(rows), step)]
        found = [self(np.asarray(chips.pixels[part]), chips.valid[part]) for part in parts]
        return np.concatenate(found) if found else np.zeros((0, len(self.card.classes)), np.float32)


def make_classifier(card: ModelCard, network: nn.Module, device: torch.device) -> Classifier:
    """Put a network on a device, ready to predict."""
    network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return Classifier(card, network, Normalise(card.bands).to(device), device)


def load_classifier(path: Path, device: torch.device) -> Classifier:
    """Read a model file. Raises ModelError where weights and architecture do not fit each other."""
    card, weights = read_model(path)
    network = backbones.build(card.architecture, len(card.bands), len(card.classes))
    try:
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    except RuntimeError as error:
        raise ModelError(
            f"{path}: its weights do not fit the network {card.architecture} that its contract names; train it again"
        ) from error
    return make_classifier(card, network, device)


def save_classifier(path: Path, card: ModelCard, weights: Mapping[str, torch.Tensor]) -> None:
    """Write a model file."""
    write_model(path, card, {name: value.detach().cpu().contiguous().numpy() for name, value in weights.items()})
