"""`geolabel evaluate` at the command line: a folder with numbers, a page and pictures; folds; one line of refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from geolabel.tiling.index import read_index, write_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done, Way


def test_the_folder_of_an_evaluation(way: Way, cli: Callable[..., Done], tmp_path: Path):
    out = tmp_path / "e"
    done = cli("evaluate", way.model, way.tiles, "-o", out, "--json")
    assert done.code == 0, done.err
    names = {"metrics.json", "errors.csv", "report.html", "run.json", "loss.svg"}
    assert {path.name for path in out.iterdir()} == names | {"pr.svg", "roc.svg", "reliability.svg"}
    kept = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert {name: kept[name] for name in done.json} == done.json
    assert [part["name"] for part in done.json["parts"]] == ["train", "val", "test"]
    shown = cli("evaluate", way.model, way.tiles, "-o", out, "--overwrite")
    assert shown.code == 0
    assert "samples" in shown.out


@pytest.mark.parametrize("folds", [2, 3])
def test_the_gap_is_printed(way: Way, cli: Callable[..., Done], tmp_path: Path, folds: int):
    trained = cli("train", way.tiles, "--model", "logistic", "-o", tmp_path / "run", "--json")
    words = ("evaluate", trained.json["model"], way.tiles, "--folds", folds, "-o", tmp_path / "e")
    done = cli(*words)
    assert done.code == 0, done.err
    assert "ap gap" in " ".join(done.out.split())
    assert " macro " in done.out
    found = json.loads((tmp_path / "e" / "metrics.json").read_text(encoding="utf-8"))
    assert len(found["folds"]["train_tiles"]) == found["folds"]["folds"] == folds
    assert found["gap"] == found["folds"]["gap"]


def test_shuffled_labels_are_refused_in_one_line(way: Way, cli: Callable[..., Done], tmp_path: Path):
    index = read_index(way.tiles)
    order = np.random.default_rng(1).permutation(len(index))
    shuffled = index.with_columns({f"label.{name}": pa.array(index.share(name)[order]) for name in index.class_names})
    write_index(tmp_path / "tiles.parquet", shuffled.moved(way.tiles, tmp_path / "tiles.parquet"))
    done = cli("evaluate", way.model, tmp_path / "tiles.parquet", "-o", tmp_path / "e")
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1
    assert "labels and pictures do not go together" in done.err
    assert not (tmp_path / "e").exists()
