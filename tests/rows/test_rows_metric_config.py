"""Row B15: every key of system B's configuration is an option, and its published configurations are read."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.rows.checkered import QUICK, RINGS, TILE, typed

KEYS: dict[str, tuple[str, Any]] = {
    "network": ("model", "cnn"),
    "loss": ("loss", "quadruplet"),
    "alt_loss": ("alt-loss", True),
    "single_class_classifiers": ("single-class-classifiers", "dt, knn"),
    "multi_class_classifiers": ("multi-class-classifiers", "dt"),
    "image_size": ("size", TILE),
    "batch_size": ("batch", 6),
    "mining": ("mining", "HARD_NEGATIVE, HARD_POSITIVE, RANDOM_HARD_NEGATIVE, RANDOM_HARD_POSITIVE"),
    "min_pos_dist": ("min-pos-dist", 0.5),
    "max_pos_dist": ("max-pos-dist", 2.5),
    "min_neg_dist": ("min-neg-dist", 6),
    "max_neg_dist": ("max-neg-dist", 9.5),
    "margin": ("margin", 0.4),
    "validation_nb": ("validation-tiles", 60),
    "validation_map": ("validation-map", "osm"),
    "norm_output": ("norm-output", False),
    "supervised": ("supervised", False),
    "output_size": ("output-size", 7),
    "singleClassTreshold": ("single-class-threshold", 0.1),
    "valIteration": ("repeats", 2),
    "random_reset": ("random-reset", 0.25),
}
"""Its keys, in its spelling; the option of `embed train`; and a value that is not the option's default."""
KEPT = {
    "single-class-classifiers": ("single", ["dt", "knn"]),
    "multi-class-classifiers": ("multi", ["dt"]),
    "validation-tiles": ("tiles", 60),
    "validation-map": ("choice", "osm"),
}
"""What run.json calls them, where that is not the option's name."""
SHORT = {"epochs": 1, "steps": 2, "redraws": 2, "val": 0}
EXAMPLES = Path(__file__).parents[2] / "examples"


def toml(command: str, options: dict[str, Any]) -> str:
    """A configuration, in TOML; JSON's words, numbers and truths are TOML's."""
    return "\n".join([f"[embed.{command}]", *(f"{name} = {json.dumps(value)}" for name, value in options.items())])


@pytest.fixture(scope="module")
def run(checkered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained as a file says, which holds every key."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "b.toml").write_text(toml("train", {**dict(KEYS.values()), **SHORT}), encoding="utf-8")
    maps = ("--osm", checkered / "osmlanduse.tif", "--clc", checkered / "clc.tif")
    said = typed("embed", "train", checkered / "region.tif", *maps, "--config", folder / "b.toml", "-o", folder / "run")
    assert (said["loss"], said["size"], said["learned_from"]) == ("quadruplet", 7, "places")
    return folder / "run"


def test_b15_every_key_is_an_option_of_train(run: Path):
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    kept = {**record["options"], **record["drawing"], **record["labels"], **record["judging"]}
    for key, (option, value) in KEYS.items():
        name, wanted = KEPT.get(option, (option.replace("-", "_"), value))
        assert kept[name] == wanted, key


def test_b15_what_judges_are_options_of_evaluate_too(checkered: Path, run: Path, tmp_path: Path):
    keys = (
        *("single_class_classifiers", "multi_class_classifiers", "validation_nb", "valIteration"),
        "singleClassTreshold",
    )
    options = dict(KEYS[key] for key in keys)
    (tmp_path / "b.toml").write_text(toml("evaluate", {**options, "baselines": "none"}), encoding="utf-8")
    words = (run / "model.safetensors", checkered / "tiles.parquet", "--config", tmp_path / "b.toml")
    said = typed("embed", "evaluate", *words, "-o", tmp_path / "scores")
    assert said["probes"] == {"accuracy": "dt", "summed_error": "dt"}
    record = json.loads((tmp_path / "scores" / "run.json").read_text(encoding="utf-8"))
    for option, value in options.items():
        wanted = KEPT[option][1] if isinstance(value, str) else value
        assert record["options"][option.replace("-", "_")] == wanted, option


@pytest.mark.parametrize("name", ["unsupervised", "supervised"])
def test_b15_the_published_configurations_are_read(checkered: Path, tmp_path: Path, name: str):
    """All of both but their size: on a land of 24 × 24 tiles, with a smaller network."""
    path = EXAMPLES / f"embeddings-{name}.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))["embed"]["train"]
    named = {option for option, _ in KEYS.values()} - {"batch"} | {"magnet-clusters", "magnet-tiles"}
    assert set(table) == named, "every key; the tiles of a batch are magnet's clusters, times the tiles of each"
    less = (*QUICK, *RINGS, "--max-pos-dist", 1.5, "--size", TILE, "--steps", 2, "--magnet-clusters", 2)
    assert table["single-class-classifiers"] == table["multi-class-classifiers"] == "rfc"
    words = (
        *less,
        "--single-class-classifiers",
        "knn",
        "--multi-class-classifiers",
        "knn",
        "--magnet-tiles",
        4,
        "--validation-tiles",
        40,
        "--repeats",
        1,
        "--val",
        0,
    )
    run = tmp_path / "run"
    maps = ("--osm", checkered / "osmlanduse.tif")
    said = typed("embed", "train", checkered / "region.tif", *maps, "--config", path, *words, "-o", run)
    assert (said["loss"], said["learned_from"]) == ("magnet", "classes" if name == "supervised" else "places")
    kept = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert kept["options"]["random_reset"] == table["random-reset"] == 0
    assert kept["labels"]["choice"] == "osm"
