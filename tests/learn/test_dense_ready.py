"""A network that reads whole scenes as it reads chips, and does not mind the light."""

import numpy as np
import pytest
import torch

from geolabel.learn.backbones.dense_ready import SqueezeReflect, even_light


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SqueezeReflect(3, 2).eval()


def test_light_is_evened_by_the_window_around_each_pixel():
    chips = np.random.default_rng(0).normal(2, 3, (2, 3, 60, 50)).astype(np.float32)
    found = even_light(torch.from_numpy(chips)).numpy()
    wide = np.pad(chips, ((0, 0), (0, 0), (23, 23), (23, 23)), mode="reflect").astype(np.float64)
    for row, col in ((0, 0), (30, 20), (59, 49), (0, 49)):
        around = wide[:, :, row : row + 47, col : col + 47]
        mean, deviation = around.mean((2, 3)), np.sqrt(around.var((2, 3)).mean(1, keepdims=True))
        np.testing.assert_allclose(
            found[:, :, row, col], (chips[:, :, row, col] - mean) / (deviation + 0.15), atol=1e-4
        )


def test_a_veil_that_lies_over_all_of_a_chip_goes():
    chips = torch.randn(2, 3, 48, 48) * 10
    veiled = 0.5 * chips + torch.tensor([3.0, -2.0, 1.0])[:, None, None]
    torch.testing.assert_close(even_light(veiled), even_light(chips), rtol=0.05, atol=1e-3)


def test_a_flat_chip_is_no_noise():
    assert even_light(torch.full((1, 3, 48, 48), 0.7)).abs().max() < 0.01


@torch.no_grad()
def test_a_place_far_from_the_edges_answers_the_same_in_a_scene_and_in_a_cut_of_it(network):
    scene = torch.randn(1, 3, 640, 640)
    whole = network.forward_features(scene)
    cut = network.forward_features(scene[:, :, 160:480, 160:480])
    torch.testing.assert_close(cut[:, :, 9:11, 9:11], whole[:, :, 19:21, 19:21], rtol=1e-3, atol=1e-4)


def test_its_trunk_has_torchvisions_names_and_shapes(network):
    models = pytest.importorskip("torchvision.models")
    theirs = {k: v.shape for k, v in models.squeezenet1_0().state_dict().items() if k.startswith("features")}
    assert {k: v.shape for k, v in network.state_dict().items() if k.startswith("features")} == theirs


def test_the_smallest_chip_that_it_reads(network):
    assert network(torch.zeros(1, 3, 31, 31)).shape == (1, 2)
