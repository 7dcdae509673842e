"""Regions in shards: killed, stopped, shared out, and always the same bytes in the end."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine

from geolabel import files
from tests.cli.conftest import BANDS, CRS, LEFT, TOP
from tests.cli.records import untitled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way

SHARDS = 6
PLAIN = ("--engine", "torch", "--precision", "fp32", "--batch", 64, "--stride", 16)


@dataclass(frozen=True)
class Tall:
    """A region of several shards, and the folder that one process makes of it."""

    folder: Path
    raster: Path
    model: Path
    bytes: dict[str, str]


def hashes(folder: Path) -> dict[str, str]:
    """Of all files but those that tell where the folder lies and what it is called."""
    told = {"project.qgz", "item.json"}
    paths = [path for path in sorted(folder.iterdir()) if path.name not in told]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return found | {files.RECORD: hashlib.sha256(repr(untitled(folder)).encode()).hexdigest()}


@pytest.fixture(scope="module")
def tall(way: Way, cli: Callable[..., Done], tmp_path_factory: pytest.TempPathFactory) -> Tall:
    folder = tmp_path_factory.mktemp("tall")
    path = folder / "tall.tif"
    with rasterio.open(way.region) as source:
        pixels = source.read()[:, 40:, :64]
    rows = 2_048 * SHARDS - 40
    pixels = np.tile(pixels, (1, -(-rows // pixels.shape[1]), 1))[:, :rows]
    profile = {"driver": "GTiff", "width": 64, "height": rows, "count": 4, "dtype": "uint16", "nodata": 0, "crs": CRS}
    tiled = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    with rasterio.open(path, "w", transform=Affine(10, 0, LEFT, 0, -10, TOP), **profile, **tiled) as dataset:
        dataset.write(pixels)
        dataset.descriptions = BANDS
    done = cli("predict", path, "--model", way.model, *PLAIN, "-o", folder / "whole", "--json")
    assert done.code == 0, done.err
    assert done.json["shards"] == SHARDS
    assert not (folder / "whole.shards").exists()
    return Tall(folder, path, way.model, hashes(folder / "whole"))


def test_shares_of_a_job_array_merge_to_the_same_bytes(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    out = tmp_path / "out.geolabel"
    words = ("predict", tall.raster, "--model", tall.model, *PLAIN, "-o", out, "--json")
    for number in (3, 1, 1):  # in any order, and one of them twice
        done = cli(*words, "--shard", f"{number}/3")
        assert done.code == 0, done.err
    assert done.json["predicted_tiles"] == 0, "what is there is not predicted again"
    assert done.json["left"] == SHARDS // 3
    assert not out.exists()
    early = cli("merge", tmp_path / "out.geolabel.shards")
    assert early.code == 1
    assert f"{SHARDS // 3} of {SHARDS} shards are missing (the first is 2)" in early.err
    last = cli(*words, "--shard", "2/3")
    assert last.json["left"] == 0
    assert "geolabel merge" in last.json["command"]
    merged = cli("merge", tmp_path / "out.geolabel.shards", "--json")
    assert merged.code == 0, merged.err
    assert hashes(out) == tall.bytes
    assert [path.name for path in tmp_path.iterdir()] == ["out.geolabel"]


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    out = tmp_path / "out.geolabel"
    words = ("predict", tall.raster, "--model", tall.model, *PLAIN, "-o", out)
    process = subprocess.Popen([sys.executable, "-m", "geolabel", *map(str, words)], stderr=subprocess.DEVNULL)
    shards = tmp_path / "out.geolabel.shards"
    deadline = time.monotonic() + 90
    while len(list(shards.glob("*.npz"))) < 2 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.npz")}
    assert 2 <= len(kept) < SHARDS, "it was killed in the middle"
    (shards / min(kept)).write_bytes(b"half a shard")  # as a file system may leave it
    other = cli(*words, "--stride", 8)
    assert other.code == 1
    assert "holds shards of another input, model or other options" in other.err
    done = cli(*words)
    assert done.code == 0, done.err
    assert hashes(out) == tall.bytes
    assert not shards.exists()


@pytest.mark.slow
def test_stopped_by_hand_it_keeps_what_is_done(cli: Callable[..., Done], tall: Tall, tmp_path: Path, monkeypatch):
    from geolabel.steps.region import work

    real, written = work.write_answers, []

    def stop(path, content):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        real(path, content)

    monkeypatch.setattr(work, "write_answers", stop)
    out = tmp_path / "out.geolabel"
    words = ("predict", tall.raster, "--model", tall.model, *PLAIN, "-o", out)
    stopped = cli(*words)
    assert stopped.code == 130
    assert f"holds 3 of {SHARDS} shards. Go on there with: geolabel" in stopped.err
    assert not out.exists()
    monkeypatch.setattr(work, "write_answers", real)
    replaced = cli(*words, "--stride", 8, "--overwrite", "--json")
    assert replaced.code == 0, replaced.err
    assert replaced.json["tiles"] > 2 * len(tall.bytes)
    again = cli(*words, "--overwrite")
    assert again.code == 0, again.err
    assert hashes(out) == tall.bytes


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--shard", "4/3"), 1, "from 1 on, and of how many"),
        (("--shard", "three"), 2, "is no part"),
        (("--shard", "1/3", "--workers", 2), 1, "give one of them"),
        (("--batch", "many"), 2, "is no number"),
        (("--batch", 0), 1, "--batch must be 1 or more"),
        (("--engine", "fast"), 2, "fast"),
        (("--refine", "--dense", "off"), 1, "leave --dense off away"),
        (("--dense", "on", "--engine", "openvino"), 1, "dense windows are run by torch"),
        (("--dense", "on", "--tta", "flips"), 1, "leave --tta or --dense away"),
        (("--scale", "nan"), 1, "--scale must be a number above 0"),
        (("--batch", 100_000), 1, "takes too much memory; 65536 of these tiles at the most"),
        (("--cluster", "nonsense"), 1, "no Dask scheduler answers"),
        (("--refine", "--stride", 5), 1, "--refine: --stride is not a multiple"),
    ],
)
def test_options_that_make_no_sense(cli: Callable[..., Done], tall: Tall, tmp_path: Path, words, code, says):
    done = cli("predict", tall.raster, "--model", tall.model, *words, "-o", tmp_path / "out")
    assert done.code == code
    assert says in " ".join(done.err.split())
    assert list(tmp_path.iterdir()) == []


def test_who_was_killed_while_it_began_is_in_nobodys_way(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    """A job that was not yet published leaves a hidden folder; a map that was not yet whole, a draft."""
    shards = tmp_path / "out.shards"
    (shards / ".job.json.abc").mkdir(parents=True)
    words = ("predict", tall.raster, "--model", tall.model, *PLAIN, "-o", tmp_path / "out")
    first = cli(*words, "--shard", "1/6")
    assert first.code == 0, first.err
    (shards / ".out.xyz.draft").mkdir()
    done = cli(*words)
    assert done.code == 0, done.err
    assert hashes(tmp_path / "out") == tall.bytes
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_shards_of_another_way_are_not_taken(cli: Callable[..., Done], tall: Tall, tmp_path: Path):

    words = ("predict", tall.raster, "--model", tall.model, *PLAIN, "-o", tmp_path / "out")
    assert cli(*words, "--shard", "1/6").code == 0
    job = tmp_path / "out.shards" / "job.json"
    told = json.loads(job.read_text())
    job.write_text(json.dumps(told | {"device": "cuda"}))
    other = cli(*words)
    assert other.code == 1
    assert "was begun on cuda, this is cpu" in other.err
    job.write_text(json.dumps(told | {"engine": told["engine"] | {"batch": 32}}))
    again = cli(*words, "--shard", "1/6", "--json")
    assert "is of another prediction" in again.err
    assert again.json["predicted_tiles"] > 0
    job.write_text("{}")
    damaged = cli("merge", tmp_path / "out.shards")
    assert damaged.code == 1
    assert "is damaged" in damaged.err


def test_nothing_is_written_into_a_work_folder_and_nothing_of_others_goes_with_it(
    cli: Callable[..., Done], tall: Tall, tmp_path: Path
):
    words = ("predict", tall.raster, "--model", tall.model, *PLAIN)
    assert cli(*words, "-o", tmp_path / "out", "--shard", "1/1").code == 0
    shards = tmp_path / "out.shards"
    for inner in (
        ("merge", shards, "-o", shards / "in"),
        (*words, "-o", shards / "in"),
    ):
        done = cli(*inner)
        assert done.code == 1
        assert "in which a prediction is at work" in done.err
    (shards / "slurm-1.log").write_text("a night's work")
    assert cli("merge", shards).code == 0
    assert hashes(tmp_path / "out") == tall.bytes
    assert [path.name for path in shards.iterdir()] == ["slurm-1.log"]


def test_a_folder_of_others_is_left_alone(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    folder = tmp_path / "out.shards"
    folder.mkdir()
    (folder / "thesis.txt").write_text("three years")
    done = cli("predict", tall.raster, "--model", tall.model, "-o", tmp_path / "out", "--overwrite")
    assert done.code == 1
    assert "geolabel predict did not make" in done.err
    assert (folder / "thesis.txt").read_text() == "three years"
    merged = cli("merge", folder)
    assert merged.code == 1
    assert "no such file" in merged.err


def test_a_raster_that_breaks_off_keeps_what_is_done(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    broken = tmp_path / "broken.tif"
    with rasterio.open(tall.raster) as source:
        offset = int(source.get_tag_item("BLOCK_OFFSET_0_150", "TIFF", bidx=1))
    shutil.copy(tall.raster, broken)
    with broken.open("r+b") as stream:
        stream.seek(offset)
        stream.write(bytes(400))
    done = cli("predict", broken, "--model", tall.model, *PLAIN, "-o", tmp_path / "out")
    assert done.code == 1
    assert "truncated or damaged" in done.err
    assert not (tmp_path / "out").exists()
    assert len(list((tmp_path / "out.shards").glob("*.npz"))) == 4


def test_halves_of_a_region_are_predicted_as_one(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    """Two files that lie side by side, in a folder, are one region: no seam."""
    folder = tmp_path / "parts"
    folder.mkdir()
    with rasterio.open(tall.raster) as source:
        pixels, profile = source.read(), source.profile
        for name, rows in (("upper", slice(0, 5_120)), ("lower", slice(5_120, None))):
            part = pixels[:, rows]
            place = source.transform @ Affine.translation(0, rows.start)
            shape = {"height": part.shape[1], "transform": place}
            with rasterio.open(folder / f"{name}.tif", "w", **(profile | shape)) as dataset:
                dataset.write(part)
                dataset.descriptions = BANDS
    done = cli("predict", folder, "--model", tall.model, *PLAIN, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    for name in ("probabilities.tif", "classes.tif"):
        with rasterio.open(tall.folder / "whole" / name) as one, rasterio.open(tmp_path / "out" / name) as other:
            assert one.transform == other.transform
            np.testing.assert_array_equal(one.read(), other.read())
    one, other = (
        json.loads((folder / "detections.geojson").read_bytes()) for folder in (tall.folder / "whole", tmp_path / "out")
    )
    assert one.pop("geolabel") != other.pop("geolabel"), "they are made of other files"
    assert one == other


def test_turned_tiles_are_averaged(cli: Callable[..., Done], tall: Tall, way: Way, tmp_path: Path):
    """The region upside down gives the map upside down, where tiles are turned all ways."""
    flipped = tmp_path / "flipped.tif"
    with rasterio.open(way.region) as source:
        pixels, profile = source.read(), source.profile
        with rasterio.open(flipped, "w", **profile) as dataset:
            dataset.write(pixels[:, ::-1])
            dataset.descriptions = BANDS
    maps = []
    for name, path in (("a", way.region), ("b", flipped)):
        done = cli("predict", path, "--model", way.model, "--tta", "all", "--stride", 16, "-o", tmp_path / name)
        assert done.code == 0, done.err
        with rasterio.open(tmp_path / name / "probabilities.tif") as dataset:
            maps.append(dataset.read().astype(int))
    away = np.abs(maps[0] - maps[1][:, ::-1])
    assert away.max() <= 1
    assert (away == 0).mean() > 0.99
    with rasterio.open(way.prediction / "probabilities.tif") as dataset:
        assert np.abs(dataset.read().astype(int) - maps[0]).max() > 1, "turning changes something"


def test_a_dry_run_foretells_and_leaves_nothing(cli: Callable[..., Done], tall: Tall, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("predict", tall.raster, "--model", tall.model, *PLAIN, "--dry-run", "--json")
    assert done.code == 0, done.err
    told = done.json
    assert told["shards"] == SHARDS
    assert told["km2"] == pytest.approx(64 * (2_048 * SHARDS - 40) * 1e-4, rel=0.01)
    size = sum(path.stat().st_size for path in (tall.folder / "whole").iterdir()) / 1e6
    assert told["write_mb"] == pytest.approx(size, rel=0.5)
    assert told["seconds"] > 0
    assert told["memory_mb"] > 100
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_counts_what_is_asked_for(cli: Callable[..., Done], tall: Tall, tmp_path: Path):
    import geopandas
    import shapely

    area = tmp_path / "area.gpkg"
    box = shapely.box(LEFT, TOP - 10 * 2_048, LEFT + 640, TOP)
    geopandas.GeoDataFrame(geometry=[box], crs=CRS).to_file(area)
    words = ("predict", tall.raster, "--model", tall.model, *PLAIN, "--dry-run", "--json")
    whole, part = cli(*words).json, cli(*words, "--aoi", area).json
    for name in ("km2", "tiles", "read_mb"):
        assert part[name] == pytest.approx(whole[name] / SHARDS, rel=0.05), name
    assert part["width"] == whole["width"]
