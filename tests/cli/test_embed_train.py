"""`geolabel embed train` as it is typed: by a file of options, from rasters and from tiles, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from geolabel.embeddings import read_header
from geolabel.learn.history import HistoryWriter
from geolabel.learn.metric.loop import fit
from geolabel.model import read_model
from tests.cli.conftest import Done, Way

OPTIONS = """
[embed.train]
size = 16
output-size = 6
epochs = 2
steps = 3
batch = 8
loss = "quadruplet"
min-pos-dist = 1
max-pos-dist = 2
min_neg_dist = 4
max-neg-dist = 8
mining = "random-hard-negative"
norm-output = true
seed = 5
"""
JSON_KEYS = {
    "model",
    "architecture",
    "parameters",
    "size",
    "loss",
    "learned_from",
    "epochs",
    "best_epoch",
    "tiles",
    "judged_by",
    "score",
    "evaluation",
    "untrained",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "options.toml"
    path.write_text(OPTIONS)
    return path


def test_a_raster_by_a_file_of_options(cli: Callable[..., Done], way: Way, tmp_path: Path, config: Path):
    """From places to a model that encodes; what is typed wins over the file."""
    run = tmp_path / "run"
    done = cli("embed", "train", way.region, "--config", config, "--loss", "triplet", "-o", run, "--json")
    assert done.code == 0, done.err
    assert set(done.json) == JSON_KEYS
    told = done.json
    assert (told["loss"], told["size"], told["epochs"], told["learned_from"]) == ("triplet", 6, 2, "places")
    assert (told["judged_by"], told["tiles"], told["evaluation"]) == ("tuples in order", None, None)
    assert 0 <= told["score"] <= 1
    assert told["model"] == str(run / "model.safetensors")
    options = json.loads((run / "run.json").read_text())["options"]
    assert (options["seed"], options["min_neg_dist"], options["mining"]) == (5, 4, "random-hard-negative")
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) == {"epoch", "lr", "train_loss", "active", "score", "seconds", "best"}
    assert [path.name.split(".")[0] for path in (run / "tensorboard").iterdir()] == ["events"]
    card, _ = read_model(run / "model.safetensors")
    assert (card.kind, card.outputs, card.tile_px) == ("embedder", 6, (16, 16))
    vectors = tmp_path / "vectors.parquet"
    done = cli("embed", "encode", way.region, "--model", run / "model.safetensors", "-o", vectors, "--no-colours")
    assert done.code == 0, done.err
    assert read_header(vectors).size == 6


def test_tiles_with_labels_are_reported_to_a_person(cli: Callable[..., Done], way: Way, tmp_path: Path):
    words = ("embed", "train", way.tiles, "--epochs", 2, "--steps", 3, "--batch", 8, "--output-size", 4)
    done = cli(*words, "-o", tmp_path / "run", "--verbose")
    assert done.code == 0, done.err
    assert "classes" in done.out
    assert "MAP@R" in done.out
    assert "epoch 2: train loss" in done.err
    again = cli(*words, "-o", tmp_path / "run")
    assert again.code == 1
    assert "exists already" in again.err
    quiet = cli(*words, "-o", tmp_path / "run", "--overwrite", "--quiet", "--json")
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.json["tiles"] > 100
    resumed = cli("embed", "train", way.tiles, "-o", tmp_path / "run", "--resume", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json == quiet.json


def test_without_tensorboard_there_is_the_table(
    cli: Callable[..., Done], way: Way, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("geolabel.learn.history._board", lambda *_: None)
    done = cli("embed", "train", way.region, "--config", config, "--epochs", 1, "-o", tmp_path / "run")
    assert done.code == 0, done.err
    assert (tmp_path / "run" / "history.csv").exists()
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert HistoryWriter(None).write([]) is None


def test_stopped_it_says_how_to_go_on(
    cli: Callable[..., Done], way: Way, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
):
    """And exactly that goes on."""

    def stopped(run: object, lessons: object, *, save_to: Path, on_epoch: Callable[..., None]) -> None:
        def once(rows: object) -> None:
            on_epoch(rows)
            raise KeyboardInterrupt

        fit(run, lessons, save_to=save_to, on_epoch=once)  # type: ignore[arg-type]

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("geolabel.learn.metric.loop.fit", stopped)
        done = cli("embed", "train", way.region, "--config", config, "-o", run)
    assert done.code == 130, done.err
    told = done.err.strip().splitlines()[-1]
    assert "holds the best of 1 epochs. Go on with: geolabel embed train" in told
    words = told.split("Go on with: geolabel ")[1].split()
    resumed = cli(*words, "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["epochs"] == 2
    assert "not used" not in resumed.err


def test_refused_in_one_line(cli: Callable[..., Done], way: Way, tmp_path: Path, config: Path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[embed.train]\nlooss = 'triplet'\n")
    cases: tuple[tuple[tuple[object, ...], str], ...] = (
        ((way.region, "--config", wrong), r"[embed.train] has unknown options: looss"),
        ((way.region, way.tiles), "give one tile index, or rasters, and not both"),
        ((way.tiles, "--size", 32), "its tiles are there already"),
        ((way.region, "--config", config, "--size", 400), "the largest is 320 × 320 px; lower --size"),
        ((way.region, "--config", config, "--val", 1), "--val 1"),
        ((way.region, "--config", config, "--supervised", "--mining", ""), "rasters have no labels"),
        ((way.region, "--max-pos-dist", 12), "--max-pos-dist 12 must be less than --min-neg-dist 10"),
        ((way.region, "--loss", "tile2vec"), "give --no-norm-output"),
        ((way.region, "--loss", "magnet", "--mining", "hard-negative"), "leave --mining out"),
        ((way.region, "--model", "nothing-like-it", "--config", config), "nothing-like-it"),
        ((tmp_path / "no.tif",), "no.tif"),
    )
    for words, told in cases:
        done = cli("embed", "train", *words, "-o", tmp_path / "run")
        assert done.code == 1, (words, done.err)
        assert told in done.err, done.err
        assert len([line for line in done.err.strip().splitlines() if "epoch" not in line]) == 1, done.err
        assert not (tmp_path / "run").exists()
    assert cli("embed", "train", way.region, "--loss", "nothing").code == 2


def test_the_help_names_every_choice(cli: Callable[..., Done]):
    done = cli("embed", "train", "--help")
    assert done.code == 0
    for flag in ("--loss", "--mining", "--min-pos-dist", "--random-reset", "--magnet-clusters", "--output-size"):
        assert flag in done.out
    assert "geolabel embed train mosaic.tif" in done.out
