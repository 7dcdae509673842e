"""Everything that reads a format of geolabel's own: which file is damaged, how, and what meets it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from typer.testing import CliRunner

from geolabel import files
from geolabel.embeddings.places import place_of
from geolabel.labels.scheme import Scheme
from geolabel.labels.scheme_file import read_scheme
from geolabel.learn.recipe import Recipe
from geolabel.learn.store import load_predictor
from geolabel.maps.stac import model_asset, model_properties
from geolabel.model import read_card
from geolabel.steps.changes.evidence import by_predictions
from geolabel.steps.embed.segmentation.probe import read_probe
from geolabel.steps.embed.training.origin import kept_origin
from geolabel.steps.export_source import read_source
from geolabel.steps.inspect import inspect
from geolabel.steps.polygon_sources import open_prediction
from geolabel.steps.region.job import load, read_job
from geolabel.steps.reporting.folders import read_folders
from geolabel.steps.stac import write_item
from geolabel.steps.task import make_task
from geolabel.steps.train import kept_recipe
from geolabel.steps.tune import begun_search
from geolabel.steps.verify import verify
from geolabel.tiling import read_index
from tests.fuzz import damage, parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

FAULT = "fault of geolabel"


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a file."""

    file: str
    """Of a folder that `make_valid` made."""
    damaged: Callable[[Random, bytes], bytes]
    meet: Callable[[Path], object]
    """Reads it in such a folder; may raise GeolabelError, and nothing else."""


def _show(path: Path) -> None:
    """As `inspect --json` prints it."""
    json.dumps(files.to_json(inspect(path)), ensure_ascii=False).encode()


def _index(folder: Path) -> None:
    index = read_index(folder / "tiles.parquet")
    index.centres_m()
    index.lonlat()
    _ = index.moved(folder / "tiles.parquet", folder / "elsewhere" / "tiles.parquet"), index.unlabelled(), index.shares
    _show(folder / "tiles.parquet")
    make_task(index, folder / "tiles.parquet", Recipe(), parts=("train", "val"))


def _model(folder: Path) -> None:
    path = folder / "run" / "model.safetensors"
    card = read_card(path)
    _show(path)
    Scheme.from_json(card.scheme).subset(card.classes)
    files.to_json(replace(card))
    json.dumps([model_properties(card), files.to_json(model_asset(card, "a"))]).encode()
    load_predictor(path, torch.device("cpu"))


def _prediction(folder: Path) -> None:
    place = folder / "region.geolabel"
    for meet in (
        lambda: _show(place),
        lambda: read_source(place),
        lambda: open_prediction(place, (), None, None),
        lambda: open_prediction(place, (), 0.5, 0.2),
        lambda: by_predictions([place, place], "bare"),
        lambda: write_item(place, card=None, output=folder / "item.json", overwrite=True),
        lambda: verify([place]),
    ):
        _forgiving(meet)


def _forgiving(meet: Callable[[], object]) -> None:
    from geolabel.errors import GeolabelError

    try:
        meet()
    except GeolabelError as error:
        str(error).encode()


def _run(name: str, *more: Callable[[Path], object]) -> Callable[[Path], None]:
    """What reads the folder of a run, one after the other."""

    def meet(folder: Path) -> None:
        place = folder / name
        readers: tuple[Callable[[], object], ...] = (
            lambda: _show(place),
            lambda: json.dumps(files.to_json(read_folders([place]))),
            lambda: verify([place]),
            *((lambda one=one: one(folder)) for one in more),
        )
        for reader in readers:
            _forgiving(reader)

    return meet


def _job(folder: Path) -> None:
    job = read_job(folder / "work")
    shards = job.shards
    _ = job.stamp, load(folder / "work", job, shards[0])


def _config(folder: Path) -> None:
    """By the command line; the raster is not there, so a good configuration fails, too."""
    from geolabel.cli import commands
    from geolabel.cli.app import app

    assert commands
    for words in (("tile", "none.tif"), ("train", "none.parquet"), ("embed", "search", "none.parquet", "--like", "0")):
        done = CliRunner().invoke(app, [*words, "--config", str(folder / "config.toml"), "-o", str(folder / "out")])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code != 1 or FAULT in done.stderr or len(done.stderr.strip().splitlines()) != 1:
            raise AssertionError(f"{words[0]}: exit code {done.exit_code}: {done.stderr}")


def _embeddings(folder: Path) -> None:
    place_of(folder / "v.parquet")
    _show(folder / "v.parquet")


_RUN, _SCORES = "run/run.json", "scores/metrics.json"
READERS: dict[str, Reader] = {
    "index: description": Reader("tiles.parquet", parquet.described, _index),
    "index: columns": Reader("tiles.parquet", parquet.columns, _index),
    "index: bytes": Reader("tiles.parquet", damage.raw, _index),
    "model": Reader("run/model.safetensors", damage.safetensors_header("geolabel"), _model),
    "scheme": Reader("scheme.toml", damage.toml_file, lambda folder: read_scheme(folder / "scheme.toml")),
    "config": Reader("config.toml", damage.toml_file, _config),
    "predict: run.json": Reader("region.geolabel/run.json", damage.json_file, _prediction),
    "train: run.json": Reader(
        _RUN,
        damage.json_file,
        _run("run", lambda folder: kept_recipe(folder / "tiles.parquet", folder / "run", Recipe())),
    ),
    "train: metrics.json": Reader("run/metrics.json", damage.json_file, _run("run")),
    "train: history.csv": Reader("run/history.csv", damage.raw, _run("run")),
    "evaluate: run.json": Reader("scores/run.json", damage.json_file, _run("scores")),
    "evaluate: metrics.json": Reader(_SCORES, damage.json_file, _run("scores")),
    "tune: run.json": Reader(
        "tuning/run.json",
        damage.json_file,
        _run("tuning", lambda folder: begun_search(folder / "tiles.parquet", folder / "tuning")),
    ),
    "tune: best.json": Reader("tuning/best.json", damage.json_file, _run("tuning")),
    "embed train: run.json": Reader(
        "vectors-run/run.json",
        damage.json_file,
        _run("vectors-run", lambda folder: kept_origin(folder / "vectors-run", [folder / "tiles.parquet"])),
    ),
    "predict: job.json": Reader("work/job.json", damage.json_file, _job),
    "predict: shard": Reader("work/00000.npz", damage.raw, _job),
    "embeddings: description": Reader("v.parquet", parquet.described, _embeddings),
    "probe": Reader(
        "probe/probe.safetensors",
        damage.safetensors_header("geolabel-probe"),
        lambda folder: read_probe(folder / "probe"),
    ),
}
"""By what is read."""
