"""`train` from the command line: every kind of model, killed and resumed, in several processes, with a cache."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from safetensors.numpy import load_file

from geolabel.learn.forward import start_network
from geolabel.model import read_card
from geolabel.tiling.index import read_index, write_index
from tests.alike import differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way


def train(cli: Callable[..., Done], tiles: Path, run: Path, *words: object) -> dict:
    done = cli("train", tiles, "-o", run, *words, "--json")
    assert done.code == 0, done.err
    return done.json


def sparse(way: Way, folder: Path, share: float = 0.5, seed: int = 0) -> Path:
    """The same tiles, with a part of the labels of the training tiles unknown."""
    index = read_index(way.tiles)
    rng, parts = np.random.default_rng(seed), index.column("split").astype(str)
    import pyarrow as pa

    columns = {}
    for name in index.class_names:
        values = index.share(name).copy()
        values[(parts == "train") & (rng.random(len(values)) < share)] = np.nan
        columns[f"label.{name}"] = pa.array(values)
    path = folder / "sparse.parquet"
    write_index(path, index.with_columns(columns).moved(way.tiles, path))
    return path


@pytest.mark.parametrize("model", ["rf", "svm", "knn", "logistic", "tree", "mlp"])
def test_baselines_are_models_like_any_other(cli: Callable[..., Done], way: Way, tmp_path: Path, model: str):
    said = train(cli, way.tiles, tmp_path / "run", "--model", model)
    assert said["scores"]["macro_average_precision"] > 0.9
    path = tmp_path / "run" / "model.safetensors"
    assert read_card(path).architecture == model
    done = cli("predict", way.region, "--model", path, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert done.json["detections"]["bare"] > 2


def test_a_baseline_on_what_a_network_sees(cli: Callable[..., Done], way: Way, tmp_path: Path):
    words = ("--model", "logistic", "--features", "small-cnn", "--weights", way.model)
    said = train(cli, way.tiles, tmp_path / "run", *words)
    assert said["scores"]["macro_average_precision"] > 0.95
    words = ("evaluate", tmp_path / "run" / "model.safetensors", way.tiles, "-o", tmp_path / "e", "--json")
    done = cli(*words)
    assert done.code == 0, done.err
    assert done.json["scores"]["macro_average_precision"] > 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("--heads", "apart"),
        ("--heads", "softmax", "--label-smoothing", 0.1),
        ("--targets", "shares", "--loss", "kl"),
        ("--targets", "shares", "--loss", "mse", "--heads", "softmax"),
        ("--loss", "focal", "--balance", "weights", "--calibrate", "temperature"),
        ("--loss", "asymmetric", "--balance", "over", "--calibrate", "isotonic", "--abstain", 0.1),
        ("--loss", "soft-f1", "--balance", "under", "--aim", "recall=.9", "--weigh-known"),
        ("--dehaze", "--augment", "all", "--mixup", 0.2, "--ema", 0.9, "--model", "cnn"),
        ("--model", "densenet-small", "--schedule", "one-cycle", "--freeze-epochs", 1, "--accumulate", 2),
        ("--model", "resnet10t", "--layer-decay", 0.7, "--schedule", "plateau", "--clip", 1),
    ],
    ids=lambda words: words[1] if isinstance(words, tuple) else None,
)
def test_every_way_of_learning_gives_a_model_that_predicts(
    cli: Callable[..., Done], way: Way, tmp_path: Path, words: tuple[object, ...]
):
    said = train(cli, way.tiles, tmp_path / "run", "--epochs", 2, *words)
    assert said["scores"]["macro_average_precision"] > 0.8
    model = tmp_path / "run" / "model.safetensors"
    done = cli("predict", way.region, "--model", model, "--stride", 16, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    card, kept = read_card(model), json.loads((tmp_path / "run" / "run.json").read_text())["options"]
    assert card.trained_on["options"] == kept
    assert (card.calibration is not None) == ("--calibrate" in words)
    assert bool(card.abstain) == ("--abstain" in words)
    assert (tmp_path / "run" / "last.safetensors").exists()


@pytest.mark.slow
def test_filled_labels_stand_beside_the_others_and_three_ways_are_compared(
    cli: Callable[..., Done], way: Way, tmp_path: Path
):
    tiles = sparse(way, tmp_path)
    said = train(
        cli, tiles, tmp_path / "run", "--epochs", 2, "--missing", "self-train", "--fill-rounds", 1, "--fill-cut", 0.8
    )
    assert [row["missing"] for row in said["missing"]] == ["mask", "drop", "self-train"]
    filled, before = read_index(tmp_path / "run" / "filled.parquet"), read_index(tiles)
    told = filled.labelling["filled"]
    assert told["labels"] > 0
    assert told["cut"] == 0.8
    found = 0
    for name in before.class_names:
        label, fill = before.share(name), filled.column(f"filled.{name}")
        assert np.array_equal(filled.share(name), label, equal_nan=True)
        assert np.isnan(fill[np.isfinite(label)]).all()
        sure = filled.column(f"filled_probability.{name}")[np.isfinite(fill)]
        assert ((sure >= 0.8) | (sure <= 0.2)).all()
        found += int(np.isfinite(fill).sum())
    assert found == told["labels"]
    assert cli("train", tiles, "-o", tmp_path / "dropped", "--epochs", 1, "--missing", "drop").code == 0


def test_what_is_in_the_cache_is_not_decoded_again(
    cli: Callable[..., Done], way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = train(cli, way.tiles, tmp_path / "a", "--epochs", 1, "--cache", tmp_path / "cache")

    def decode(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("geolabel.learn.chips.load_chips", decode)
    again = train(cli, way.tiles, tmp_path / "b", "--epochs", 1, "--cache", tmp_path / "cache")
    assert again["scores"] == first["scores"]
    for path in (tmp_path / "cache").rglob("pixels.npy"):
        path.write_bytes(b"")
    done = cli("train", way.tiles, "-o", tmp_path / "c", "--cache", tmp_path / "cache")
    assert done.code == 1
    assert "cache is damaged" in done.err


def test_options_that_a_baseline_has_no_use_for_are_said(cli: Callable[..., Done], way: Way, tmp_path: Path):
    done = cli("train", way.tiles, "-o", tmp_path / "a", "--model", "tree", "--epochs", 3, "--mixup", 0.2)
    assert done.code == 0
    assert "--model tree has no use for --epochs, --mixup" in done.err
    done = cli("train", way.tiles, "-o", tmp_path / "b", "--model", "tree", "--features", "small-cnn")
    assert done.code == 1
    assert "has learned nothing; give its --weights" in done.err
    done = cli("train", way.tiles, "-o", tmp_path / "a", "--resume")
    assert done.code == 1
    assert "tree is fitted at once, so there is nothing to resume" in done.err


def test_what_is_asked_beside_resume_is_not_done_and_that_is_said(cli: Callable[..., Done], way: Way, tmp_path: Path):
    train(cli, way.tiles, tmp_path / "run", "--epochs", 1)
    done = cli("train", way.tiles, "-o", tmp_path / "run", "--resume", "--epochs", 60)
    assert done.code == 0
    assert "--epochs is not used" in done.err
    assert cli("train", way.tiles, "-o", tmp_path / "run", "--resume", "--overwrite").code == 1


def test_a_cache_belongs_to_the_files_as_they_are(cli: Callable[..., Done], way: Way, tmp_path: Path):
    copy = tmp_path / "way"
    shutil.copytree(way.folder, copy)
    words = ("--model", "tree", "--cache", tmp_path / "cache")
    train(cli, copy / "tiles.parquet", tmp_path / "a", *words)
    with rasterio.open(copy / "region.tif", "r+") as dataset:
        dataset.write((dataset.read() * 0.9).astype("uint16"))
    done = cli("train", copy / "tiles.parquet", "-o", tmp_path / "b", *words)
    assert done.code == 0, done.err
    assert "has changed since it was tiled" in done.err
    assert len(list((tmp_path / "cache").rglob("pixels.npy"))) == 2


def geolabel(*words: object, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, *before, "-m", "geolabel", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(way: Way, tmp_path: Path, cli: Callable[..., Done]):
    words = ("--epochs", 5, "--ema", 0.9, "--mixup", 0.2, "--balance", "sampler")
    assert cli("train", way.tiles, "-o", tmp_path / "whole", *words).code == 0
    process = geolabel("train", way.tiles, "-o", tmp_path / "run", *words)
    history, deadline = tmp_path / "run" / "history.csv", time.monotonic() + 90
    while not (history.exists() and len(history.read_text().splitlines()) > 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = cli("train", way.tiles, "-o", tmp_path / "run", "--resume")
    assert done.code == 0, done.err
    whole, resumed = (tmp_path / name / "model.safetensors" for name in ("whole", "run"))
    assert not differences(whole, resumed)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(way: Way, tmp_path: Path):
    """On a network without batch norms, which on processors each process counts by itself."""
    words = ("train", way.tiles, "--model", "vit_tiny_patch16_224", "--precision", "fp32", "--device", "cpu")
    words = (*words, "--epochs", 1, "--lr", 1e-4, "--mixup", 0.2, "--balance", "sampler", "--ema", 0.9)
    port = str(20_000 + os.getpid() % 20_000)
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port)
    for name, before in (("one", ()), ("two", torchrun)):
        process = geolabel(*words, "-o", tmp_path / name, before=before)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    one, two = (load_file(tmp_path / name / "last.safetensors") for name in ("one", "two"))
    card = read_card(tmp_path / "one" / "model.safetensors")
    began = {name: value.numpy() for name, value in start_network(card, "none", 0, None).state_dict().items()}
    moved, apart = (
        np.sqrt(sum(float(((one[name] - other[name]) ** 2).sum()) for name in one)) for other in (began, two)
    )
    assert apart < 0.05 * moved
    first, second = (
        json.loads((tmp_path / name / "metrics.json").read_text())["history"][0] for name in ("one", "two")
    )
    assert first["train_loss"] == pytest.approx(second["train_loss"], rel=1e-4)
    assert first["val_loss"] == pytest.approx(second["val_loss"], rel=1e-3)
    assert not list(tmp_path.glob(".*"))
