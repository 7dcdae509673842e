"""Give each network of a model an engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

from geolabel.errors import OptionError
from geolabel.learn.engines.folding import fold
from geolabel.learn.engines.native import native
from geolabel.learn.engines.openvino import OpenVinoRun
from geolabel.learn.ensemble import EnsemblePredictor
from geolabel.learn.forward import Classifier
from geolabel.learn.predictor import Calibrated
from geolabel.learn.turned import Turned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from geolabel.learn.engines.engine import Engine
    from geolabel.learn.predictor import Predictor

_FOLDED: WeakKeyDictionary[nn.Module, nn.Module | None] = WeakKeyDictionary()
"""A trial equips one network in several ways; it is folded once. None: it stays as it is."""


def equip(predictor: Predictor, engine: Engine) -> Predictor:
    """The same predictor, its networks run by the engine; baselines, which have none, stay as they are.

    Before or after `with_card`: that keeps the engine. Raises InstallError, OptionError.
    """
    match predictor:
        case Calibrated() | Turned():
            return replace(predictor, inner=equip(predictor.inner, engine))
        case EnsemblePredictor():
            return replace(predictor, members=tuple(equip(member, engine) for member in predictor.members))
        case Classifier():
            return _equipped(predictor, engine)
    return predictor


def classifiers(predictor: Predictor) -> Iterator[Classifier]:
    """The networks of a predictor, with their contracts."""
    match predictor:
        case Calibrated() | Turned():
            yield from classifiers(predictor.inner)
        case EnsemblePredictor():
            for member in predictor.members:
                yield from classifiers(member)
        case Classifier():
            yield predictor


def _equipped(classifier: Classifier, engine: Engine) -> Classifier:
    if engine.kind == "openvino" and classifier.device.type != "cpu":
        raise OptionError(f"--engine openvino runs on processors; use --engine torch on {classifier.device.type}")
    network = _folded(classifier)
    run = native(network, engine) if engine.kind == "torch" else OpenVinoRun(network, engine)
    return replace(classifier, batch=engine.batch, run=run)


def _folded(classifier: Classifier) -> nn.Module:
    network = classifier.network
    if network not in _FOLDED:
        width, height = classifier.card.tile_px
        generator = torch.Generator().manual_seed(0)
        probe = torch.randn((2, len(classifier.card.bands), height, width), generator=generator)
        folded = fold(network, probe.to(classifier.device))
        _FOLDED[network] = None if folded is network else folded  # a value that holds its key would never go
    known = _FOLDED[network]
    return network if known is None else known
