"""Starting weights: files of every kind, other names, bands and heads; and the real ones of SqueezeNet."""

from __future__ import annotations

import csv
import logging
import pickle
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch.nn import functional

from geolabel.errors import GeolabelError, InputError, ModelError
from geolabel.learn import backbones
from geolabel.learn.backbones.fit import adapt_bands
from geolabel.learn.backbones.weights import read_weights
from geolabel.model import BandContract, Head, ModelCard, write_model


def state(name: str = "small-cnn", bands: int = 3, classes: int = 7, seed: int = 1, **options):
    return backbones.start(name, bands, classes, "none", seed, **options).state_dict()


def begin(path: Path, bands: int = 3, classes: int = 7, name: str = "small-cnn", **options):
    return backbones.start(name, bands, classes, str(path), seed=2, **options).eval()


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


# ---- bands


@given(before=st.integers(1, 13), after=st.integers(1, 13), seed=st.integers(0, 99))
def test_equal_bands_are_answered_as_before(before: int, after: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.randn(4, before, 3, 3, generator=generator)
    chip = torch.randn(2, 1, 8, 8, generator=generator)
    adapted = adapt_bands(kernel, after)
    assert adapted.shape == (4, after, 3, 3)
    torch.testing.assert_close(
        functional.conv2d(chip.expand(-1, after, -1, -1), adapted),
        functional.conv2d(chip.expand(-1, before, -1, -1), kernel),
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("bands", [1, 3, 6, 12])
def test_bands_are_adapted_as_timm_does_where_colours_come_in_full(bands: int):
    from timm.models import adapt_input_conv

    kernel = torch.randn(5, 3, 7, 7)
    torch.testing.assert_close(adapt_bands(kernel, bands), adapt_input_conv(bands, kernel))


def test_bands_by_hand():
    kernel = torch.tensor([3.0, 6.0, 9.0]).reshape(1, 3, 1, 1)
    assert adapt_bands(kernel, 4).flatten().tolist() == [2.25, 4.5, 6.75, 4.5]  # × 3/4, and the mean for the fourth
    assert adapt_bands(kernel, 2).flatten().tolist() == [7.5, 10.5]  # the third's 9, shared


def test_weights_for_other_bands_answer_grey_chips_alike(tmp_path: Path):
    save_file(state(bands=3), tmp_path / "w.safetensors")
    three, five = begin(tmp_path / "w.safetensors", bands=3), begin(tmp_path / "w.safetensors", bands=5)
    grey = torch.randn(2, 1, 48, 48)
    with torch.no_grad():
        torch.testing.assert_close(
            five(grey.expand(-1, 5, -1, -1)), three(grey.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-3
        )


# ---- files


def write(path: Path, tensors) -> Path:
    match path.suffix:
        case ".safetensors":
            save_file(tensors, path)
        case ".npz":
            np.savez(path, **{name: value.numpy() for name, value in tensors.items()})
        case _:
            torch.save(tensors, path)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.pt", "w.pth", "checkpoint"])
def test_what_was_written_is_loaded(tmp_path: Path, name: str):
    taught = state()
    assert same(begin(write(tmp_path / name, taught)).state_dict(), taught)


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "network.", "module.model.", "_orig_mod."])
def test_names_with_the_prefixes_of_wrappers(tmp_path: Path, prefix: str):
    taught = state()
    path = write(tmp_path / "w.npz", {prefix + name: value for name, value in taught.items()})
    assert same(begin(path).state_dict(), taught)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "teacher"])
def test_weights_within_a_checkpoint(tmp_path: Path, key: str):
    taught = state()
    torch.save({"epoch": 3, "rate": torch.tensor(0.1), key: taught, "optimizer": {"lr": 0.1}}, tmp_path / "c.pt")
    assert same(begin(tmp_path / "c.pt").state_dict(), taught)


def test_running_means_are_preferred(tmp_path: Path):
    mean = state(seed=8)
    torch.save({"state_dict": state(seed=9), "state_dict_ema": mean}, tmp_path / "c.pt")
    assert same(begin(tmp_path / "c.pt").state_dict(), mean)


def test_half_precision_is_loaded_into_single(tmp_path: Path):
    taught = {name: value.half() if value.is_floating_point() else value for name, value in state().items()}
    found = begin(write(tmp_path / "w.npz", taught)).state_dict()
    assert all(value.dtype == taught[name].float().dtype for name, value in found.items() if value.is_floating_point())
    assert all(torch.equal(value, taught[name].to(value.dtype)) for name, value in found.items())


def test_a_model_of_geolabels_is_fine_tuned(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    taught = state(classes=2)
    card = ModelCard(
        architecture="small-cnn",
        heads=(Head("labels", "sigmoid", ("forest", "mine")),),
        scheme={},
        bands=tuple(BandContract(name, 1.0, 0.0, 0.0, 1.0) for name in ("red", "green", "blue")),
        dtype="uint8",
        gsd_m=10.0,
        tile_px=(48, 48),
        presence={"forest": 0.1, "mine": 0.1},
        thresholds={"forest": 0.5, "mine": 0.5},
    )
    write_model(tmp_path / "model.safetensors", card, {name: value.numpy() for name, value in taught.items()})
    with caplog.at_level(logging.INFO, logger="geolabel"):
        network = begin(tmp_path / "model.safetensors", bands=4, classes=5)
    found = network.state_dict()
    assert torch.equal(found["stages.4.conv2.weight"], taught["stages.4.conv2.weight"])
    assert found["head.weight"].shape == (5, 192)
    assert f"{len(taught) - 2} of {len(taught)} tensors loaded" in caplog.text
    assert "weights for 3 bands were adapted to 4" in caplog.text
    assert "the head, head.weight, head.bias; they start anew" in caplog.text


def test_the_head_of_the_same_classes_is_loaded_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="geolabel"):
        begin(write(tmp_path / "w.pt", state()))
    assert "anew" not in caplog.text


def test_a_transformer_of_another_tile_size(tmp_path: Path):
    from timm.layers import resample_abs_pos_embed

    taught = state("vit_tiny_patch16_224", tile_px=(64, 64))
    taught["pos_embed"] = torch.randn_like(taught["pos_embed"])
    found = begin(write(tmp_path / "w.safetensors", taught), 3, 7, "vit_tiny_patch16_224", tile_px=(100, 75))
    expected = resample_abs_pos_embed(taught["pos_embed"], new_size=[5, 7], num_prefix_tokens=1)
    torch.testing.assert_close(found.state_dict()["pos_embed"], expected)
    again = begin(write(tmp_path / "a.npz", found.state_dict()), 3, 7, "vit_tiny_patch16_224", tile_px=(100, 75))
    assert same(again.state_dict(), found.state_dict())


# ---- files that are no use


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_code_in_a_pickle_is_not_run(tmp_path: Path, kind: str):
    content = {"state_dict": state(), "config": _Trap(tmp_path / "sprung")}
    if kind == "torch":
        torch.save(content, tmp_path / "w.pt")
    else:
        (tmp_path / "w.pt").write_bytes(pickle.dumps(content))
    with pytest.raises(ModelError, match="could run code when opened.*safetensors.torch.save_file") as caught:
        begin(tmp_path / "w.pt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "sprung").exists()
    torch.load(tmp_path / "w.pt", weights_only=False) if kind == "torch" else pickle.loads(
        (tmp_path / "w.pt").read_bytes()
    )
    assert (tmp_path / "sprung").exists()  # it was a trap


@pytest.mark.parametrize("name", ["w.safetensors", "w.npz", "w.pt"])
@pytest.mark.parametrize("kept", [0.0, 3e-7, 0.001, 0.5, 0.999])
def test_truncated_files(tmp_path: Path, name: str, kept: float):
    path = write(tmp_path / name, state())
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content) + 0.5)])
    with pytest.raises(GeolabelError, match=name):
        begin(path)


def test_files_that_hold_something_else(tmp_path: Path):
    np.savez(tmp_path / "objects.npz", a=np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "words.npz", a=np.array(["forest"]))
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    torch.save({"epoch": 3}, tmp_path / "nothing.pt")
    torch.save(backbones.build("cnn", 3, 2), tmp_path / "module.pt")
    (tmp_path / "page.html").write_text("<html>not found</html>")
    (tmp_path / "w.pt").write_bytes(b"PK\x03\x04 rather a zip")
    for name, why in {
        "objects.npz": "arrays that are no numbers",
        "words.npz": "arrays that are no numbers",
        "tensor.pt": "holds no state dict",
        "nothing.pt": "holds no state dict",
        "module.pt": "could run code",
        "page.html": "no safetensors, npz or torch file",
        "w.pt": "truncated or damaged",
    }.items():
        with pytest.raises(ModelError, match=why):
            read_weights(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        begin(tmp_path / "none.safetensors")


def test_weights_that_fit_nothing_or_little(tmp_path: Path):
    save_file({"other": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="none of its 1 tensors fits"):
        begin(tmp_path / "w.safetensors")
    save_file(state("cnn"), tmp_path / "w.safetensors")  # nothing but a bias of its head has a shape that fits
    with pytest.raises(ModelError, match="holds only 0% of this network"):
        begin(tmp_path / "w.safetensors")
    taught = state()
    largest = sorted((name for name in taught if "head" not in name), key=lambda name: -taught[name].numel())
    # three kernels of 192 × 192 × 3 × 3 lead: two of them are 43 % of 1.55 million parameters, three are 64 %
    save_file({name: taught[name] for name in largest[:2]}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="holds only 43% of this network below its head"):
        begin(tmp_path / "w.safetensors")
    save_file({name: taught[name] for name in largest[:3]}, tmp_path / "w.safetensors")
    begin(tmp_path / "w.safetensors")
    save_file({name: value for name, value in taught.items() if "head" in name}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="holds only 0%"):
        begin(tmp_path / "w.safetensors")


# ---- the library's own


def test_default_weights_come_from_the_library_and_are_adapted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import timm

    real = timm.create_model
    start = state("resnet10t", classes=1000)
    taught = {name: torch.rand_like(value) if value.ndim else value for name, value in start.items()}
    save_file(taught, tmp_path / "hub.safetensors")

    def local(name: str, *, pretrained: bool = False, **options):
        overlay = {"file": str(tmp_path / "hub.safetensors")} if pretrained else None
        return real(name, pretrained=pretrained, pretrained_cfg_overlay=overlay, **options)

    monkeypatch.setattr(timm, "create_model", local)
    for bands in (3, 4):
        found = backbones.start("resnet10t", bands, 6, "default", seed=0).state_dict()
        for name, value in found.items():
            if name == "conv1.0.weight":
                torch.testing.assert_close(value, adapt_bands(taught[name], bands))
            elif not name.startswith("fc."):
                assert torch.equal(value, taught[name]), name
        assert found["fc.weight"].shape == (6, 512)


def test_no_network_for_default_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import timm
    import torchvision.models._api as api

    def unreachable(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setattr(api, "load_state_dict_from_url", unreachable)
    with pytest.raises(ModelError, match="squeezenet1_1 cannot be downloaded.*--weights none, or a file"):
        backbones.start("squeezenet1_1", 3, 2, "default", seed=0)
    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda *a, **k: unreachable() if k["pretrained"] else real(*a, **k))
    with pytest.raises(ModelError, match="resnet10t cannot be downloaded.*--weights none, or a file"):
        backbones.start("resnet10t", 3, 2, "default", seed=0)
    monkeypatch.setattr(timm, "create_model", real)
    untrained = next(name for name in timm.list_models("resnet*") if not timm.is_model_pretrained(name))
    with pytest.raises(ModelError, match=f"{untrained} has no pretrained weights"):
        backbones.start(untrained, 3, 2, "default", seed=0)


# ---- real ones


@pytest.fixture(scope="module")
def imagenet(shared_data: Path) -> Path:
    path = shared_data / "squeezenet-imagenet" / "squeezenet1_0_torchvision_fp16.npz"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    return path


@pytest.fixture(scope="module")
def mining(shared_data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """600 chips (600, 48, 48, 3) of twelve sheets, whether they show a mine, and their sheets."""
    from PIL import Image

    folder = shared_data / "amazon-mining"
    if not folder.is_dir():
        pytest.skip(f"not here: {folder}")
    with (folder / "chips.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    sizes: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["mine"], row["sheet"]
        sizes[key] = sizes.get(key, 0) + 1
    chips, mine, sheets = [], [], []
    for wanted in "10":
        largest = sorted((key for key in sizes if key[0] == wanted), key=lambda key: -sizes[key])[:6]
        for _, sheet in largest:
            pixels = np.asarray(Image.open(folder / "sheets" / sheet).convert("RGB"))
            for row in [row for row in rows if row["sheet"] == sheet and row["mine"] == wanted][:50]:
                top, left = int(row["row"]) * 48, int(row["col"]) * 48
                chips.append(pixels[top : top + 48, left : left + 48])
                mine.append(wanted == "1")
                sheets.append(sheet)
    return np.stack(chips), np.array(mine), np.array(sheets)


def as_input(chips: np.ndarray) -> torch.Tensor:
    """ImageNet's normalisation."""
    values = torch.from_numpy(chips.transpose(0, 3, 1, 2).copy()).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (values - mean[:, None, None]) / std[:, None, None]


def features(network: torch.nn.Module, chips: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return torch.cat([backbones.trunk_features(network, part) for part in chips.split(60)]).numpy()


def test_squeezenets_weights_fit_in_full(imagenet: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="geolabel"):
        network = begin(imagenet, 3, 1000, "squeezenet1_0")
    assert "52 of 52 tensors loaded" in caplog.text
    assert "anew" not in caplog.text
    stored = np.load(imagenet)
    for name, value in network.state_dict().items():
        assert np.array_equal(value.numpy(), stored[name].astype(np.float32)), name


def test_squeezenets_features_are_torchvisions(imagenet: Path, mining):
    from torchvision.models import squeezenet1_0

    network = begin(imagenet, 3, 1000, "squeezenet1_0")
    original = squeezenet1_0().eval()
    original.load_state_dict({name: torch.from_numpy(value).float() for name, value in np.load(imagenet).items()})
    chips = as_input(mining[0][::20])
    with torch.inference_mode():
        expected = original.features(chips).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(features(network, chips), expected, atol=1e-4, rtol=1e-4)


def test_squeezenet_sees_the_same_thing_in_half_precision(imagenet: Path, mining):
    network = begin(imagenet, 3, 1000, "squeezenet1_0")
    chips = functional.interpolate(as_input(mining[0][::20]), size=(112, 112), mode="bilinear")
    with torch.inference_mode():
        single = network(chips).argmax(dim=1)
        half = network.half()(chips.half()).argmax(dim=1)
    assert (single == half).float().mean() > 0.9
    assert len(single.unique()) > 5  # it tells chips apart


@pytest.mark.parametrize("bands", [3, 4])
def test_squeezenet_knows_a_picture_again(imagenet: Path, mining, bands: int):
    network = begin(imagenet, bands, 2, "squeezenet1_0")
    chips = as_input(mining[0][::12])
    changed = chips.flip(3) * 1.1 + 0.05
    if bands == 4:  # a fourth band that says little more than the others
        chips, changed = (torch.cat([part, part.mean(dim=1, keepdim=True)], dim=1) for part in (chips, changed))
    one, other = (features(network, part) for part in (chips, changed))
    one, other = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (one, other))
    assert np.mean((other @ one.T).argmax(axis=1) == np.arange(len(one))) > 0.8


def test_frozen_features_find_mines_better_than_mean_colours(imagenet: Path, mining):
    """Sheets are kept apart, or any model would look good: sheets differ in their colours."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chips, mine, sheets = mining

    def merit(found: np.ndarray, strength: float) -> float:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        chance = cross_val_predict(model, found, mine, groups=sheets, cv=GroupKFold(6), method="predict_proba")
        return float(average_precision_score(mine, chance[:, 1]))

    taught, untaught = (
        features(backbones.start("squeezenet1_0", 3, 2, weights, seed=0).eval(), as_input(chips))
        for weights in (str(imagenet), "none")
    )
    colours = merit(chips.mean(axis=(1, 2)), 1.0)
    merits = merit(taught, 0.01), merit(untaught, 0.01), colours
    assert merits[0] > colours + 0.1, merits
    assert merits[0] > merits[1] + 0.05, merits
