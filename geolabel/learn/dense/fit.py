"""Which models can answer on overlapping tiles from one map, and which are made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn.baselines import BASELINES
from geolabel.learn.dense.field import find_field
from geolabel.learn.dense.network import Trunk, check_head, halve, networks_of
from geolabel.learn.dense.strip import Dense
from geolabel.learn.engines.folding import fold
from geolabel.learn.engines.native import TYPES
from geolabel.learn.ensemble import ENSEMBLE
from geolabel.learn.forward import Classifier
from geolabel.learn.predictor import Calibrated

if TYPE_CHECKING:
    from geolabel.learn.engines.engine import EnginePrecision
    from geolabel.learn.predictor import Predictor
    from geolabel.model import ModelCard

_BLOCK_PX = {"cpu": 640, "cuda": 2048}
"""Side of a block with its halo: on CPUs larger ones leave the cache, and smaller ones are mostly halo."""
_TOLERANCE = 1e-3
_COLOURS = 4


def make_dense(predictor: Predictor, stride_px: int, precision: EnginePrecision = "fp32") -> Dense:
    """The dense way of a model for tiles `stride_px` apart. Raises OptionError where there is none."""
    try:
        return _dense(predictor, stride_px, TYPES[precision])
    except OptionError as error:
        raise OptionError(
            f"--dense on: the model cannot be run over the whole region: {error}; use --dense off"
        ) from error


def eligible(predictor: Predictor, stride_px: int) -> str:
    """Why tiles `stride_px` apart must be answered one by one; empty where they need not."""
    try:
        _dense(predictor, stride_px, torch.float32)
    except OptionError as error:
        return str(error)
    return ""


@torch.inference_mode()
def ready(predictor: Predictor) -> bool:
    """Whether a network was made to be run over whole regions: a place of its map does not know a tile's edge.

    That is so where it is padded by reflection, or not at all: a tile of one colour then gives a map of one value, also
    by layers that pad in ways of their own.
    """
    classifier = _classifier(predictor)
    if classifier is None or any(_pads_with_zeros(module) for module in classifier.network.modules()):
        return False
    width, height = classifier.card.tile_px
    colours = torch.randn(_COLOURS, len(classifier.card.bands), 1, 1, generator=torch.Generator().manual_seed(0))
    chips = colours.expand(-1, -1, height, width).to(classifier.device)
    maps = [cast("Any", network).forward_features(chips) for network in networks_of(classifier.network)]
    return all(found.ndim == chips.ndim and _is_even(found) for found in maps)


def _pads_with_zeros(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d) and module.padding_mode == "zeros" and module.padding not in (0, (0, 0), "valid")
    )


def _is_even(features: torch.Tensor) -> bool:
    first = features[:, :, :1, :1]
    return bool((features - first).abs().max() <= _TOLERANCE * features.abs().max())


def _dense(predictor: Predictor, stride_px: int, dtype: torch.dtype) -> Dense:
    classifier = _classifier(predictor)
    card = predictor.card
    if classifier is None:
        raise OptionError(_what(card))
    if card.settings.get("dehaze"):
        raise OptionError("haze is taken from each tile by itself")
    width, height = card.tile_px
    with torch.inference_mode():
        networks = list(networks_of(classifier.network))
        probe = torch.randn(1, len(card.bands), height, width, generator=torch.Generator().manual_seed(0))
        trunks = [Trunk(fold(network, probe.to(classifier.device))).cpu() for network in networks]
        field = find_field(trunks[0], len(card.bands), (height, width))
        for what, side in ((f"tiles of {width} px", width), (f"tiles of {height} px", height), ("--stride", stride_px)):
            if side % field.stride:
                raise OptionError(f"{what} is not a multiple of the network's own stride, {field.stride} px")
        features = [check_head(network, len(card.bands), (height, width)) for network in networks]
        parts = zip(networks, trunks, features, strict=True)
        halves = tuple(halve(network, trunk, count, dtype) for network, trunk, count in parts)
    # a tile's side of context is more than any place has within a tile; measured, the rest moves nothing that counts
    halo = min(field.context((height, width)), max(width, height))
    calibration = predictor.calibration if isinstance(predictor, Calibrated) else None
    block = max(_BLOCK_PX.get(classifier.device.type, _BLOCK_PX["cpu"]), 4 * halo)
    return Dense(classifier, halves, field, calibration, halo, block)


def _classifier(predictor: Predictor) -> Classifier | None:
    inner = predictor.inner if isinstance(predictor, Calibrated) else predictor
    return inner if isinstance(inner, Classifier) else None


def _what(card: ModelCard) -> str:
    if card.architecture in BASELINES:
        return f"{card.architecture} is no network"
    return "an ensemble has no map of its own" if card.architecture == ENSEMBLE else "each tile is turned by itself"
