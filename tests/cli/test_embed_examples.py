"""The configurations in examples/: every key is an option, and a run with them goes through, on a little map."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from geolabel.files import read_json
from geolabel.tiling.index import read_index
from tests.place_map import TILE, place_map

EXAMPLES = Path(__file__).parents[2] / "examples"
PUBLISHED = {
    "model": "resnext50",
    "loss": "magnet",
    "alt-loss": False,
    "single-class-classifiers": "rfc",
    "multi-class-classifiers": "rfc",
    "size": 96,
    "magnet-tiles": 12,
    "mining": "",
    "min-pos-dist": 1.0,
    "max-pos-dist": 5.0,
    "min-neg-dist": 10.0,
    "max-neg-dist": 25.0,
    "margin": 0.5,
    "validation-tiles": 5000,
    "validation-map": "osm",
    "norm-output": True,
    "output-size": 64,
    "single-class-threshold": 0.0,
    "repeats": 5,
    "random-reset": 0.0,
    "magnet-clusters": 12,
}
"""What both have in common; the last is fixed in the published code."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unsupervised", "supervised"])
def test_a_published_configuration_runs(cli, write_raster, tmp_path, name) -> None:
    path = EXAMPLES / f"embeddings-{name}.toml"
    told = tomllib.loads(path.read_text(encoding="utf-8"))["embed"]["train"]
    assert told == {**PUBLISHED, "supervised": name == "supervised"}
    pixels, classes = place_map(tiles=32, regions=16)
    region = write_raster("region.tif", pixels, descriptions=("red", "green", "blue"))
    # numbers of osmlanduse.org: urban fabric, arable land, forests, inland waters
    landuse = write_raster("landuse.tif", np.array([1, 4, 9, 12], np.uint8)[classes][None])
    done = cli(
        *("embed", "train", region, "--osm", landuse, "--config", path, "-o", tmp_path / "run", "--json"),
        # the map is small, and so is the time
        *("--model", "small-cnn", "--size", TILE, "--epochs", 1, "--steps", 2, "--validation-tiles", 60),
        *("--min-neg-dist", 6, "--max-neg-dist", 14, "--repeats", 1, "--magnet-clusters", 3),
    )
    assert done.code == 0, done.err
    assert done.json["learned_from"] == ("classes" if name == "supervised" else "places")
    assert done.json["evaluation"]["probes"] == {"accuracy": "rfc", "summed_error": "rfc"}
    kept = read_json(tmp_path / "run" / "run.json", "the record")
    options = {**kept["options"], **kept["drawing"], **kept["labels"], **kept["judging"]}
    assert {options["loss"], options["magnet_tiles"], options["random_reset"]} == {"magnet", 12, 0.0}
    assert options["choice"] == "osm"
    assert len(read_index(tmp_path / "run" / "tiles.parquet").class_names) >= 4
