"""`geolabel embed evaluate` as it is typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done, Way


@pytest.fixture(scope="module")
def folder(way: Way, cli: Callable[..., Done], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a classifier's features, beside all baselines."""
    found = tmp_path_factory.mktemp("e") / "evaluation"
    words = ("--repeats", 2, "--validation-tiles", 80, "--supervised", way.model, "--compat", "-o", found)
    done = cli("embed", "evaluate", way.model, way.tiles, *words)
    assert done.code == 0, done.err
    for name in ("model", "pixels", "pca", "colour", "untrained", "classifier", "chance", "±", "verdicts", "MAP@R"):
        assert name in done.out
    lines = done.out.splitlines()
    last_table = max(at for at, line in enumerate(lines) if "chance " in line and "±" in line)
    assert last_table < lines.index("verdicts") < lines.index("doubts"), "what is to be read is not scrolled away"
    return found


def test_the_folder_has_what_was_said(folder: Path):
    assert {path.name for path in folder.iterdir()} == {"metrics.json", "scores.csv", "report.html", "run.json"}
    told = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert told["classes"] == ["bare", "forest"]
    rows = {(row["encoder"], row["mix"]): row for row in told["labels"]}
    assert rows["colour", "natural"]["accuracy"]["mean"] > 0.9
    assert rows["model", "natural"] == {**rows["classifier", "natural"], "encoder": "model"}
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["options"]["baselines"] == ["pixels", "pca", "colour", "untrained", "classifier"]


def test_lists_of_names_and_json(way: Way, cli: Callable[..., Done], tmp_path: Path):
    done = cli(
        *("embed", "evaluate", way.model, way.tiles, "--repeats", 1, "--class-mix", "balanced", "--baselines", "pca"),
        *("--single-class-classifiers", "dt, svc", "--validation-tiles", 40, "-o", tmp_path / "e", "--json"),
    )
    assert done.code == 0, done.err
    assert [row["encoder"] for row in done.json["labels"]] == ["model", "pca", "chance"]
    assert done.json["probes"] == {"accuracy": "dt", "summed_error": "knn"}
    assert {row["probe"] for row in done.json["by_probe"]} == {"dt", "svc", "knn"}
    assert done.json["labels"][0]["accuracy"]["deviation"] is None


def test_mistakes_are_told_in_a_line(way: Way, cli: Callable[..., Done], folder: Path, tmp_path: Path):
    for words, told in (
        (("-o", folder), "exists already"),
        (("-o", tmp_path / "e", "--baselines", "noise"), "pixels, pca, colour, untrained, classifier, all and none"),
        (("-o", tmp_path / "e", "--multi-class-classifiers", "tree"), "knn, svc, rfc, mlp, dt"),
    ):
        done = cli("embed", "evaluate", way.model, way.tiles, *words)
        assert done.code == 1
        assert told in done.err
        assert len(done.err.strip().splitlines()) == 1
