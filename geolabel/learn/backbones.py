"""Networks by name: a small one of our own, and every classifier that timm knows."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from geolabel.errors import InstallError, ModelError, OptionError
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = "small-cnn"
Network = nn.Module
"""Maps (n, bands, h, w) to logits (n, classes)."""


class _Block(nn.Module):
    """Two 3 × 3 convolutions beside a short cut; the first halves the side where `stride` is 2."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.short = (
            nn.Identity()
            if stride == 1 and inside == outside
            else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, inside, h, w) → (n, outside, h / stride, w / stride)."""
        deep = torch.relu(self.norm1(self.conv1(chips)))
        return torch.relu(self.norm2(self.conv2(deep)) + self.short(chips))


class SmallCNN(nn.Module):
    """A residual network of about 1.5 million parameters for chips of 16 px and more.

    (n, bands, height, width) → logits (n, classes). Fully convolutional up to a global average.
    """

    def __init__(self, bands: int, classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        widths = (32, 64, 128, 192)
        self.stem = nn.Sequential(
            nn.Conv2d(bands, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        inside = (widths[0], *widths[:-1])
        self.stages = nn.Sequential(
            *(_Block(a, b, stride=2) for a, b in zip(inside, widths, strict=True)), _Block(widths[-1], widths[-1], 1)
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, classes)."""
        features = self.stages(self.stem(chips)).mean(dim=(2, 3))
        logits: torch.Tensor = self.head(self.dropout(features))
        return logits


def build(architecture: str, bands: int, classes: int, *, pretrained: bool = False) -> nn.Module:
    """A network that maps (n, bands, height, width) to logits (n, classes).

    Raises OptionError for a name nobody knows, ModelError where pretrained weights cannot be had.
    """
    if architecture == OWN:
        if pretrained:
            raise OptionError(
                f"--weights default: {OWN} has no pretrained weights; use --weights none or another --model"
            )
        return SmallCNN(bands, classes)
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # a torchvision of another build raises RuntimeError
        raise InstallError(
            f"timm or torchvision cannot be imported ({error}); geolabel doctor names the cure"
        ) from error
    if not timm.is_model(architecture):
        near = get_close_matches(architecture, [OWN, *timm.list_models()], n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see timm.list_models()"
        raise OptionError(f"--model {architecture}: no such network; {hint}")
    try:
        network = timm.create_model(architecture, pretrained=pretrained, in_chans=bands, num_classes=classes)
    except RuntimeError as error:
        raise ModelError(f"--weights default: {architecture} has no pretrained weights ({error})") from error
    except OSError as error:
        raise ModelError(
            f"--weights default: the pretrained weights of {architecture} cannot be downloaded ({error}); "
            "use --weights none, or a file"
        ) from error
    assert isinstance(network, nn.Module)
    return network


def start(architecture: str, bands: int, classes: int, weights: str, seed: int) -> nn.Module:
    """A network ready to be trained: `weights` is none, default (pretrained), or a safetensors file."""
    torch.manual_seed(seed)
    network = build(architecture, bands, classes, pretrained=weights == "default")
    if weights not in ("none", "default"):
        loaded = load_matching(network, Path(weights))
        log.info("%d of %d tensors loaded from %s", loaded, len(network.state_dict()), weights)
    return network


def load_matching(network: nn.Module, path: Path) -> int:
    """Load the tensors of a safetensors file whose names and shapes match; say how many.

    The rest (a head for other classes, say) keeps its start. Raises ModelError where nothing matches.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found: Mapping[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"--weights {path}: is no safetensors file ({error}); pickles are not read") from error
    own = network.state_dict()
    matching = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    if not matching:
        raise ModelError(
            f"--weights {path}: none of its {len(found)} tensors fits this network; choose its own --model"
        )
    network.load_state_dict(matching, strict=False)
    return len(matching)
