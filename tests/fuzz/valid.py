"""Valid files of geolabel's own formats, small ones, from which inputs are made by damaging them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from typer.testing import CliRunner

from geolabel import files
from geolabel.inference import Answers, dump_answers
from geolabel.learn.pixelwise import fit_pixel_probe
from geolabel.learn.recipe import Recipe
from geolabel.maps import ClassStyle
from geolabel.model import read_card
from geolabel.raster import describe
from geolabel.steps.embed.segmentation.probe import KeptProbe, write_probe
from geolabel.steps.embed.training.origin import Origin
from geolabel.steps.region.job import Job, read_job, republish, shard_path
from tests.cli.conftest import write_fields, write_region
from tests.embeddings.made import tiles as some_tiles
from tests.embeddings.made import write as write_vectors

if TYPE_CHECKING:
    from pathlib import Path

SCHEME = """
name = "land"
version = 2
title = "Land"
attribution = "Somebody"
background = {osm = ["building=*"], clc = [1]}

[[class]]
name = "forest"
title = "Forest"
color = "#1b7837"
group = "cover"
priority = 2
presence = 0.1
osm = ["natural=wood", "landuse=forest leaf_type!=needleleaved", {tags = "waterway=river", width_m = 30.0}]
clc = [31]
raster = [1, 3]
vector = ["wood", "*"]

[[class]]
name = "mine"
parent = "built"
group = "cover"
tags = ["mine", "quarry"]
"""
CONFIG = """
[tile]
size = 64
stride = 32
min_valid = 0.5
bands = ["red", "nir"]
overwrite = true

[train]
model = "small-cnn"
epochs = 3
lr = 0.001
presence = 0.2
dehaze = false
augment = ["dihedral", "light"]

[embed.search]
top = 5
"""


def make_valid(folder: Path) -> Path:
    """A folder with a file for every reader, by the command line."""
    folder.mkdir(parents=True)
    region, tiles, model = folder / "region.tif", folder / "tiles.parquet", folder / "run" / "model.safetensors"
    write_region(region, nodata_rows=20)
    write_fields(folder / "places.gpkg")
    _run("tile", region, "--size", 32, "-o", tiles)
    _run("label", tiles, "--vector", folder / "places.gpkg", "--field", "landuse")
    _run("split", tiles, "--block", "400m", "--buffer", "0", "--val", ".2", "--test", ".2")
    _run("train", tiles, "--epochs", 1, "-o", folder / "run")
    _run("predict", region, "--model", model, "-o", folder / "region.geolabel")
    return add_rest(folder)


def add_rest(folder: Path) -> Path:
    """What else there is to read, beside region.tif, tiles.parquet, run/ and region.geolabel/."""
    tiles, model = folder / "tiles.parquet", folder / "run" / "model.safetensors"
    (folder / "scheme.toml").write_text(SCHEME, encoding="utf-8")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    _run("evaluate", model, tiles, "-o", folder / "scores")
    _write_search(folder / "tuning", tiles)
    (folder / "vectors-run").mkdir()
    files.write_json(folder / "vectors-run" / files.RECORD, Origin((tiles,)).record(folder / "vectors-run"))
    (folder / "vectors-run" / "checkpoint.ckpt").touch()
    (folder / "run" / "checkpoint.ckpt").touch()
    write_vectors(folder / "v.parquet", some_tiles(4), np.ones((4, 3), np.float32), norm=False)
    _write_probe(folder / "probe")
    _write_work(folder)
    return folder


def _run(*words: object) -> None:
    from geolabel.cli import commands
    from geolabel.cli.app import app

    assert commands
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exit_code:
        raise RuntimeError(f"{words[0]}: {done.stderr}")


def _write_search(folder: Path, tiles: Path) -> None:
    folder.mkdir()
    space = {"lr": {"low": 1e-4, "high": 1e-2, "log": True}, "balance": {"values": ["none", "weights"]}}
    record = {
        "command": "tune",
        "options": Recipe(),
        "search": ["lr", "balance"],
        "space": space,
        "tiles_fingerprint": files.fingerprint(tiles),
        "versions": files.versions(),
    }
    files.write_json(folder / files.RECORD, record)
    best = {"best_trial": 3, "average_precision": 0.8, "recipe": Recipe(), "ground": "abc", "trials": 4}
    files.write_json(folder / "best.json", best)


def _write_probe(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(1)
    features, truth = rng.random((40, 3), np.float32), np.arange(40) % 2
    probe = fit_pixel_probe("logistic", features, truth, ["a", "b"], np.ones(40), 0)
    styles = (ClassStyle(1, "a", "A", "#112233"), ClassStyle(2, "b", "B", "#223344"))
    write_probe(folder, KeptProbe(probe, "logistic", styles, None, 3, "m", "f", ("Somebody",)))


def _write_work(folder: Path) -> None:
    """A prediction at work, whose only shard is done."""
    record = json.loads((folder / "region.geolabel" / files.RECORD).read_text(encoding="utf-8"))
    work, card = folder / "work", read_card(folder / "run" / "model.safetensors")
    work.mkdir()
    job = Job(
        key="a",
        inputs=record["inputs"],
        options=record["options"],
        card=card,
        grid=describe(folder / "region.tif").place,
        stride=16,
        block=(512, 512),
        resampled=False,
        device="cpu",
        engine=record["engine"],
        dense=None,
        places=None,
        rasters=("region.tif",),
    )
    republish(work, job)
    job = read_job(work)
    shard = job.shards[0]
    answers = Answers.none(job.plan, shard, len(card.classes), None)
    shard_path(work, shard.number).write_bytes(dump_answers(answers, job.stamp))
