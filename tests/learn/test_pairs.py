"""Two dates through one trunk: what is the same for both, what the head is given, and every way a network is run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from geolabel.errors import OptionError
from geolabel.learn import backbones, dense
from geolabel.learn.augment import Augmentation
from geolabel.learn.engines import Engine, equip
from geolabel.learn.engines.folding import fold
from geolabel.learn.pairs import Pairs, build_pairs, shared_statistics, start_pairs
from geolabel.learn.predictor import Predictor
from geolabel.learn.recipe import Recipe
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.model import BandContract, Head
from tests.learn import networks
from tests.learn.lessons import RECIPE, of_pixels, train

NAMES = ["small-cnn", "small-cnn-reflect", "cnn", "densenet-small", "squeezenet1_1", "resnet18"]
"""Of our own, torchvision's and timm's; below, those whose features are no map."""


def network(name: str, classes: int = 3, size: tuple[int, int] = (32, 32)) -> Pairs:
    return start_pairs(name, 2, classes, "none", 1, tile_px=size).eval()


def chips(count: int = 3, bands: int = 2, size: int = 32, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.randn(2, count, bands, size, size, generator=torch.Generator().manual_seed(seed))
    return both[0], both[1]


@torch.no_grad()
@pytest.mark.parametrize("name", [*NAMES, "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "convnext_atto"])
def test_the_head_is_given_both_dates_and_their_difference(name: str):
    """As the trunk alone would answer on each date."""
    pairs = network(name)
    before, after = chips()
    one, other = (backbones.trunk_features(pairs.trunk, date) for date in (before, after))
    expected = torch.cat([one, other, (other - one).abs()], dim=1)
    features = pairs.forward_features(torch.cat([before, after], dim=1))
    parts = pairs.forward_head(features, pre_logits=True)
    torch.testing.assert_close(parts, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pairs(torch.cat([before, after], dim=1)), pairs.head(expected), rtol=1e-4, atol=1e-5)


@torch.no_grad()
@given(st.integers(0, 100))
def test_what_did_not_change_has_no_difference(seed: int):
    pairs, (before, _) = network("cnn"), chips(seed=seed)
    same = torch.cat([before, before], dim=1)
    parts = pairs.forward_head(pairs.forward_features(same), pre_logits=True).chunk(3, dim=1)
    torch.testing.assert_close(parts[0], parts[1])
    assert float(parts[2].abs().max()) < 1e-5


@pytest.mark.parametrize("name", [*NAMES, "convnext_atto"])
def test_every_weight_learns_and_belongs_to_one_layer(name: str):
    pairs = network(name).train()
    pairs(torch.cat(chips(4), dim=1)).sum().backward()
    lost = [key for key, value in pairs.named_parameters() if value.grad is None]
    assert not lost
    layers = backbones.layer_groups(pairs)
    assert sorted(key for names in layers for key in names) == sorted(key for key, _ in pairs.named_parameters())
    assert layers[-1] == ["head.weight", "head.bias"]
    assert set(backbones.head_parameters(pairs)) == set(layers[-1])


def test_the_trunk_starts_from_weights_of_one_date_and_of_two(tmp_path):
    plain = networks.classifier(networks.card("small-cnn"))
    save_predictor(tmp_path / "one.safetensors", plain)
    one = start_pairs("small-cnn", 4, 2, str(tmp_path / "one.safetensors"), 0, tile_px=(64, 64))
    pairs = networks.classifier(pair_card("small-cnn"))
    save_predictor(tmp_path / "two.safetensors", pairs)
    two = start_pairs("small-cnn", 4, 5, str(tmp_path / "two.safetensors"), 0, tile_px=(64, 64))
    for name, value in one.trunk.state_dict().items():
        assert torch.equal(value, plain.network.state_dict()[name]), name
    for name, value in two.trunk.state_dict().items():
        assert torch.equal(value, pairs.network.state_dict()[f"trunk.{name}"]), name


def pair_card(name: str, size: tuple[int, int] = (64, 64), **settings: object):
    from dataclasses import replace

    told = networks.card(name, size, pairs="head", **settings)
    bands = tuple(replace(band, name=f"{date}.{band.name}") for date in ("before", "after") for band in told.bands)
    return replace(told, bands=bands)


def pair_tiles(count: int) -> tuple[np.ndarray, np.ndarray]:
    (before, valid), (after, _) = networks.tiles(count), networks.tiles(count, seed=1)
    return np.concatenate([before, after], axis=1), valid


@pytest.mark.parametrize("apart", [False, True])
def test_the_file_gives_the_same_answers(tmp_path, apart: bool):
    predictor = networks.classifier(pair_card("cnn", **({"apart": True} if apart else {})))
    save_predictor(tmp_path / "model.safetensors", predictor)
    found = load_predictor(tmp_path / "model.safetensors", torch.device("cpu"))
    assert found.card.is_of_pairs
    assert not networks.card("cnn").is_of_pairs
    np.testing.assert_array_equal(found(*pair_tiles(5)), predictor(*pair_tiles(5)))


@pytest.mark.parametrize("name", ["small-cnn", "cnn", "resnet18"])
def test_norms_are_folded_and_answers_stay(name: str):
    """Each convolution of the trunk is called once, so that its norm may be folded into it."""
    predictor = networks.classifier(pair_card(name))
    assert predictor.network is not None
    probe = torch.randn(2, 8, 64, 64, generator=torch.Generator().manual_seed(0))
    folded = fold(predictor.network, probe)
    assert isinstance(folded, Pairs)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    torch.testing.assert_close(folded(probe), predictor.network(probe), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["small-cnn", "squeezenet-reflect"])
def test_openvino_answers_the_same(name: str):
    pytest.importorskip("openvino", reason="openvino is not here: pip install geolabel[fast]")
    predictor = networks.classifier(pair_card(name))
    quick = equip(predictor, Engine("openvino", "fp32", 4))
    np.testing.assert_allclose(quick(*pair_tiles(7)), predictor(*pair_tiles(7)), atol=1e-3)


@pytest.mark.parametrize("name", ["small-cnn-reflect", "squeezenet-reflect"])
def test_a_region_is_answered_from_one_map_as_tile_by_tile(name: str):
    """Of a tile amid a strip, whose places see beyond it: the same where all around is the tile's own colour."""
    predictor: Predictor = networks.classifier(pair_card(name))
    assert dense.eligible(predictor, 16) == ""
    assert dense.ready(predictor)
    found = dense.make_dense(predictor, 16)
    colours = np.random.default_rng(0).integers(0, 3000, (8, 1, 1)).astype("uint16")
    strip = np.ascontiguousarray(np.broadcast_to(colours, (8, 128 + 2 * found.halo, 128 + 2 * found.halo)))
    at = np.array([found.halo, found.halo + 48])
    many = found(strip, np.ones(strip.shape[1:], bool), at, at)
    alone = predictor(strip[None, :, :64, :64], np.ones((1, 64, 64), bool))
    np.testing.assert_allclose(many, np.repeat(alone, 2, axis=0), atol=1e-3)


@given(
    means=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
    spreads=st.tuples(st.floats(0.5, 3), st.floats(0.5, 3)),
)
def test_both_dates_share_the_statistics_of_both(means: tuple[float, float], spreads: tuple[float, float]):
    rng = np.random.default_rng(0)
    values = [rng.normal(mean, spread, 500) for mean, spread in zip(means, spreads, strict=True)]
    bands = [
        BandContract(name, scale, 0.0, float(part.mean()), float(part.std()))
        for name, scale, part in zip(("before.red", "after.red"), (1e-4, 2e-5), values, strict=True)
    ]
    one, other = shared_statistics(bands)
    both = np.concatenate(values)
    assert one.mean == other.mean == pytest.approx(both.mean(), abs=1e-9)
    assert one.std == other.std == pytest.approx(both.std())
    assert (one.name, one.scale, other.name, other.scale) == ("before.red", 1e-4, "after.red", 2e-5)


def test_dates_are_turned_alike_and_lit_each_by_itself():
    same = torch.randn(16, 2, 12, 12, generator=torch.Generator().manual_seed(0)).repeat(1, 2, 1, 1)
    valid = torch.ones(16, 12, 12, dtype=torch.bool)

    def done(text: str) -> tuple[torch.Tensor, torch.Tensor]:
        augmentation = Augmentation.parse(text, dates=2)
        draws = augmentation.draw(16, 4, torch.Generator().manual_seed(1))
        parts = [augmentation.apply(same[part], valid[part], draws[part]) for part in (slice(0, 7), slice(7, 16))]
        before, after = torch.cat(parts).chunk(2, dim=1)
        return before, after

    before, after = done("dihedral,scale")
    assert torch.equal(before, after)
    assert not torch.equal(before, same[:, :2])
    for name in ("light", "haze", "bands", "clouds"):
        before, after = done(name)
        assert not torch.equal(before, after), name


def test_a_change_is_learned_that_no_date_tells_alone():
    """Both dates are bright or dark by chance; the class is that they differ."""
    rng = np.random.default_rng(0)
    dates = rng.random((120, 2)) < 0.5
    pixels = rng.normal(100, 5, (120, 2, 16, 16)) + 40 * dates[:, :, None, None]
    wanted = (dates[:, :1] != dates[:, 1:]).astype(np.float32)
    task, normalise = of_pixels(pixels.astype("uint8"), wanted, (Head("h", "sigmoid", ("changed",)),))
    recipe = Recipe(**{**{name: getattr(RECIPE, name) for name in ("batch", "precision")}, "epochs": 4}, pairs=True)
    run = train(recipe, task, normalise, network=start_pairs("cnn", 1, 1, "none", 0, tile_px=(16, 16)))
    assert max(row.val_average_precision for row in run.history) > 0.95


def test_what_knows_one_date_only_is_refused():
    with pytest.raises(OptionError, match="--dehaze knows one date only"):
        Recipe(pairs=True, dehaze=True)
    with pytest.raises(OptionError, match="no such network"):
        build_pairs("small-cmm", 2, 1, tile_px=(32, 32))
