"""The models that come with geolabel: listed, shown, and taken where they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from affine import Affine

from geolabel.errors import ContractError, ModelError
from geolabel.learn import backbones
from geolabel.learn.forward import make_classifier
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.model import BandContract, Head, ModelCard
from geolabel.steps import models, preflight
from geolabel.steps.models import built_in, choose_model, find_model, list_models, show_model
from geolabel.steps.predict_tiles import predict_tiles
from geolabel.steps.tile import tile
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

RGB = ("red", "green", "blue")
SCALE = 0.3 / 255
CARD = ModelCard(
    architecture="small-cnn",
    heads=(Head("classes", "sigmoid", ("mine",)),),
    scheme={"name": "m", "classes": [{"name": "mine"}]},
    bands=tuple(BandContract(name, SCALE, 0.0, 0.12, 0.05) for name in RGB),
    dtype="uint8",
    gsd_m=10.0,
    tile_px=(48, 48),
    presence={"mine": 0.1},
    thresholds={"mine": 0.5},
    abstain={"mine": (0.4, 0.6)},
    settings={"encodings": {"uint8": SCALE, "uint16": 1e-4}, "clip": [0.0, 0.3]},
    licence="MIT",
)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    network = backbones.start("small-cnn", 3, 1, "none", 0)
    save_predictor(folder / "little.safetensors", make_classifier(CARD, network, torch.device("cpu")))
    monkeypatch.setattr(models, "_FOLDER", folder)
    return folder


def test_what_is_there_is_listed_and_shown(shelf: Path):
    (row,) = list_models().models
    assert (row.name, row.classes, row.bands, row.gsd_m) == ("little", ("mine",), RGB, 10.0)
    told = show_model("little")
    assert told.path == shelf / "little.safetensors"
    assert told.classes[0].undecided == "0.4 to 0.6"


def test_a_name_is_a_model_and_a_path_a_file(shelf: Path, tmp_path: Path):
    assert find_model("little") == shelf / "little.safetensors"
    assert find_model(str(tmp_path / "other.safetensors")) == tmp_path / "other.safetensors"
    with pytest.raises(ModelError, match="no model that comes with geolabel; those are little"):
        find_model("middle")


@pytest.mark.usefixtures("shelf")
def test_a_raster_that_fits_gets_it(write_raster: WriteRaster, caplog: pytest.LogCaptureFixture):
    eight = write_raster("a.tif", np.full((3, 64, 64), 100, "uint8"), descriptions=RGB)
    assert choose_model(eight).stem == "little"
    assert "taken is little, which tells mine" in caplog.text
    sixteen = write_raster("b.tif", np.full((4, 64, 64), 1200, "uint16"), descriptions=(*RGB, "nir"))
    assert choose_model(sixteen).stem == "little"
    unnamed = write_raster("c.tif", np.full((3, 64, 64), 100, "uint8"))
    assert choose_model(unnamed, RGB).stem == "little"


@pytest.mark.usefixtures("shelf")
def test_a_raster_that_does_not_fit_is_told_why(write_raster: WriteRaster):
    bands = write_raster("a.tif", np.full((2, 64, 64), 100, "uint8"), descriptions=("nir", "red"))
    with pytest.raises(ContractError, match=r"a\.tif: give a --model; .*little needs the bands red, green, blue"):
        choose_model(bands)
    kind = write_raster("b.tif", np.full((3, 64, 64), 0.1, "float32"), descriptions=RGB)
    with pytest.raises(ContractError, match="was made for uint8 pixels, found float32"):
        choose_model(kind)
    coarse = Affine(30, 0, 500_000, 0, -30, 5_000_000)
    path = write_raster("c.tif", np.full((3, 64, 64), 100, "uint8"), descriptions=RGB, transform=coarse)
    with pytest.raises(ContractError, match="needs pixels of about 10 m, found 30 m"):
        choose_model(path)


def test_reflectance_and_true_colour_enter_the_network_alike(write_raster: WriteRaster):
    """A reflectance of .06 is stored as 51 in a picture stretched to .3, and as 600 × 10⁻⁴."""
    network = backbones.start("small-cnn", 3, 1, "none", 0)
    ready = make_classifier(CARD, network, torch.device("cpu"))
    valid, found = np.ones((1, 48, 48), bool), []
    rng = np.random.default_rng(0)
    levels = rng.integers(20, 256, (1, 3, 48, 48))
    bright = levels * SCALE * 1e4
    bright[levels == 255] = 9000  # brighter than white
    for pixels in (levels.astype("uint8"), bright.round().astype("uint16")):
        path = write_raster(f"{pixels.dtype}.tif", pixels[0], descriptions=RGB)
        fit = preflight.check(path, CARD)
        found.append(float(ready.with_card(preflight.adapted(CARD, fit))(pixels, valid)[0, 0]))
    assert found[0] == pytest.approx(found[1], abs=2e-3)


def test_tiles_are_read_as_the_raster_is(write_raster: WriteRaster, shelf: Path, tmp_path: Path):
    pixels = np.random.default_rng(0).integers(20, 250, (3, 96, 96)).astype("uint8")
    path = write_raster("r.tif", pixels, descriptions=RGB)
    tile([path], size=48, output=tmp_path / "t.parquet")
    report = predict_tiles(tmp_path / "t.parquet", model=shelf / "little.safetensors", output=tmp_path / "p.parquet")
    found = read_index(report.output).column("probability.mine")
    network = load_predictor(shelf / "little.safetensors", torch.device("cpu"))
    ready = network.with_card(preflight.adapted(CARD, preflight.check(path, CARD)))
    chips = np.stack([pixels[:, top : top + 48, left : left + 48] for top in (0, 48) for left in (0, 48)])
    wanted = ready(chips, np.ones((4, 48, 48), bool))[:, 0]
    assert found == pytest.approx(wanted, abs=1e-5)
    assert np.ptp(found) > 1e-4


def reads(write_raster: WriteRaster, pixels: np.ndarray, **more: float) -> preflight.Fit:
    return preflight.check(write_raster("u.tif", pixels, descriptions=RGB), CARD, **more)


def test_an_encoding_that_is_taken_for_granted_is_checked(write_raster: WriteRaster, caplog: pytest.LogCaptureFixture):
    usual = np.full((3, 64, 64), 1200, "uint16")
    reads(write_raster, usual)
    assert not caplog.text
    reads(write_raster, usual + 1000)
    assert "offset of 1000" in caplog.text
    for wrong in (usual * 15, usual // 10):
        with pytest.raises(ContractError, match="far from what the model knows; what do they mean"):
            reads(write_raster, wrong)


def test_floats_are_told_the_factor_that_suits_the_model(write_raster: WriteRaster, caplog: pytest.LogCaptureFixture):
    path = write_raster("f.tif", np.full((3, 64, 64), 0.12, "float32"), descriptions=RGB)
    with pytest.raises(ContractError, match="850 if the unit is the same"):
        preflight.check(path, CARD)
    preflight.check(path, CARD, scale=850)
    assert not caplog.text
    preflight.check(path, CARD, scale=1)
    assert "brighter or darker than most of what the model knows" in caplog.text


def test_models_that_come_with_geolabel_keep_their_promises():
    for path in built_in().values():
        assert path.stat().st_size <= 6e6
        told = show_model(path.stem)
        assert told.licence
        assert any("Copernicus" in text for text in told.attribution)
