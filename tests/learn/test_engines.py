"""Engines answer as plain torch does, and the trial takes none that does not."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from geolabel.errors import InstallError, OptionError
from geolabel.learn.baselines import BaselinePredictor, StatisticsFeatures
from geolabel.learn.engines import Engine, choose, default_engine, equip, trial
from geolabel.learn.engines import candidates as offered
from geolabel.learn.engines.openvino import load_openvino
from geolabel.learn.ensemble import EnsemblePredictor
from geolabel.learn.ensemble.combination import Combination
from geolabel.learn.forward import Classifier
from geolabel.learn.predictor import Calibrated, Predictor
from geolabel.learn.turned import Turned, turned
from geolabel.model import exclusive, rescaled
from geolabel.scoring.calibration import Calibration
from geolabel.scoring.calibration_maps import Temperature
from tests.learn.networks import HEADS, card, classifier, tiles

CPU = torch.device("cpu")
COOL = Calibration("temperature", (Temperature(0.5), Temperature(2.0), None, None, None))


def need_openvino() -> None:
    """Not `importorskip`: imported like that, it reports its use over the net."""
    try:
        load_openvino()
    except InstallError as error:
        pytest.skip(str(error))


def ensemble(*members: Predictor) -> EnsemblePredictor:
    count = len(members)
    weight = np.full((5, count), 1 / count, np.float32)
    mean = Combination("mean", exclusive(HEADS), weight, np.zeros(5, np.float32), np.arange(5, dtype=np.int32))
    return EnsemblePredictor(card("ensemble"), members, mean)


@given(st.sampled_from(["fp32", "bf16", "fp16"]), st.integers(1, 10_000), st.booleans(), st.floats(0, 1))
def test_an_engine_survives_json(precision: str, batch: int, compiled: bool, moved: float):
    engine = Engine("torch", precision, batch, compiled, moved)
    assert Engine.from_json(json.loads(json.dumps(engine.to_json()))) == engine


@pytest.mark.parametrize(
    "wrong", [("tpu", "fp32", 4), ("torch", "int8", 4), ("torch", "fp32", 0), ("openvino", "fp16", 4)]
)
def test_an_engine_that_cannot_be_is_refused(wrong: tuple[str, str, int]):
    with pytest.raises(OptionError):
        Engine(*wrong)


def test_the_default_is_what_an_unequipped_model_does():
    assert default_engine(CPU, 256, 256) == Engine("torch", "fp32", 8)
    assert default_engine(CPU, 4096, 4096) == Engine("torch", "fp32", 1)


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("kind", ["torch", "openvino"])
def test_the_batch_does_not_change_an_answer(kind: str, batch: int):
    if kind == "openvino":
        need_openvino()
    plain = classifier(card("small-cnn"))
    pixels, valid = tiles(7)
    equipped = equip(plain, Engine(kind, "fp32", batch))
    np.testing.assert_allclose(equipped(pixels, valid), plain(pixels, valid), atol=1e-4)
    assert equipped(pixels[:0], valid[:0]).shape == (0, 5)


@pytest.mark.parametrize(
    "architecture",
    ["small-cnn", "small-cnn-reflect", "resnet18", "efficientnet_b0", "squeezenet-reflect", "vit_tiny_patch16_224"],
)
def test_openvino_answers_as_torch_does(architecture: str):
    need_openvino()
    plain = classifier(card(architecture))
    pixels, valid = tiles(6)
    wanted = plain(pixels, valid)
    assert np.abs(equip(plain, Engine("openvino", "fp32", 4))(pixels, valid) - wanted).max() < 1e-4
    assert np.abs(equip(plain, Engine("openvino", "bf16", 4))(pixels, valid) - wanted).max() < 0.01


def test_openvino_reads_tiles_of_any_size():
    need_openvino()
    plain = classifier(card("small-cnn", (48, 32)))
    equipped = equip(plain, Engine("openvino", "bf16", 2))
    for size in ((48, 32), (32, 32)):
        pixels, valid = tiles(3, size)
        assert np.abs(equipped(pixels, valid) - plain(pixels, valid)).max() < 0.01


def test_openvino_is_kept_from_reporting_its_use(tmp_path: Path):
    """Its telemetry leaves files in the home folder where it is on."""
    need_openvino()
    import subprocess

    code = "from geolabel.learn.engines.openvino import load_openvino; load_openvino().Core()"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=100)
    assert not (tmp_path / "intel").exists()


def test_every_network_of_a_model_is_equipped_and_nothing_else():
    first, second = classifier(card("small-cnn")), classifier(card("cnn"))
    model = Calibrated(ensemble(Calibrated(first, COOL), second), COOL)
    pixels, valid = tiles(5)
    engine = Engine("torch", "fp32", 2)
    equipped = equip(turned(model, "flips"), engine)
    assert isinstance(equipped, Calibrated)
    assert isinstance(equipped.inner, Turned)
    inside = equipped.inner.inner
    assert isinstance(inside, EnsemblePredictor)
    assert isinstance(inside.members[0], Calibrated)
    leaves = (inside.members[0].inner, inside.members[1])
    assert all(isinstance(leaf, Classifier) and leaf.batch == 2 and leaf.run is not None for leaf in leaves)
    np.testing.assert_allclose(equip(model, engine)(pixels, valid), model(pixels, valid), atol=2e-4)
    assert set(equipped.weights()) == set(model.weights())


def test_what_has_no_network_stays_as_it_is():
    told = card("rf")
    model = BaselinePredictor(told, StatisticsFeatures(told.bands), cast("Any", None))
    assert equip(model, Engine("torch", "bf16", 4)) is model
    pixels, valid = tiles(4)
    assert choose(model, pixels, valid) == default_engine(CPU, 64, 64)
    assert choose(model, pixels, valid, batch=3).batch == 3


def test_another_scale_reaches_an_equipped_model():
    plain = classifier(card("small-cnn"))
    pixels, valid = tiles(4)
    told = rescaled(plain.card, [0.5] * 4, [300.0] * 4)
    wanted = plain.with_card(told)(pixels, valid)
    engine = Engine("torch", "fp32", 4)
    assert np.abs(wanted - plain(pixels, valid)).max() > 1e-3
    np.testing.assert_allclose(equip(plain, engine).with_card(told)(pixels, valid), wanted, atol=1e-4)
    np.testing.assert_allclose(equip(plain.with_card(told), engine)(pixels, valid), wanted, atol=1e-4)


class Cancelling(nn.Module):
    """The mean of what is left when a large number is added and taken away: nothing, with few digits."""

    def __init__(self) -> None:
        super().__init__()
        self.large = nn.Parameter(torch.tensor(1000.0))

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        left = (chips + self.large) - self.large
        return left.mean(dim=(2, 3))[:, [0, 1, 2, 3, 0]] * 5


def without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "find_spec", lambda name: None)


def fast_in_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine is like."""
    monkeypatch.setattr(offered, "_multiplies_bf16", lambda: True)
    monkeypatch.setattr(trial, "rate", lambda predictor, *_, **__: 1000.0 if _is_half(predictor) else 100.0)


def _is_half(predictor: Predictor) -> bool:
    (run,) = [cell.cell_contents for cell in predictor.run.__closure__ if isinstance(cell.cell_contents, torch.dtype)]
    return bool(run == torch.bfloat16)


def test_a_precision_that_moves_answers_is_refused(monkeypatch: pytest.MonkeyPatch):
    without_openvino(monkeypatch)
    fast_in_bf16(monkeypatch)
    pixels, valid = tiles(12)
    found = choose(classifier(card("x"), Cancelling()), pixels, valid, batch=4)
    assert found == Engine("torch", "fp32", 4)
    found = choose(classifier(card("small-cnn")), pixels, valid, batch=4)
    assert found.precision == "bf16"
    assert 0 < found.moved < 0.01


def test_a_precision_that_is_named_is_taken_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    without_openvino(monkeypatch)
    pixels, valid = tiles(8)
    with caplog.at_level(logging.WARNING, "geolabel"):
        found = choose(classifier(card("x"), Cancelling()), pixels, valid, precision="bf16", seconds=0.2)
    assert (found.kind, found.precision) == ("torch", "bf16")
    assert found.moved > 0.01
    assert f"{found.moved:.3f}" in caplog.text


def test_the_trial_finds_an_engine_that_answers_right():
    plain = classifier(card("small-cnn"))
    pixels, valid = tiles(20)
    found = choose(plain, pixels, valid, seconds=0.3)
    assert found.moved < 0.01
    assert 64 <= found.batch <= 256  # 64 px: as many pixels as 4 to 16 tiles of 256 px
    assert np.abs(equip(plain, found)(pixels, valid) - plain(pixels, valid)).max() < 0.01


def test_larger_batches_are_tried_as_long_as_they_are_faster(monkeypatch: pytest.MonkeyPatch):
    speeds = {64: 100.0, 128: 150.0, 256: 151.0}
    monkeypatch.setattr(trial, "rate", lambda predictor, *_, **__: speeds[predictor.batch])
    pixels, valid = tiles(4)
    assert choose(classifier(card("small-cnn")), pixels, valid, kind="torch", precision="fp32").batch == 128


def test_what_is_to_be_compiled_is_tried_as_it_is():
    pixels, valid = tiles(4)
    found = choose(classifier(card("small-cnn")), pixels, valid, compiled=True, seconds=0.1)
    assert found.compiled
    assert found.kind == "torch"
    with pytest.raises(OptionError, match="--compile"):
        choose(classifier(card("small-cnn")), pixels, valid, kind="openvino", compiled=True)


def test_memory_ends_the_sweep(monkeypatch: pytest.MonkeyPatch):
    def rate(predictor: Classifier, *_: object, **__: object) -> float:
        if predictor.batch == 128:
            raise torch.OutOfMemoryError
        return 1.0

    monkeypatch.setattr(trial, "rate", rate)
    pixels, valid = tiles(4)
    assert choose(classifier(card("small-cnn")), pixels, valid, kind="torch", precision="fp32").batch == 64


def test_without_openvino_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    pixels, valid = tiles(2)
    with pytest.raises(InstallError, match=r"geolabel\[cpu\]"):
        choose(classifier(card("small-cnn")), pixels, valid, kind="openvino")


class Untraceable(nn.Module):
    """Refuses to be written down as a graph."""

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        if torch.jit.is_tracing():
            raise RuntimeError("not to be traced")
        return chips.mean(dim=(2, 3))[:, [0, 1, 2, 3, 0]]


def test_a_network_that_openvino_cannot_run_is_left_to_torch():
    need_openvino()
    model = classifier(card("x"), Untraceable())
    pixels, valid = tiles(4)
    assert choose(model, pixels, valid, seconds=0.1).kind == "torch"
    with pytest.raises(OptionError, match="--engine torch"):
        choose(model, pixels, valid, kind="openvino", seconds=0.1)


def test_compiling_needs_a_compiler(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("geolabel.learn.engines.native.shutil.which", lambda name: None)
    with pytest.raises(InstallError, match="apt install g"):
        equip(classifier(card("small-cnn")), Engine("torch", "fp32", 4, compiled=True))


def test_a_compiled_network_answers_the_same(monkeypatch: pytest.MonkeyPatch):
    """By torch's own backend for this test: the real one takes minutes of a C++ compiler."""
    real, shapes = torch.compile, []

    def watched(network: nn.Module, **options: object) -> nn.Module:
        def backend(graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> object:
            shapes.append([tuple(one.shape) for one in examples if one.ndim == 4 and one.shape[1] == 4])
            return graph.forward

        return real(network, backend=backend, **options)

    monkeypatch.setattr(torch, "compile", watched)
    plain = classifier(card("small-cnn"))
    pixels, valid = tiles(7)
    equipped = equip(plain, Engine("torch", "fp32", 4, compiled=True))
    np.testing.assert_allclose(equipped(pixels, valid), plain(pixels, valid), atol=1e-4)
    assert len(shapes) == 1  # the last batch is filled up, not compiled for


def test_bfloat16_is_close_on_a_planted_network():
    plain = classifier(card("resnet18"))
    pixels, valid = tiles(6)
    half = equip(plain, Engine("torch", "bf16", 4))(pixels, valid)
    assert half.dtype == np.float32
    assert 0 < np.abs(half - plain(pixels, valid)).max() < 0.01
