"""The parts of a network: trunk and head, and its layers from input to output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import torch
    from torch import nn


def trunk_features(network: nn.Module, chips: torch.Tensor) -> torch.Tensor:
    """What the last layer is given of chips (n, bands, h, w): (n, features)."""
    timms = cast("Any", network)
    features: torch.Tensor = timms.forward_head(timms.forward_features(chips), pre_logits=True)
    return features


def head_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters of the last layer (or layers, where a network has two), by name."""
    found = cast("Any", network).get_classifier()
    layers = found if isinstance(found, tuple | list) else (found,)
    own = {id(parameter) for layer in layers for parameter in layer.parameters()}
    return {name: parameter for name, parameter in network.named_parameters() if id(parameter) in own}


def layer_groups(network: nn.Module) -> list[list[str]]:
    """Names of all parameters, layer by layer, from the input to the head.

    Layers are those of timm's `group_matcher`; a network without one is taken apart by its modules.
    """
    matcher = getattr(network, "group_matcher", None)
    if matcher is None:
        return _by_module(network)
    from timm.models import group_parameters

    groups = group_parameters(network, matcher(coarse=False))
    return [list(groups[layer]) for layer in sorted(groups)]


def _by_module(network: nn.Module) -> list[list[str]]:
    """One layer for each module that the network holds, or that a list of its modules holds; then the head."""
    head = head_parameters(network)
    groups: dict[str, list[str]] = {}
    for name, _ in network.named_parameters():
        module, _, rest = name.partition(".")
        place = rest.partition(".")[0]
        layer = f"{module}.{place}" if place.isdecimal() else module
        groups.setdefault("" if name in head else layer, []).append(name)
    last = groups.pop("", [])
    return [*groups.values(), *([last] if last else [])]
