"""Rows B9, B10, B14, B20 and B21: what is told of vectors, against the definition, chance and an untrained network."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from geolabel.learn.chips import load_chips
from geolabel.learn.encoder import load_encoder
from geolabel.tiling.index import read_index
from tests.rows.checkered import typed

PROBES = ("knn", "svc", "rfc", "mlp", "dt")


Scores = Mapping[str, Mapping[str, float]]
"""Of encoders by name, by name."""


def scores(checkered: Path, embedder: Path, folder: Path, *words: object) -> Scores:
    """Of one draw of tiles as they come."""
    words = (*words, "--repeats", 1, "--class-mix", "natural", "-o", folder / "scores")
    typed("embed", "evaluate", embedder / "model.safetensors", checkered / "tiles.parquet", *words)
    outcomes = json.loads((folder / "scores" / "metrics.json").read_text(encoding="utf-8"))["outcomes"]
    return {one["encoder"]: one["scores"] for one in outcomes}


@pytest.fixture(scope="module")
def told(checkered: Path, embedder: Path, tmp_path_factory: pytest.TempPathFactory) -> Scores:
    """Scores of the embedder, of the same network untrained and of chance, on all test tiles."""
    return scores(checkered, embedder, tmp_path_factory.mktemp("told"), "--baselines", "untrained", "--compat")


@pytest.fixture(scope="module")
def vectors(checkered: Path, embedder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Vectors, labels and shares of train and test, as anybody reads them from the files."""
    index = read_index(checkered / "tiles.parquet")
    encoder, found = load_encoder(embedder / "model.safetensors", torch.device("cpu")), {}
    for part in ("train", "test"):
        rows = np.flatnonzero(index.column("split").astype(str) == part)
        chips = load_chips(index, rows, checkered, tmp_path_factory.mktemp("chips"))
        shares = index.shares[rows]
        found[part] = (encoder(chips.pixels, chips.valid), shares.argmax(axis=1), shares)
    return found


def literal_map_at_r(vectors: np.ndarray, labels: np.ndarray) -> float:
    """(1/R) Σ P(i)·rel(i), i = 1 … R, of each query that has R > 0 others of its class (arXiv 2003.08505)."""
    found = []
    for query in range(len(vectors)):
        others = np.delete(np.arange(len(vectors)), query)
        order = others[np.argsort(np.linalg.norm(vectors[others] - vectors[query], axis=1), kind="stable")]
        wanted = int((labels[others] == labels[query]).sum())
        right = (labels[order[:wanted]] == labels[query]).astype(float)
        precision = np.cumsum(right) / np.arange(1, wanted + 1)
        if wanted:
            found.append(float((precision * right).sum() / wanted))
    return float(np.mean(found))


def test_b9_accuracy_and_map_at_r(told: Scores, vectors: dict[str, Any]):
    (learned, taught, _), (asked, truth, _) = vectors["train"], vectors["test"]
    right = KNeighborsClassifier(5).fit(learned, taught).predict(asked) == truth
    assert told["model"]["accuracy.knn"] == pytest.approx(right.mean())
    assert told["model"]["map_at_r"] == pytest.approx(literal_map_at_r(asked, truth), abs=1e-4)
    for name in ("accuracy.knn", "map_at_r"):
        assert told["model"][name] > max(told["untrained"][name], told["chance"][name]) + 0.2


def test_b10_summed_error_soft_map_at_r_and_gsil(told: Scores, vectors: dict[str, Any]):
    (learned, _, shown), (asked, _, shares) = vectors["train"], vectors["test"]
    guess = KNeighborsRegressor(5).fit(learned, shown).predict(asked)
    guess /= guess.sum(axis=1, keepdims=True)
    assert told["model"]["summed_error.knn"] == pytest.approx(np.abs(guess - shares).sum(axis=1).mean(), abs=1e-4)
    for other in ("untrained", "chance"):
        assert told["model"]["summed_error.knn"] < told[other]["summed_error.knn"] - 0.2
        assert told["model"]["soft_map_at_r"] > told[other]["soft_map_at_r"] + 0.1
        assert told["model"]["gsil"] > told[other]["gsil"] + 0.1
    assert 0 < told["model"]["map_at_10_compat"] <= 1  # as system B calculates it
    assert -1 <= told["model"]["gsil_compat"] <= 1


def test_b14_every_classifier_reads_classes_and_shares(checkered: Path, embedder: Path, tmp_path: Path):
    names = ("--single-class-classifiers", ",".join(PROBES), "--multi-class-classifiers", ",".join(PROBES))
    words = (*names, "--validation-tiles", 100, "--baselines", "none")
    told = scores(checkered, embedder, tmp_path, *words)
    for probe in PROBES:
        accuracy, error = (f"{name}.{probe}" for name in ("accuracy", "summed_error"))
        assert told["model"][accuracy] > told["chance"][accuracy] + 0.25, probe
        assert told["model"][error] < told["chance"][error] - 0.25, probe


def test_b20_an_embedder_segments(checkered: Path, embedder: Path, tmp_path: Path):
    """What was learned of tiles tells the texture of pixels; colours do not."""
    labels = ("--labels", checkered / "clc.tif", "--scheme", "clc-2", "--block", "480m", "--buffer", "120m")
    words = (*labels, "--pixels", 1500, "--probe", "logistic", "-o", tmp_path / "found")
    said = typed("embed", "segment", checkered / "region.tif", "--model", embedder / "model.safetensors", *words)
    ways = {row["way"]: row["mean_iou"] for row in said["ways"]}
    assert ways["logistic"] > max(ways["colours"], ways["majority"]) + 0.2
    assert len(said["classes"]) == 4


def test_b21_more_results_come_by_one_command():
    """Two real sets, learned from labels and from places, beside what nobody had to learn."""
    script = Path(__file__).parents[2] / "benchmarks" / "embeddings.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "{amazon,pucallpa}" in done.stdout
