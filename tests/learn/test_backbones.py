"""Networks by name: any bands, any tile size, one interface."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn import backbones

OURS = ("small-cnn", "small-cnn-reflect", "cnn", "densenet-small")
SMALL = (*OURS, "squeezenet1_1", "resnet10t", "mobilenetv3_small_050", "vit_tiny_patch16_224", "test_vit")
MEDIUM = (  # named by the systems that geolabel implements
    *("resnext50", "densenet121", "vgg19", "squeezenet1_0", "deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"),
    *("efficientnet_b0", "efficientnetv2_s", "mobilenetv2", "mobilenetv3", "xception", "convnext_atto", "swin"),
    "vit_small_patch14_dinov2",
)
LARGE = (
    *(f"efficientnet_b{size}" for size in range(1, 8)),
    *("resnet50", "vgg19_bn", "vit_small_patch32_224", "coatnet_0_rw_224", "twins_svt_small", "cait_xxs24_224"),
)
CASES = ((1, 48, 48), (3, 64, 64), (4, 100, 75), (13, 64, 48))
"""Bands, width and height."""


def check(name: str, bands: int, width: int, height: int) -> None:
    """Logits, features and layers have the shapes and the order that others rely on."""
    network = backbones.build(name, bands, 5, tile_px=(width, height)).eval()
    chips = torch.zeros(2, bands, height, width)
    with torch.no_grad():
        assert network(chips).shape == (2, 5)
        features = backbones.trunk_features(network, chips)
    assert features.ndim == 2
    assert len(features) == 2
    groups = backbones.layer_groups(network)
    parameters = dict(network.named_parameters())
    assert sorted(name for names in groups for name in names) == sorted(parameters)
    head = backbones.head_parameters(network)
    assert set(head) <= set(groups[-1])
    assert sum(value.numel() for value in head.values()) % (5 * features.shape[1] + 5) == 0
    assert any(parameters[name].ndim == 4 and parameters[name].shape[1] == bands for name in groups[0])


@pytest.mark.parametrize("name", SMALL)
def test_any_bands_and_tile_size(name: str):
    for case in CASES:
        check(name, *case)


@pytest.mark.parametrize("name", MEDIUM)
def test_other_bands_and_rectangles(name: str):
    check(name, 4, 100, 75)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*MEDIUM, *LARGE, *backbones.ALIASES}))
def test_any_bands_and_tile_size_of_large_networks(name: str):
    for case in CASES:
        check(name, *case)


@pytest.mark.parametrize("name", SMALL)
def test_logits_are_the_last_layer_of_the_features(name: str):
    network = backbones.start(name, 3, 4, "none", seed=0, tile_px=(48, 48)).eval()
    chips = torch.randn(3, 3, 48, 48)
    with torch.no_grad():
        features = backbones.trunk_features(network, chips)
        weight, bias = backbones.head_parameters(network).values()
        expected = features @ weight.flatten(1).T + bias
        torch.testing.assert_close(network(chips), expected, atol=1e-5, rtol=1e-4)
        assert features.std(dim=0).max() > 0  # chips differ in them


@pytest.mark.parametrize("name", ["small-cnn", "resnet10t"])
def test_the_same_seed_gives_the_same_start(name: str):
    one, two, other = (backbones.start(name, 3, 2, "none", seed, tile_px=(48, 48)) for seed in (4, 4, 5))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_names_that_nobody_knows():
    with pytest.raises(OptionError, match="did you mean .*resnet18"):
        backbones.build("resnet81", 3, 2)
    with pytest.raises(OptionError, match="did you mean .*xception"):
        backbones.build("xcepton", 3, 2)
    with pytest.raises(OptionError, match="did you mean .*squeezenet1_0"):
        backbones.build("squeezenet10", 3, 2)
    with pytest.raises(OptionError, match="--weights none"):
        backbones.build("small-cnn", 3, 2, pretrained=True)


def test_every_alias_means_a_network_with_pretrained_weights():
    import timm
    from torchvision.models import get_model_weights

    for name in backbones.ALIASES:
        meant = backbones.resolve(name)
        assert meant == backbones.resolve(meant)
        assert len(get_model_weights(meant)) > 0 if meant.startswith("squeeze") else timm.is_model_pretrained(meant)
    assert backbones.resolve("resnet18") == "resnet18"


def test_tiles_that_a_network_cannot_read():
    with pytest.raises(OptionError, match="small-cnn-reflect: cannot read tiles of 16 × 16 px"):
        backbones.build("small-cnn-reflect", 3, 2, tile_px=(16, 16))
    backbones.build("small-cnn-reflect", 3, 2, tile_px=(17, 17))
    with pytest.raises(OptionError, match="hrnet_w18_small: cannot read tiles of 100 × 75 px"):
        backbones.build("hrnet_w18_small", 3, 2, tile_px=(100, 75))
    with pytest.raises(OptionError, match="crossvit_9_240: it can be made for no tiles of 48 × 48 px"):
        backbones.build("crossvit_9_240", 3, 2, tile_px=(48, 48))


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "test_vit2"])
def test_transformers_see_every_pixel_of_tiles_that_are_no_whole_patches(name: str):
    network = backbones.start(name, 3, 2, "none", seed=0, tile_px=(53, 39)).eval()
    chips = torch.randn(1, 3, 39, 53, requires_grad=True)
    network(chips).sum().backward()
    assert chips.grad is not None
    assert (chips.grad.abs().sum(dim=(0, 1)) > 0).all()
    twin = copy.deepcopy(network)  # a running mean of the weights is kept so
    torch.testing.assert_close(twin(chips), network(chips))


def test_transformers_are_timms_own_where_tiles_are_whole_patches():
    import timm

    ours = backbones.start("deit_tiny_patch16_224", 3, 2, "none", seed=0, tile_px=(64, 48)).eval()
    original = timm.create_model("deit_tiny_patch16_224", num_classes=2, img_size=(48, 64)).eval()
    original.load_state_dict(ours.state_dict())
    chips = torch.randn(2, 3, 48, 64)
    torch.testing.assert_close(ours(chips), original(chips))
    assert ours.state_dict()["pos_embed"].shape[1] == 1 + 3 * 4


@pytest.mark.parametrize("name", ["cnn", "densenet-small", "small-cnn", "squeezenet1_1", "resnet10t", "test_vit"])
def test_dropout_is_what_was_asked_for(name: str):
    chips = torch.randn(8, 3, 48, 48)
    for rate in (0.0, 0.9):
        network = backbones.start(name, 3, 4, "none", 0, tile_px=(48, 48), dropout=rate).train()
        assert torch.equal(network(chips), network(chips)) is (rate == 0), rate


@pytest.mark.parametrize("name", [*OURS, "squeezenet1_0", "resnet10t", "test_vit", "pit_ti_224"])
def test_layers_near_the_input_learn_slower(name: str):
    from timm.optim import param_groups_layer_decay

    network = backbones.build(name, 3, 4, tile_px=(48, 48))
    depth = {key: place for place, names in enumerate(backbones.layer_groups(network)) for key in names}
    assert len(set(depth.values())) > 3
    order = [depth[key] for key in depth]
    assert all(a <= b for a, b in pairwise(order))
    if name == "pit_ti_224":  # it has no group_matcher: timm falls back to another order of its own
        return
    keys = {id(value): key for key, value in network.named_parameters()}
    for group in param_groups_layer_decay(network, layer_decay=0.5):
        for value in group["params"]:
            assert group["lr_scale"] == pytest.approx(0.5 ** (max(order) - depth[keys[id(value)]]))


# ---- our own


def test_the_small_network_pads_by_zeros_or_by_reflection_with_the_same_state():
    zeros = backbones.start("small-cnn", 3, 2, "none", seed=1).eval()
    mirror = backbones.start("small-cnn-reflect", 3, 2, "none", seed=2).eval()
    mirror.load_state_dict(zeros.state_dict())
    chip = torch.full((1, 3, 48, 48), 0.7)
    with torch.no_grad():
        map_zeros, map_mirror = zeros.forward_features(chip), mirror.forward_features(chip)
    # a chip of one colour looks the same everywhere to a network that does not see its edge
    torch.testing.assert_close(map_mirror, map_mirror[..., :1, :1].expand_as(map_mirror))
    assert (map_zeros - map_zeros[..., :1, :1]).abs().max() > 1e-3


def test_the_small_network_keeps_the_names_of_models_trained_before():
    names = set(backbones.build("small-cnn", 3, 2).state_dict())
    assert {"stem.0.weight", "stages.0.conv1.weight", "stages.4.norm2.running_var", "head.weight"} <= names
    assert {name.split(".")[0] for name in names} == {"stem", "stages", "head"}


def test_the_small_densenet_has_the_size_of_the_published_one():
    network = backbones.build("densenet-small", 3, 17)
    assert sum(value.numel() for value in network.parameters()) == pytest.approx(1.44e6, rel=0.02)


def test_the_small_densenet_is_the_start_of_torchvisions():
    from torchvision.models import densenet121

    network = backbones.start("densenet-small", 3, 17, "none", seed=0).eval()
    trunk = densenet121().features[:8].eval()  # up to the second transition
    del trunk.transition2.pool
    source, target = trunk.state_dict(), nn.ModuleList([network.stem, network.blocks]).state_dict()
    renamed = dict(zip(target, source.values(), strict=True))
    nn.ModuleList([network.stem, network.blocks]).load_state_dict(renamed)
    chips = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(network.blocks(network.stem(chips)), trunk(chips))


# ---- others'


def test_squeezenet_is_torchvisions_without_its_last_relu():
    from torchvision.models import squeezenet1_0

    ours = backbones.start("squeezenet1_0", 3, 7, "none", seed=0).eval()
    original = squeezenet1_0(num_classes=7).eval()
    original.load_state_dict(ours.state_dict())
    original.classifier[2] = nn.Identity()
    chips = torch.randn(2, 3, 64, 80)
    with torch.no_grad():
        torch.testing.assert_close(ours(chips), original(chips), atol=1e-5, rtol=1e-4)
        assert (ours(chips) < 0).any()


def test_vgg_is_timms_trunk_under_a_mean():
    import timm

    with torch.device("meta"):
        ours, original = backbones.build("vgg19", 3, 4), timm.create_model("vgg19", num_classes=4)
    assert sum(value.numel() for value in ours.parameters()) < 21e6
    trunk = {name: value.shape for name, value in original.state_dict().items() if name.startswith("features.")}
    found = {name: value.shape for name, value in ours.state_dict().items() if name.startswith("features.")}
    assert found == trunk
