"""The network of `change_vector`: the chord between what a trunk sees at two dates, against what is usual."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from geolabel.learn import backbones
from geolabel.learn.pairs import Dates

_USUAL = 2.326
"""Deviations from the median below which lie 99 of 100 normal values."""


class ChangeVector(Dates):
    """One logit: by how many usual deviations a tile's chord is longer than what is still usual."""

    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(self, trunk: nn.Module, centre: float = 0.0, spread: float = 1.0) -> None:
        super().__init__(trunk)
        self.register_buffer("centre", torch.tensor(centre))
        self.register_buffer("spread", torch.tensor(spread))

    def forward_head(self, features: torch.Tensor, *, pre_logits: bool = False) -> torch.Tensor:
        """Logits (n, 1) of the change, or chords (n, 1) where `pre_logits`."""
        before, after = (functional.normalize(each, dim=1) for each in self.embeddings(features))
        chords = (after - before).square().sum(dim=1, keepdim=True).sqrt()
        return chords if pre_logits else (chords - self.centre) / self.spread - _USUAL


def build_change_vector(architecture: str, bands: int, *, tile_px: tuple[int, int]) -> ChangeVector:
    """The network for two dates of `bands` bands each, to be filled with weights."""
    return ChangeVector(backbones.build(architecture, bands, 1, tile_px=tile_px))
