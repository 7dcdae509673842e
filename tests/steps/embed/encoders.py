"""Encoders that have learned nothing: enough to tell whether vectors are those of the tiles they are said to be of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from geolabel.learn.encoder import start_encoder
from geolabel.learn.store import save_predictor
from geolabel.model import BandContract, ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def save_encoder(
    path: Path,
    bands: Sequence[str] = ("red", "green", "blue", "nir"),
    *,
    dtype: str = "uint16",
    gsd_m: float | None = 10.0,
    tile_px: tuple[int, int] = (32, 32),
    mean: float = 1_500.0,
    std: float = 1_000.0,
) -> Path:
    """Write a small network that was never trained."""
    told = tuple(BandContract(name, 1.0, 0.0, mean, std) for name in bands)
    card = ModelCard(
        "small-cnn", (), {}, told, dtype, gsd_m, tile_px, {}, {}, settings={"output_size": 1}, kind="embedder"
    )
    save_predictor(path, start_encoder(card, "none", 0, torch.device("cpu")))
    return path
