"""SqueezeNet, which torchvision has and timm has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from geolabel.errors import ModelError
from geolabel.learn.backbones.fit import fit
from geolabel.learn.backbones.pooled import Pooled

if TYPE_CHECKING:
    import torch

VERSIONS = {"squeezenet1_0": "1_0", "squeezenet1_1": "1_1"}


class SqueezeNet(Pooled):
    """SqueezeNet for any bands, with the names that torchvision gives its weights.

    (n, bands, height, width) → logits (n, classes), for chips of 21 px and more. Its last ReLU is left out: it would
    keep every probability above one half. Source: arXiv 1602.07360.
    """

    def __init__(self, bands: int, classes: int, dropout: float = 0.5, version: str = "1_0") -> None:
        from torchvision.models import SqueezeNet as Original

        super().__init__()
        original = Original(version, num_classes=classes, dropout=dropout)
        self.features = original.features
        first = self.features[0]
        if bands != first.in_channels:
            self.features[0] = nn.Conv2d(bands, first.out_channels, first.kernel_size, first.stride)
            nn.init.kaiming_uniform_(self.features[0].weight)
            nn.init.zeros_(self.features[0].bias)
        self.classifier = original.classifier[:2]

    def forward_features(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, bands, h, w) → (n, 512, h / 16, w / 16), about."""
        features: torch.Tensor = self.features(chips)
        return features

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """A map → logits (n, classes), or its mean (n, 512) where `pre_logits`."""
        mean = features.mean(dim=(2, 3), keepdim=True)
        return (mean if pre_logits else self.classifier(mean)).flatten(1)

    def get_classifier(self) -> nn.Module:
        """The last layer, a 1 × 1 convolution."""
        last: nn.Module = self.classifier[1]
        return last

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm's signature
        """Which parameters are one layer, in the form of timm's."""
        return {"features": r"^features\.(\d+)"}


def load_pretrained(network: SqueezeNet, name: str, bands: int) -> None:
    """Fill a network with torchvision's weights (ImageNet). Raises ModelError where they cannot be downloaded."""
    from torchvision.models import get_model_weights

    try:
        taught = get_model_weights(name).DEFAULT.get_state_dict(progress=False)
    except OSError as error:
        raise ModelError(
            f"--weights default: the pretrained weights of {name} cannot be downloaded ({error}); "
            "use --weights none, or a file"
        ) from error
    network.load_state_dict(fit(network, taught, bands).tensors, strict=False)
