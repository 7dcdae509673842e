"""Names of networks: what people say, and what timm says."""

from __future__ import annotations

ALIASES = {
    "convnext": "convnext_tiny",
    "deit": "deit_small_patch16_224",
    "densenet": "densenet121",
    "efficientnet": "efficientnet_b0",
    # timm's own variants of these have no pretrained weights; those that came from TensorFlow have
    "efficientnet_b6": "tf_efficientnet_b6",
    "efficientnet_b7": "tf_efficientnet_b7",
    "efficientnetv2_s": "tf_efficientnetv2_s",
    "efficientnetv2_m": "tf_efficientnetv2_m",
    "efficientnetv2_l": "tf_efficientnetv2_l",
    "mobilenetv2": "mobilenetv2_100",
    "mobilenetv3": "mobilenetv3_large_100",
    "resnext50": "resnext50_32x4d",
    "squeezenet": "squeezenet1_0",
    "swin": "swin_tiny_patch4_window7_224",
    "vit": "vit_small_patch16_224",
    "xception": "legacy_xception",
}
"""A handy name, and the network that it means."""


def resolve(name: str) -> str:
    """The network that a name means; a name that is no alias means itself."""
    return ALIASES.get(name, name)
