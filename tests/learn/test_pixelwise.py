"""Features of pixels: where they look, the same in whatever block, and probes on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from torch import nn

from geolabel.errors import ModelError, OptionError
from geolabel.learn.backbones.pooled import Pooled
from geolabel.learn.embedding import Embedding
from geolabel.learn.forward import make_classifier
from geolabel.learn.pixelwise import TileMaps, TrunkMaps, fit_pixel_probe, pixelwise, restore_probe
from geolabel.learn.pixelwise.maps import PixelMaps, PlaceMap
from geolabel.model import NORM_OUTPUT, OUTPUT_SIZE
from tests.learn.networks import card, classifier, plant


class Means(Pooled):
    """Means over 2 × 2, then over 8 × 8 pixels; its last layer passes them on."""

    def __init__(self, bands: int = 4) -> None:
        super().__init__()
        self.fine, self.coarse = nn.AvgPool2d(2), nn.AvgPool2d(4)
        self.dropout, self.head = nn.Dropout(0), nn.Linear(bands, bands, bias=False)
        nn.init.eye_(self.head.weight)

    def forward_features(self, chips):
        return self.coarse(self.fine(chips))


class WholePicture(Means):
    """Each place is told the mean of the picture, as by attention."""

    def forward_features(self, chips):
        return super().forward_features(chips) - chips.mean(dim=(2, 3), keepdim=True)


def encoder(network: nn.Module | None = None, size=(32, 32), outputs=4):
    settings = {OUTPUT_SIZE: outputs, NORM_OUTPUT: False}
    told = card("small-cnn-reflect", size)
    told = replace(told, heads=(), thresholds={}, presence={}, kind="embedder", settings=settings)
    return make_classifier(told, Embedding(network or Means(), norm=False), torch.device("cpu"))


def ramp(height: int, width: int, halo: int) -> np.ndarray:
    """Four bands (4, h, w) that grow evenly, downward and to the right; pixel (0, 0) of the core is `halo` inside."""
    row, col = np.indices((height + 2 * halo, width + 2 * halo)) - halo
    return np.stack([row, col, 2 * row + col, row - 3 * col]).astype(np.float32)


def everywhere(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    row, col = np.indices((height, width))
    return row.ravel(), col.ravel()


@pytest.mark.parametrize("stride", [None, 4, 8, 12, 32])
@pytest.mark.parametrize("size", [(32, 32), (40, 24)])
def test_a_pixel_looks_around_itself(stride, size):
    """Means and interpolations keep a ramp as it is: features that lie elsewhere than their pixel would be off."""
    way = pixelwise(encoder(size=size), stride)
    assert isinstance(way, TrunkMaps if stride is None else TileMaps)
    side = 4 * way.step
    pixels = ramp(side, side, way.halo)
    valid = np.ones(pixels.shape[1:], bool)
    found = way(pixels, valid).at(*everywhere(side, side))
    assert found.shape == (side * side, way.size)
    normalised = (ramp(side, side, 0) - 1600) / 800
    for at in range(0, way.size, 4):  # each depth, then the bands
        assert found[:, at : at + 4].T.reshape(4, side, side) == pytest.approx(normalised, abs=1e-4)


def test_a_network_is_seen_at_two_depths():
    way = pixelwise(encoder(), None)
    assert [field.stride for field in way.depths.fields] == [2, 8]
    assert way.size == 4 + 4 + 4
    planted = pixelwise(encoder(plant(classifier(card("small-cnn-reflect")).network), outputs=192), None)
    assert [field.stride for field in planted.depths.fields] == [4, 16]
    assert planted.depths.sizes == (64, 192)


def test_a_pixel_has_the_same_features_in_any_block():
    network = plant(classifier(card("small-cnn-reflect", (32, 32))).network)
    way = pixelwise(encoder(network, outputs=192), None)
    # its places see more than a tile, which is what is read around a block: what lies beyond moves next to nothing
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 4000, (4, 160 + 2 * way.halo, 160 + 2 * way.halo)).astype("uint16")
    valid = np.ones(whole.shape[1:], bool)
    rows, cols = everywhere(48, 64)
    one = way(whole, valid).at(rows + 64, cols + 32)
    part = slice(64, 64 + 48 + 2 * way.halo), slice(32, 32 + 64 + 2 * way.halo)
    other = way(whole[:, *part], valid[part]).at(rows, cols)
    assert np.abs(one - other).max() < 1e-3 * np.abs(one).max()


def test_between_places_is_bilinear():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3, 6, 7)).astype(np.float32)
    maps = PixelMaps((PlaceMap(torch.from_numpy(values), 5, (-3.5, -6.0)),), torch.zeros(0, 20, 22))
    rows, cols = everywhere(20, 22)
    where = np.clip((rows + 3.5) / 5, 0, 5), np.clip((cols + 6.0) / 5, 0, 6)
    expected = np.stack([map_coordinates(one, where, order=1, mode="nearest") for one in values], axis=1)
    assert maps.at(rows, cols) == pytest.approx(expected, abs=1e-5)


@given(st.integers(0, 100))
def test_a_linear_function_of_places_then_interpolated_is_that_of_pixels(seed):
    rng = np.random.default_rng(seed)
    maps = PixelMaps(
        (
            PlaceMap(torch.from_numpy(rng.normal(size=(5, 4, 5)).astype(np.float32)), 4, (-2.5, -6.5)),
            PlaceMap(torch.from_numpy(rng.normal(size=(2, 9, 9)).astype(np.float32)), 2, (-1.5, 0.5)),
        ),
        torch.from_numpy(rng.normal(size=(3, 12, 14)).astype(np.float32)),
    )
    weight, bias = rng.normal(size=(10, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    pixels = maps.at(*everywhere(12, 14)) @ weight + bias
    assert maps.linear(weight, bias) == pytest.approx(pixels.T.reshape(4, 12, 14), abs=1e-4)


def test_a_network_that_answers_by_the_whole_picture_is_asked_tile_by_tile(caplog):
    way = pixelwise(encoder(WholePicture()), None)
    assert isinstance(way, TileMaps)
    assert way.stride == 8
    assert "8 px apart" in caplog.text


def test_a_stride_is_at_least_a_pixel():
    with pytest.raises(OptionError, match="--stride"):
        pixelwise(encoder(), 0)


def blobs(count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    truth = rng.choice(3, count, p=[0.7, 0.25, 0.05])
    features = np.array([[0, 0, 5], [3, 0, 5], [0, 3, 5]])[truth] + rng.normal(0, 0.6, (count, 3))
    return features.astype(np.float32), truth


@pytest.mark.parametrize("kind", ["logistic", "forest"])
def test_probes_tell_blobs_and_come_back_from_their_arrays(kind):
    features, truth = blobs()
    names = ("forest", "water", "mine", "absent")
    probe = fit_pixel_probe(kind, features, truth, names, np.ones(len(truth)), 0)
    chosen = probe.choose(features)
    assert (chosen == truth).mean() > 0.97
    assert 3 not in chosen
    again = restore_probe(kind, probe.to_arrays(), names, 3)
    assert np.array_equal(again.choose(features), chosen)
    with pytest.raises(ModelError, match="damaged"):
        restore_probe(kind, {name: values[:1] for name, values in probe.to_arrays().items()}, names, 3)


@pytest.mark.parametrize("kind", ["logistic", "forest"])
def test_classes_that_do_not_fit_into_a_byte_are_refused(kind):
    features, truth = blobs()
    names = [f"c{at}" for at in range(257)]
    with pytest.raises(OptionError, match="256 classes at the most"):
        fit_pixel_probe(kind, features, truth, names, np.ones(len(truth)), 0)
    probe = fit_pixel_probe(kind, features, truth, names[:3], np.ones(len(truth)), 0)
    with pytest.raises(ModelError, match="257 classes"):
        restore_probe(kind, probe.to_arrays(), names, 3)


@pytest.mark.parametrize("kind", ["logistic", "forest"])
def test_a_probe_draws_what_it_chooses(kind):
    features, truth = blobs()
    probe = fit_pixel_probe(kind, features, truth, ("a", "b", "c"), np.ones(len(truth)), 0)
    places = torch.from_numpy(features[:20, :1].T.reshape(1, 4, 5).copy())
    colours = torch.from_numpy(features[20:188, 1:].T.reshape(2, 12, 14).copy())
    maps = PixelMaps((PlaceMap(places, 4, (-2.5, -2.5)),), colours)
    assert np.array_equal(probe.draw(maps).ravel(), probe.choose(maps.at(*everywhere(12, 14))))
