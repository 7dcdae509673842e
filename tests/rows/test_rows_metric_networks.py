"""Rows B5 and B16–B19: networks and miners by name, each as an embedder that learns and is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from geolabel.learn.backbones import ALIASES
from geolabel.learn.encoder import load_encoder
from tests.rows.checkered import history, typed

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 32
TINY = ("--epochs", 1, "--steps", 1, "--batch", 4, "--per-class", 2, "--output-size", 8, "--precision", "fp32")
"""Four tiles, once."""


@pytest.fixture(scope="module")
def tiles(checkered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiles of 32 px, labelled."""
    path = tmp_path_factory.mktemp("tiles") / "tiles.parquet"
    typed("tile", checkered / "region.tif", "--size", SIZE, "-o", path)
    typed("label", path, "--clc", checkered / "clc.tif", "--scheme", "clc-2")
    typed("split", path, "--block", "960m", "--buffer", 0, "--val", 0.1, "--test", 0.7)
    return path


def check(tiles: Path, run: Path, model: str, architecture: str, *words: object) -> None:
    """It learns from four tiles, and gives vectors of length 1."""
    said = typed("embed", "train", tiles, "-o", run, *TINY, "--model", model, *words)
    assert said["architecture"] == model
    assert np.isfinite(history(run)[0]["train_loss"])
    encoder = load_encoder(run / "model.safetensors", torch.device("cpu"))
    assert encoder.network.network.pretrained_cfg["architecture"] == architecture  # type: ignore[union-attr]
    chips = np.random.default_rng(0).integers(1, 255, (3, 3, SIZE, SIZE)).astype(np.uint8)
    vectors = encoder(chips, np.ones((3, SIZE, SIZE), bool))
    assert vectors.shape == (3, 8)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(vectors[0] - vectors[1]) > 1e-6


@pytest.mark.parametrize(("model", "meant"), [("resnext50", "resnext50_32x4d"), ("vit", "vit_small_patch16_224")])
def test_b5_resnext_and_vit_embed(tiles: Path, tmp_path: Path, model: str, meant: str):
    check(tiles, tmp_path / "run", model, meant)


@pytest.mark.parametrize("miner", ["MultiSimilarityMiner", "batch-easy-hard", "angular"])
def test_b16_miners_of_pytorch_metric_learning_teach(tiles: Path, tmp_path: Path, miner: str):
    pytest.importorskip("pytorch_metric_learning")
    words = (*TINY, "--model", "cnn", "--batch", 24, "--per-class", 6, "--steps", 2, "--mining", miner)
    typed("embed", "train", tiles, "-o", tmp_path / "run", *words)
    assert history(tmp_path / "run")[0]["train_loss"] > 0


@pytest.mark.parametrize("model", ["resnet10t", "mobilenetv3_small_050", "regnety_002"])
def test_b17_networks_of_the_library_embed_by_their_names(tiles: Path, tmp_path: Path, model: str):
    check(tiles, tmp_path / "run", model, model)


def test_b18_efficientnet_embeds(tiles: Path, tmp_path: Path):
    check(tiles, tmp_path / "run", "efficientnet", ALIASES["efficientnet"])


def test_b19_deit_embeds(tiles: Path, tmp_path: Path):
    check(tiles, tmp_path / "run", "deit_tiny_patch16_224", "deit_tiny_patch16_224")
    assert ALIASES["deit"].startswith("deit_")
