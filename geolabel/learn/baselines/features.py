"""Where a baseline's features come from: colour and texture, or a network without its last layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from geolabel.errors import ModelError
from geolabel.learn.statistics import statistics
from geolabel.learn.transforms import Normalise, to_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from geolabel.model import BandContract

_CHIPS_AT_ONCE = 512
_PIXELS_AT_ONCE = {"cpu": 1 << 19, "cuda": 1 << 24}


class Features(Protocol):
    """Numbers that say what a chip is like."""

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(n, f) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""

    def rescaled(self, bands: Sequence[BandContract]) -> Features:
        """The same of rasters with another scale and offset."""

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """What the model file holds of it."""


@dataclass(frozen=True, slots=True)
class StatisticsFeatures:
    """Colour and texture, of physical values."""

    bands: tuple[BandContract, ...]

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(n, f): see `statistics`."""
        scale = np.array([band.scale for band in self.bands], np.float32).reshape(-1, 1, 1)
        offset = np.array([band.offset for band in self.bands], np.float32).reshape(-1, 1, 1)
        starts = range(0, max(len(pixels), 1), _CHIPS_AT_ONCE)
        spans = [slice(at, at + _CHIPS_AT_ONCE) for at in starts]
        return np.concatenate(
            [statistics(pixels[span].astype(np.float32) * scale + offset, valid[span]) for span in spans]
        )

    def rescaled(self, bands: Sequence[BandContract]) -> StatisticsFeatures:
        """The same of rasters with another scale and offset."""
        return StatisticsFeatures(tuple(bands))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Nothing was learned."""
        return {}


@dataclass(frozen=True, slots=True)
class NetworkFeatures:
    """What a network that is not trained further sees in a chip."""

    network: nn.Module
    """Maps (n, bands, h, w) to (n, f), or to (n, f, h, w), of which the mean is taken."""
    normalise: Normalise
    device: torch.device

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(n, f)."""
        step = max(1, _PIXELS_AT_ONCE.get(self.device.type, 1 << 19) // max(1, valid[:1].size))
        found = []
        with torch.inference_mode():
            for start in range(0, max(len(pixels), 1), step):
                span = slice(start, start + step)
                mask = torch.from_numpy(np.ascontiguousarray(valid[span])).to(self.device)
                chips = self.normalise(to_tensor(pixels[span], self.device), mask)
                seen = self.network(chips.contiguous(memory_format=torch.channels_last))
                found.append(seen.flatten(2).mean(dim=2) if seen.ndim > 2 else seen)  # noqa: PLR2004 - a map of them
        return torch.cat(found).float().cpu().numpy()

    def rescaled(self, bands: Sequence[BandContract]) -> NetworkFeatures:
        """The same of rasters with another scale and offset."""
        return replace(self, normalise=Normalise(bands).to(self.device))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """The network's."""
        return {name: value.detach().cpu().numpy() for name, value in self.network.state_dict().items()}


def network_features(network: nn.Module, bands: Sequence[BandContract], device: torch.device) -> NetworkFeatures:
    """Put a network on a device, ready to look at chips."""
    network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return NetworkFeatures(network, Normalise(bands).to(device), device)


def load_network(network: nn.Module, weights: Mapping[str, NDArray[Any]]) -> None:
    """Give a network the weights of a model file. Raises ModelError where they are not its own."""
    try:
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    except RuntimeError as error:
        raise ModelError(
            "the weights of the network that makes the features do not fit it; train or copy the model again"
        ) from error
