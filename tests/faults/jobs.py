"""The commands that are disturbed, on inputs so small that each is done in a second or two."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli import change_scene
from tests.cli.conftest import write_fields, write_region


@dataclass(frozen=True)
class Job:
    """A command, what it reads, and what it makes."""

    words: tuple[str, ...]
    takes: tuple[str, ...]
    makes: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What it reads and writes anew in its place."""

    @property
    def name(self) -> str:
        return self.words[0]


_TILE = Job(("tile", "region.tif", "--size", "16", "-o", "tiles.parquet"), ("region.tif",), ("tiles.parquet",))
JOBS = (
    _TILE,
    Job(
        ("label", "plain.parquet", "--vector", "places.gpkg", "--field", "landuse"),
        ("region.tif", "plain.parquet", "places.gpkg"),
        (),
        changes=("plain.parquet",),
    ),
    Job(
        ("train", "split.parquet", "--epochs", "3", "-o", "run"),
        ("region.tif", "places.gpkg", "split.parquet"),
        ("run",),
    ),
    Job(
        ("predict", "region.tif", "--model", "model.safetensors", "-o", "region.geolabel"),
        ("region.tif", "model.safetensors"),
        ("region.geolabel",),
    ),
    Job(
        ("change", "2020-07-01.tif", "2021-07-01.tif", "2022-07-01.tif", "-o", "place.alerts"),
        ("2020-07-01.tif", "2021-07-01.tif", "2022-07-01.tif"),
        ("place.alerts",),
    ),
    Job(
        ("export", "found.geolabel", "--to", "qgis", "-o", "handed"),
        ("found.geolabel",),
        ("handed",),
    ),
)


def prepare(folder: Path) -> None:
    """Make what all of them read."""
    write_region(folder / "region.tif", nodata_rows=20)
    write_fields(folder / "places.gpkg")
    dates = ([], [change_scene.FIRST], [change_scene.FIRST, change_scene.SECOND])
    for year, cleared in enumerate(dates, start=2020):
        pixels = change_scene.picture(cleared, seed=year)
        change_scene.write_picture(folder / f"{year}-07-01.tif", pixels)
    for words in (
        ("tile", "region.tif", "--size", "16", "-o", "plain.parquet"),
        ("label", "plain.parquet", "--vector", "places.gpkg", "--field", "landuse", "-o", "labelled.parquet"),
        ("split", "labelled.parquet", "--block", "400m", "--buffer", "0", "--test", "0", "-o", "split.parquet"),
        ("train", "split.parquet", "--epochs", "2", "-o", "learned"),
        ("predict", "region.tif", "--model", "learned/model.safetensors", "-o", "found.geolabel"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "geolabel", *words], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
    shutil.copy(folder / "learned" / "model.safetensors", folder / "model.safetensors")


def lay_out(job: Job, materials: Path, folder: Path) -> None:
    """Copy what a job reads into an empty folder."""
    folder.mkdir(parents=True)
    for name in job.takes:
        source = materials / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
