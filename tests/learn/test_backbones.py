"""Networks by name, for any number of bands, and weights from files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from geolabel.errors import ModelError, OptionError
from geolabel.learn import backbones


@pytest.mark.parametrize("name", ["small-cnn", "resnet10t", "mobilenetv3_small_050"])
@pytest.mark.parametrize("bands", [1, 4])
def test_networks_take_any_bands_and_give_logits(name: str, bands: int):
    network = backbones.start(name, bands, 5, "none", seed=1).eval()
    assert network(torch.zeros(2, bands, 48, 40)).shape == (2, 5)


def test_the_same_seed_gives_the_same_start():
    one, two, other = (backbones.start("small-cnn", 3, 2, "none", seed) for seed in (4, 4, 5))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_names_that_nobody_knows():
    with pytest.raises(OptionError, match="did you mean .*resnet18"):
        backbones.build("resnet81", 3, 2)
    with pytest.raises(OptionError, match="--weights none"):
        backbones.build("small-cnn", 3, 2, pretrained=True)


def test_weights_from_a_file_but_not_its_head(tmp_path: Path):
    taught = backbones.start("small-cnn", 3, 7, "none", seed=1)
    save_file(taught.state_dict(), tmp_path / "w.safetensors")
    network = backbones.start("small-cnn", 3, 2, str(tmp_path / "w.safetensors"), seed=2)
    assert torch.equal(network.state_dict()["stem.0.weight"], taught.state_dict()["stem.0.weight"])
    assert network.state_dict()["head.weight"].shape == (2, 192)


def test_weights_that_fit_nothing(tmp_path: Path):
    save_file({"other": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="none of its 1 tensors fits"):
        backbones.start("small-cnn", 3, 2, str(tmp_path / "w.safetensors"), seed=1)
    (tmp_path / "w.pt").write_bytes(b"PK\x03\x04 not safetensors at all, rather a zip")
    with pytest.raises(ModelError, match="pickles are not read"):
        backbones.start("small-cnn", 3, 2, str(tmp_path / "w.pt"), seed=1)
    with pytest.raises(ModelError, match="no such file|No such file"):
        backbones.start("small-cnn", 3, 2, str(tmp_path / "none.safetensors"), seed=1)
