"""A network that reads whole scenes as it reads chips."""

import pytest
import torch

from geolabel.learn.backbones.dense_ready import SqueezeReflect


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SqueezeReflect(3, 2).eval()


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
