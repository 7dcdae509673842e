"""Batch norms that stand still, folded into the convolutions before them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUNDING = 4e-4
"""Of logits, relative to the largest: a probability's slope is a quarter at the most."""


def fold(network: nn.Module, probe: torch.Tensor) -> nn.Module:
    """A copy of a network in evaluation, of the same kind, that answers the same with fewer steps.

    Which norm follows which convolution is seen by tracing. A network that cannot be traced, or would answer
    otherwise on `probe` (n, bands, h, w), comes back itself.
    """
    if not any(isinstance(part, nn.BatchNorm2d) for part in network.modules()):
        return network
    try:
        graph = _Tracer().trace(network)
    except Exception as error:  # noqa: BLE001 - a trace runs the network's own code, which may raise anything
        log.info("batch norms are not folded, the network cannot be traced: %s", error)
        return network
    folded = copy.deepcopy(network)
    for conv, norm in list(_pairs(graph, dict(network.named_modules()))):
        _join(folded, conv, norm)
    with torch.inference_mode():
        wanted, found = network(probe), folded(probe)
    if not bool((found - wanted).abs().max() <= _ROUNDING * wanted.abs().max().clamp(min=1)):
        log.info("batch norms are not folded, the network would answer otherwise")
        return network
    return folded


class _Tracer(fx.Tracer):
    """Sees convolutions and norms of any library as one step each: timm's have code of their own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def _pairs(graph: fx.Graph, modules: dict[str, nn.Module]) -> Iterator[tuple[str, str]]:
    """Names of each convolution and the norm that alone hears it, each of them called once."""
    calls = [node for node in graph.nodes if node.op == "call_module"]
    times: dict[int, int] = {}
    for node in calls:
        times[id(modules[node.target])] = times.get(id(modules[node.target]), 0) + 1
    for node in calls:
        norm, before = modules[node.target], node.args[0] if node.args else None
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
            continue
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        conv = modules[str(before.target)]
        if isinstance(conv, nn.Conv2d) and times[id(conv)] == times[id(norm)] == 1:
            yield str(before.target), str(node.target)


def _join(network: nn.Module, conv: str, norm: str) -> None:
    """Fold one pair in place; of a norm that also activates (timm's), the activation stays."""
    first, second = network.get_submodule(conv), network.get_submodule(norm)
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.BatchNorm2d)
    network.set_submodule(conv, fuse_conv_bn_eval(first, second))
    rest = [part for part in second.children() if not isinstance(part, nn.Identity)]
    network.set_submodule(norm, nn.Sequential(*rest) if rest else nn.Identity())
