"""Networks of timm's, for any bands and any tile size."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from geolabel.errors import InstallError, ModelError, OptionError
from geolabel.learn.backbones.fit import fit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_STEPS = (16, 14, 32)
"""Sides are rounded up to multiples of these: patches of 16 px or a part of it, of 14 px, and stages that halve."""
_NARROW = 1 / 4096
_NO_FIT = (AssertionError, RuntimeError, ValueError)
"""What networks raise at sizes that they cannot read."""


def timm() -> ModuleType:
    """The library. Raises InstallError where it, or torchvision, is broken."""
    try:
        import timm as library
    except (ImportError, RuntimeError) as error:  # a torchvision of another build raises RuntimeError
        raise InstallError(
            f"timm or torchvision cannot be imported ({error}); geolabel doctor names the cure"
        ) from error
    found: ModuleType = library
    return found


def timm_network(
    name: str, bands: int, classes: int, *, tile_px: tuple[int, int] | None, dropout: float | None, pretrained: bool
) -> nn.Module:
    """A network that timm knows.

    Those made for one image size (ViT, DeiT, Swin) are made for tiles of `tile_px` (width, height) instead, rounded up
    to whole patches; tiles are then padded by their edges. Raises OptionError, ModelError.
    """
    options: dict[str, Any] = {} if dropout is None else {"drop_rate": dropout}
    create = partial(_create, name, num_classes=classes, **options)
    config = timm().get_pretrained_cfg(name)
    if tile_px is not None and config is not None and config.fixed_input_size:
        network, sized = _of_size(name, partial(create, in_chans=bands), bands, tile_px)
    else:
        network, sized = create(in_chans=bands), {}
    if pretrained:
        taught = create(in_chans=config.input_size[0] if config else 3, pretrained=True, **sized).state_dict()
        network.load_state_dict(dict(fit(network, taught, bands).tensors), strict=False)
    if sized:
        _input_layer(network).register_forward_pre_hook(partial(_pad_to, sized["img_size"]))
    return network


def reads(network: nn.Module, bands: int, size: tuple[int, int]) -> str:
    """Why a network cannot read a chip of `size` (height, width); empty where it can."""
    first = next(network.parameters())
    if first.is_meta:  # an outline, which reads nothing
        return ""
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, bands, *size, device=first.device, dtype=first.dtype))
    except _NO_FIT as error:
        return str(error) or type(error).__name__
    finally:
        network.train(was_training)
    return ""


def _create(name: str, *, pretrained: bool = False, **options: Any) -> nn.Module:
    library = timm()
    vgg = library.model_entrypoint(name).__module__ == "timm.models.vgg"
    if vgg and not pretrained:
        options["mlp_ratio"] = _NARROW  # what is thrown away below need not be wide
    try:
        network = library.create_model(name, pretrained=pretrained, **options)
    except RuntimeError as error:
        if not pretrained:
            raise
        raise ModelError(f"--weights default: {name} has no pretrained weights for this use ({error})") from error
    except OSError as error:
        raise ModelError(
            f"--weights default: the pretrained weights of {name} cannot be downloaded ({error}); "
            "use --weights none, or a file"
        ) from error
    assert isinstance(network, nn.Module)
    return _without_wide_layers(network, **options) if vgg else network


def _without_wide_layers(vgg: Any, *, num_classes: int, drop_rate: float = 0.0, **_others: Any) -> nn.Module:
    """VGG without its two layers of 4096, which hold 119 of 139 million parameters and want maps of 7 × 7.

    A tile of 64 px makes a map of 2 × 2: its mean goes to the head.
    """
    from timm.layers.classifier import ClassifierHead

    vgg.pre_logits = nn.Identity()
    vgg.head_hidden_size = vgg.num_features
    vgg.head = ClassifierHead(vgg.num_features, num_classes, drop_rate=drop_rate)
    network: nn.Module = vgg
    return network


def _of_size(
    name: str, create: Callable[..., nn.Module], bands: int, tile_px: tuple[int, int]
) -> tuple[nn.Module, dict[str, tuple[int, int]]]:
    """A network made for tiles of `tile_px` (width, height), and the option that made it so."""
    width, height = tile_px
    why = "it takes no img_size"
    for step in _STEPS:
        size = (-(-height // step) * step, -(-width // step) * step)
        try:
            network = create(img_size=size)
        except TypeError:  # this one has no such option, whatever its configuration says
            return create(), {}
        except _NO_FIT as error:
            why = str(error)
            continue
        why = _cuts_off(network, size) or reads(network, bands, size)
        if not why:
            return network, {"img_size": size}
    raise OptionError(
        f"--model {name}: it can be made for no tiles of {width} × {height} px ({why}); choose another --size"
    )


def _cuts_off(network: nn.Module, size: tuple[int, int]) -> str:
    """Patches that do not divide the size would leave the last pixels out."""
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", 1)
    sides = patch if isinstance(patch, tuple) else (patch, patch)
    whole = all(side % step == 0 for side, step in zip(size, sides, strict=True))
    return "" if whole else f"its patches have {sides[0]} px"


def _input_layer(network: Any) -> nn.Module:
    """The module that is given the chips: the first on the way to the first convolution that can be called."""
    first = network.pretrained_cfg["first_conv"]
    module: nn.Module = network
    for step in (first if isinstance(first, str) else first[0]).split("."):
        module = module.get_submodule(step)
        if not isinstance(module, nn.ModuleList):
            break
    return module


def _pad_to(size: tuple[int, int], _module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Repeat a chip's edges until it has `size` (height, width); as much on either side."""
    chips, *rest = inputs
    high, wide = (max(0, want - have) for want, have in zip(size, chips.shape[-2:], strict=True))
    if not (high or wide):
        return inputs
    edges = (wide // 2, wide - wide // 2, high // 2, high - high // 2)
    return (functional.pad(chips, edges, mode="replicate"), *rest)
