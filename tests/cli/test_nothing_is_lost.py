"""Inputs are never outputs, strangers are never replaced, and what changed behind an index is noticed."""

from __future__ import annotations

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

from tests.cli.conftest import BANDS, write_region
from tests.cli.test_bad_input import copy, fails, tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way

__all__ = ["copy"]


def test_an_input_is_never_the_output(cli: Callable[..., Done], copy: Way):
    folder = copy.folder
    before = {path: path.read_bytes() for path in (copy.region, copy.places, copy.model)}
    for words in (
        ("tile", copy.region, "-o", copy.region),
        ("label", copy.tiles, "--vector", copy.places, "--field", "landuse", "-o", copy.places),
        ("predict", copy.region, "--model", copy.model, "-o", folder / "run"),
        ("predict", copy.region, "--model", copy.model, "-o", folder),
        ("evaluate", copy.model, copy.tiles, "-o", copy.model),
        ("train", copy.tiles, "--epochs", 1, "-o", folder),
    ):
        fails(cli, folder, *words, "--overwrite", says=("input", "-o"))
    assert before == {path: path.read_bytes() for path in before}


def test_one_command_does_not_replace_the_folder_of_another(cli: Callable[..., Done], copy: Way):
    words = ("train", copy.tiles, "--epochs", 1, "-o", copy.prediction, "--overwrite")
    fails(cli, copy.folder, *words, says=("geolabel train did not make",))


def test_the_same_raster_twice_is_refused(cli: Callable[..., Done], copy: Way):
    link = copy.folder / "link.tif"
    link.symlink_to(copy.region)
    out = copy.folder / "t2.parquet"
    fails(cli, copy.folder, "tile", copy.region, link, "-o", out, says=("twice",))


def test_rasters_of_other_bands_or_types_are_refused_when_tiled(cli: Callable[..., Done], copy: Way):
    with rasterio.open(copy.region) as dataset:
        pixels, profile = dataset.read(), dataset.profile
    other = copy.folder / "other.tif"
    with rasterio.open(other, "w", **(profile | {"count": 3})) as dataset:
        dataset.write(pixels[:3])
        dataset.descriptions = BANDS[:3]
    out = copy.folder / "t2.parquet"
    fails(cli, copy.folder, "tile", copy.region, other, "-o", out, says=("other.tif", "--bands"))
    assert cli("tile", copy.region, other, "--bands", "red,green,blue", "-o", out).code == 0


def test_sources_that_changed_behind_the_index(cli: Callable[..., Done], copy: Way):
    with rasterio.open(copy.region) as dataset:
        pixels, profile = dataset.read(), dataset.profile
    words = ("evaluate", copy.model, copy.tiles, "-o", copy.folder / "e", "--overwrite")
    with rasterio.open(copy.region, "w", **profile) as dataset:
        dataset.write((pixels * 0.98).astype(pixels.dtype))
        dataset.descriptions = BANDS
    done = cli(*words)
    assert done.code == 0, done.err
    assert "has changed since it was tiled" in done.err
    with rasterio.open(copy.region, "w", **profile) as dataset:
        dataset.write(pixels[:, ::-1])
        dataset.descriptions = BANDS
    fails(cli, copy.folder, *words, says=("labels", "pictures"))
    with rasterio.open(copy.region, "w", **(profile | {"height": 100})) as dataset:
        dataset.write(pixels[:, :100])
        dataset.descriptions = BANDS
    done = cli(*words)
    assert done.code == 1
    assert "smaller than when it was tiled" in done.err
    moved = profile["transform"] @ profile["transform"].translation(5, 0)
    with rasterio.open(copy.region, "w", **(profile | {"transform": moved})) as dataset:
        dataset.write(pixels)
        dataset.descriptions = BANDS
    fails(cli, copy.folder, *words, says=("lies elsewhere", "tile it again"))


def test_two_class_rasters_fill_each_others_gaps(cli: Callable[..., Done], tmp_path: Path):
    write_region(tmp_path / "region.tif")
    with rasterio.open(tmp_path / "region.tif") as dataset:
        profile = dataset.profile | {"count": 1, "dtype": "uint8", "nodata": 0}
    left, right = np.zeros((1, 320, 320), "uint8"), np.zeros((1, 320, 320), "uint8")
    left[:, :, :160], right[:, :, 80:240] = 1, 2
    for name, codes in (("a.tif", left), ("b.tif", right)):
        with rasterio.open(tmp_path / name, "w", **profile) as dataset:
            dataset.write(codes)
    (tmp_path / "l.csv").write_text("code,name\n1,one\n2,two\n")
    cli("tile", tmp_path / "region.tif", "--size", 80, "-o", tmp_path / "t.parquet")
    words = ("--raster", tmp_path / "a.tif", "--raster", tmp_path / "b.tif", "--legend", tmp_path / "l.csv")
    done = cli("label", tmp_path / "t.parquet", *words, "--json")
    assert done.code == 0, done.err
    assert {one["name"]: one["tiles"] for one in done.json["classes"]} == {"one": 8, "two": 4}  # the first speaks first
    assert done.json["tiles_known"] == 12


def test_a_split_that_starves_says_so(cli: Callable[..., Done], copy: Way):
    tight = cli("split", copy.tiles, "--block", "300m", "--buffer", "160m", "-o", copy.folder / "s.parquet")
    assert tight.code == 0, tight.err
    assert "the buffer leaves out" in tight.err
    words = ("split", copy.tiles, "--block", "400m", "--buffer", "100km", "-o", copy.folder / "u.parquet")
    fails(cli, copy.folder, *words, says=("no tile is left in train", "--block", "--buffer"))


def _hears_interrupts() -> None:
    """A shell that starts a suite in the background leaves SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_process_tells_how_to_go_on_and_leaves_nothing_half_done(
    way: Way, tmp_path: Path, sent: signal.Signals
):
    shutil.copytree(way.folder, tmp_path / "way")
    tiles, run = tmp_path / "way" / "tiles.parquet", tmp_path / "way" / "run"
    before = tree(tmp_path / "way")
    words = [sys.executable, "-m", "geolabel", "train", tiles, "--epochs", "500", "-o", run, "--overwrite"]
    process = subprocess.Popen(
        list(map(str, words)),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=_hears_interrupts,  # noqa: PLW1509 - no thread runs here
    )
    history = run / "history.csv"
    old = history.stat().st_mtime_ns
    deadline = time.monotonic() + 90
    while not (history.exists() and history.stat().st_mtime_ns > old) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, sent)
    _, err = process.communicate(timeout=60)
    # Where the signal meets an `exec`, as of a dataclass, Python ends by the signal itself: a shell says 130 to both.
    assert process.returncode in {130, -signal.SIGINT}, err
    assert f"geolabel train {tiles} -o {run} --resume" in err
    assert "Traceback" not in err
    assert tree(tmp_path / "way") - before <= {str(path.relative_to(tmp_path / "way")) for path in run.rglob("*")}
