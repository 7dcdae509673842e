"""The network of an embedder: vectors of the length that its card says, and the same from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from geolabel.errors import ModelError
from geolabel.learn.dense import make_dense, ready
from geolabel.learn.embedding import Embedding, build_embedding, start_embedding
from geolabel.learn.encoder import load_encoder
from geolabel.learn.engines import Engine, equip
from geolabel.learn.forward import Classifier, make_classifier
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.learn.windows import Windows
from geolabel.model import ModelCard
from tests.learn.networks import card, plant, tiles

CPU = torch.device("cpu")


def told(architecture: str, size: tuple[int, int] = (32, 32), *, outputs: int = 7, norm: bool = True) -> ModelCard:
    settings = {"output_size": outputs, "norm_output": norm}
    return replace(card(architecture, size), kind="embedder", heads=(), presence={}, thresholds={}, settings=settings)


def embedder(contract: ModelCard) -> Classifier:
    network = start_embedding(contract, "none", 0)
    plant(network)
    return make_classifier(contract, network, CPU)


@pytest.mark.parametrize("architecture", ["small-cnn", "small-cnn-reflect", "resnet18", "vit_tiny_patch16_224"])
@pytest.mark.parametrize("norm", [True, False])
def test_vectors_are_of_the_length_that_the_card_says(architecture: str, norm: bool):
    model = embedder(told(architecture, norm=norm))
    vectors = model(*tiles(5, (32, 32)))
    assert (vectors.shape, vectors.dtype) == ((5, 7), np.float32)
    length = np.linalg.norm(vectors, axis=1)
    if norm:
        np.testing.assert_allclose(length, 1, atol=1e-5)
    else:
        assert np.abs(length - 1).min() > 1e-3
    assert len(np.unique(vectors.round(5), axis=0)) == 5
    assert model(*(part[:0] for part in tiles(5, (32, 32)))).shape == (0, 7)


def test_a_vector_of_length_1_is_the_other_one_divided_by_its_length():
    plain = embedder(told("small-cnn", norm=False))
    pixels, valid = tiles(6, (32, 32))
    vectors = plain(pixels, valid)
    normed = Embedding(plain.network.network, norm=True)  # type: ignore[arg-type]
    found = make_classifier(told("small-cnn"), normed, CPU)(pixels, valid)
    np.testing.assert_allclose(found, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), atol=1e-6)


def test_a_vector_of_nothing_is_no_nan():
    """Where the last layer gives zeros there is no direction, and no error either."""
    model = embedder(told("small-cnn"))
    last = model.network.get_classifier()  # type: ignore[operator]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    assert (model(*tiles(2, (32, 32))) == 0).all()


def test_the_file_gives_the_same_vectors(tmp_path: Path):
    model = embedder(told("small-cnn"))
    save_predictor(tmp_path / "model.safetensors", model)
    read = load_encoder(tmp_path / "model.safetensors", CPU)
    assert read.card == model.card
    pixels, valid = tiles(4, (32, 32))
    np.testing.assert_array_equal(read(pixels, valid), model(pixels, valid))
    with pytest.raises(ModelError, match="gives embeddings, no classes; use it with geolabel embed"):
        load_predictor(tmp_path / "model.safetensors", CPU)
    wrong = replace(model.card, settings={**model.card.settings, "output_size": 9})
    save_predictor(tmp_path / "wrong.safetensors", make_classifier(wrong, model.network, CPU))
    with pytest.raises(
        ModelError, match=r"wrong\.safetensors: its weights do not fit the network small-cnn"
    ) as refused:
        load_encoder(tmp_path / "wrong.safetensors", CPU)
    assert "\n" not in str(refused.value)


def test_one_seed_one_beginning():
    contract = told("small-cnn")
    one, same, other = (start_embedding(contract, "none", seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert any(not torch.equal(value, other[name]) for name, value in one.items())
    assert build_embedding(contract).state_dict().keys() == one.keys()


def test_distances_are_not_noise_of_dropout():
    """While it learns, too: two looks at a tile give one vector."""
    network = start_embedding(told("resnet18"), "none", 0).train()
    assert not [part for part in network.modules() if isinstance(part, nn.Dropout) and part.p > 0]


def test_windows_of_a_strip_are_its_tiles():
    model = embedder(told("small-cnn"))
    pixels, valid = tiles(1, (96, 64))
    rows, cols = np.array([0, 10, 32]), np.array([0, 33, 64])
    found = Windows(model)(pixels[0], valid[0], rows, cols)
    cut = [(slice(row, row + 32), slice(col, col + 32)) for row, col in zip(rows, cols, strict=True)]
    expected = model(np.stack([pixels[0][:, *at] for at in cut]), np.stack([valid[0][at] for at in cut]))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def slowly_changing(height: int, width: int) -> np.ndarray:
    """Pixels (4, height, width) whose colours turn over some hundred pixels, with a little noise."""
    row, col = np.indices((height, width))
    turns = [np.sin(row / 40), np.cos(col / 30), np.sin((row + col) / 50), np.cos((row - col) / 35)]
    noise = np.random.default_rng(0).normal(0, 20, (4, height, width))
    return (1600 + 900 * np.stack(turns) + noise).astype("uint16")


def test_dense_windows_point_where_the_tiles_do():
    """Vectors of overlapping tiles from one map, beside those of the tiles cut out: by their cosine."""
    contract = told("small-cnn-reflect", (64, 64), outputs=16)
    network = start_embedding(contract, "none", 0)
    plain = make_classifier(
        told("small-cnn-reflect", (64, 64), outputs=16, norm=False), Embedding(network.network, norm=False), CPU
    )
    halo = 64
    pixels = slowly_changing(192 + 2 * halo, 256 + 2 * halo)
    valid = np.ones(pixels.shape[1:], bool)
    rows, cols = (part.ravel() + halo for part in np.meshgrid(np.arange(0, 129, 32), np.arange(0, 193, 32)))
    with torch.no_grad():  # vectors of a network that has learned nothing all point there; less what they share, not
        shared = Windows(plain)(pixels, valid, rows, cols).mean(axis=0)
        network.get_classifier().bias -= torch.from_numpy(shared)
    model = make_classifier(contract, network, CPU)
    assert ready(model)
    dense = make_dense(model, 16)
    assert dense.halo <= halo
    found, cut = dense(pixels, valid, rows, cols), Windows(model)(pixels, valid, rows, cols)
    assert found.shape == cut.shape == (35, 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)
    cosine = (found * cut).sum(axis=1)
    assert np.median(cosine) > 0.9
    # not because all point there: each is nearest to its own tile
    assert ((found @ cut.T).argmax(axis=1) == np.arange(35)).mean() > 0.9


@pytest.mark.parametrize(("precision", "off"), [("fp32", 1e-5), ("bf16", 0.05)])
def test_engines_give_the_same_vectors(precision: str, off: float):
    model = embedder(told("small-cnn"))
    pixels, valid = tiles(7, (32, 32))
    equipped = equip(model, Engine("torch", precision, 3))  # type: ignore[arg-type]
    found = equipped(pixels, valid)
    assert found.dtype == np.float32
    assert np.abs(found - model(pixels, valid)).max() < off
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=off)
