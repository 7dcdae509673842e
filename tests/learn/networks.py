"""Classifiers with planted statistics, as a trained network has them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from geolabel.learn.forward import Classifier, build_network, make_classifier
from geolabel.model import BandContract, Head, ModelCard

HEADS = (Head("alone", "sigmoid", ("a", "b")), Head("one of", "softmax", ("c", "d", "e")))


def card(architecture: str, size: tuple[int, int] = (64, 64), **settings: object) -> ModelCard:
    """Of four uint16 bands; `size` is width and height."""
    names = [name for head in HEADS for name in head.classes]
    bands = tuple(BandContract(name, 1.0, 0.0, 1600.0, 800.0) for name in ("red", "green", "blue", "nir"))
    half = dict.fromkeys(names, 0.5)
    return ModelCard(architecture, HEADS, {}, bands, "uint16", 10.0, size, half, half, settings=settings)


def plant(network: nn.Module) -> nn.Module:
    """Batch norms that have seen something: neither mean 0 nor deviation 1."""
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            nn.init.normal_(part.running_mean, 0, 0.2)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.2)
    return network


def classifier(told: ModelCard, network: nn.Module | None = None) -> Classifier:
    torch.manual_seed(0)
    return make_classifier(told, plant(network or build_network(told)), torch.device("cpu"))


def tiles(count: int, size: tuple[int, int] = (64, 64), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Stored pixels (n, 4, height, width) of blobs and noise, and where they are valid: not in a corner of some."""
    rng = np.random.default_rng(seed)
    width, height = size
    coarse = rng.integers(0, 3000, (count, 4, -(-height // 8), -(-width // 8))).repeat(8, 2).repeat(8, 3)
    pixels = (coarse[:, :, :height, :width] + rng.integers(0, 500, (count, 4, height, width))).astype("uint16")
    valid = np.ones((count, height, width), bool)
    valid[::3, : height // 3, : width // 2] = False
    return pixels, valid
