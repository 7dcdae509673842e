"""All networks, by name."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn.backbones import library, squeeze
from geolabel.learn.backbones.dense import SmallDenseNet
from geolabel.learn.backbones.dense_ready import SqueezeReflect
from geolabel.learn.backbones.names import ALIASES, resolve
from geolabel.learn.backbones.plain import PlainCNN
from geolabel.learn.backbones.small import SmallCNN
from geolabel.learn.backbones.weights import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = "small-cnn"
Network = nn.Module
"""Maps (n, bands, h, w) to logits (n, classes)."""

_OURS: dict[str, Callable[..., nn.Module]] = {
    OWN: SmallCNN,
    "small-cnn-reflect": partial(SmallCNN, padding="reflect"),
    "cnn": PlainCNN,
    "densenet-small": SmallDenseNet,
    "squeezenet-reflect": SqueezeReflect,
}


def build(
    architecture: str,
    bands: int,
    classes: int,
    *,
    tile_px: tuple[int, int] | None = None,
    dropout: float | None = None,
    pretrained: bool = False,
) -> nn.Module:
    """A network that maps (n, bands, height, width) to logits (n, classes).

    `tile_px` (width, height) is what it will read; networks of a fixed size (ViT) are made for it, and need it where
    tiles are not of that size. `dropout` goes before the head; None leaves it as the network has it. Raises OptionError
    for a name nobody knows, or tiles that the network cannot read, ModelError where pretrained weights cannot be had.
    """
    name = resolve(architecture)
    options: dict[str, Any] = {} if dropout is None else {"dropout": dropout}
    if name in _OURS:
        if pretrained:
            raise OptionError(
                f"--weights default: {name} has no pretrained weights; use --weights none or another --model"
            )
        network = _OURS[name](bands, classes, **options)
    elif name in squeeze.VERSIONS:
        library.timm()  # it needs torchvision, too
        network = squeeze.SqueezeNet(bands, classes, version=squeeze.VERSIONS[name], **options)
        if pretrained:
            squeeze.load_pretrained(network, name, bands)
    elif library.timm().is_model(name):
        network = library.timm_network(name, bands, classes, tile_px=tile_px, dropout=dropout, pretrained=pretrained)
    else:
        raise _unknown(architecture)
    if tile_px is not None and (why := library.reads(network, bands, tile_px[::-1])):
        raise OptionError(
            f"--model {architecture}: cannot read tiles of {tile_px[0]} × {tile_px[1]} px ({why}); take larger tiles, "
            "or another network"
        )
    return network


def _unknown(name: str) -> OptionError:
    known = [*_OURS, *ALIASES, *squeeze.VERSIONS, *library.timm().list_models()]
    near = get_close_matches(name, known, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see timm.list_models()"
    return OptionError(f"{name}: no such network; {hint}")


def start(
    architecture: str,
    bands: int,
    classes: int,
    weights: str,
    seed: int,
    *,
    tile_px: tuple[int, int] | None = None,
    dropout: float | None = None,
) -> nn.Module:
    """A network ready to be trained: `weights` is none, default (pretrained), or a file (safetensors, npz, pt, pth).

    Raises what `build` raises; InputError or ModelError where the file is no use.
    """
    torch.manual_seed(seed)
    network = build(architecture, bands, classes, tile_px=tile_px, dropout=dropout, pretrained=weights == "default")
    if weights not in ("none", "default"):
        load_weights(network, Path(weights), bands)
    return network
