"""Regions predicted by a real scheduler and workers, each a process of its own: what is lost is done again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from geolabel import files
from geolabel.errors import InputError, InstallError
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.learn.store import save_predictor
from geolabel.steps.predict import predict
from geolabel.steps.region import cluster, scheduling
from tests.cli.records import untitled
from tests.learn.networks import card, classifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIDE, HEIGHT = 128, 20_000
MAPS = ("probabilities.tif", "classes.tif", "detections.gpkg", "run.json")
CHOICES: dict[str, Any] = {"stride": 16, "engine": "torch", "precision": "fp32", "batch": 64, "dense": "off"}
WORDS = ["--stride", "16", "--engine", "torch", "--precision", "fp32", "--batch", "64", "--dense", "off"]
PATIENCE_S = 90


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tall region of ten shards, and a model of tiny tiles."""
    folder = tmp_path_factory.mktemp("cluster")
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 3000, (4, HEIGHT // 40, 8)).repeat(40, 1).repeat(SIDE // 8, 2)
    pixels = (coarse + rng.integers(1, 500, coarse.shape)).astype("uint16")
    profile: dict[str, Any] = {"driver": "GTiff", "dtype": "uint16", "width": SIDE, "height": HEIGHT, "count": 4}
    profile |= {"crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 5_500_000), "compress": "deflate"}
    with rasterio.open(folder / "region.tif", "w", tiled=True, blockxsize=128, blockysize=256, **profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = ("red", "green", "blue", "nir")
    told = card("cnn", (32, 32))
    told = replace(told, scheme=Scheme("made-up", tuple(LabelClass(name) for name in told.classes)).to_json())
    model = classifier(told)
    last = [part for part in model.network.modules() if isinstance(part, nn.Linear)][-1]
    last.weight.data *= 100  # an untrained network says a half of everything
    save_predictor(folder / "model.safetensors", model)
    return folder


@pytest.fixture(scope="module")
def alone(place: Path) -> dict[str, str]:
    """What one process makes of the region: hashes by name."""
    predict(place / "region.tif", model=place / "model.safetensors", output=place / "alone", **CHOICES)
    with rasterio.open(place / "alone" / "probabilities.tif") as dataset:
        assert len(np.unique(dataset.read(1))) > 20, "a map of few values would hide what differs"
    return hashes(place / "alone")


def hashes(folder: Path) -> dict[str, str]:
    """Of the maps, and of the record without the digests of what is titled after the folder."""
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in MAPS}
    return found | {files.RECORD: hashlib.sha256(repr(untitled(folder)).encode()).hexdigest()}


def begin(module: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", module, *words], env=os.environ | environment, **quiet)


def wait_for(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler."""
    file = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    process = begin("distributed.cli.dask_scheduler", *words, "--scheduler-file", str(file))
    try:
        wait_for(lambda: file.exists() and file.read_text().strip())
        yield json.loads(file.read_text())["address"]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def worker(scheduler: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts workers, of which each is a process without anybody who would start it anew."""
    found: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> subprocess.Popen[bytes]:
        words = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        words += ("--host", "127.0.0.1", "--local-directory", str(tmp_path / str(len(found))))
        found.append(begin("distributed.cli.dask_worker", scheduler, *words, **environment))
        return found[-1]

    yield start
    for process in found:
        process.kill()
        process.wait()


def when_begun(folder: Path, act: Callable[[], None]) -> threading.Thread:
    """Act as soon as the first shard is done, in the middle of the others."""

    def watch() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if any(folder.glob("[0-9]*.npz")):
                return act()
            time.sleep(0.02)
        return None

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_worker_is_killed_in_the_middle(
    place: Path, alone: dict[str, str], scheduler: str, worker: Callable[..., subprocess.Popen[bytes]]
):
    first, _ = worker(), worker()
    out = place / "spread"
    left: list[int] = []

    def kill() -> None:
        left.append(10 - len(list(out.with_name("spread.shards").glob("[0-9]*.npz"))))
        first.kill()

    watch = when_begun(out.with_name("spread.shards"), kill)
    predict(place / "region.tif", model=place / "model.safetensors", output=out, cluster=scheduler, **CHOICES)
    watch.join(timeout=5)
    assert left[0] >= 4
    assert first.wait() == -signal.SIGKILL
    assert hashes(out) == alone


@pytest.mark.slow
def test_processes_of_the_command_line_begin_anew(place: Path, alone: dict[str, str]):
    out = place / "processes"
    words = ["predict", "region.tif", "--model", "model.safetensors", *WORDS, "--workers", "2", "-o", out.name]
    command = subprocess.Popen(
        [sys.executable, "-m", "geolabel", *words], cwd=place, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    killed: list[psutil.Process] = []

    def kill() -> None:
        children = psutil.Process(command.pid).children()
        killed.extend(child for child in children if "spawn_main" in " ".join(child.cmdline()))
        killed[0].kill()

    watch = when_begun(out.with_name("processes.shards"), kill)
    _, err = command.communicate(timeout=PATIENCE_S)
    watch.join(timeout=5)
    assert (command.returncode, err) == (0, b"")
    assert len(killed) == 2
    assert hashes(out) == alone


def test_what_a_worker_cannot_read_is_told_in_one_line(
    place: Path, tmp_path: Path, scheduler: str, worker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    worker()
    broken = tmp_path / "broken.tif"
    broken.write_bytes((place / "region.tif").read_bytes())
    with broken.open("r+b") as stream:  # far from the middle, which is looked at before
        stream.seek(broken.stat().st_size // 5)
        stream.write(b"\xff" * 300_000)
    chosen = {"model": place / "model.safetensors", "stride": 32, "dense": "off", "cluster": scheduler}
    with pytest.raises(InputError, match=r"^worker \S+ \(tcp://\S+\): .*broken.tif: cannot be read at rows .* damaged"):
        predict(broken, output=tmp_path / "out", **chosen)
    monkeypatch.setattr(cluster, "_absolute", lambda name: "/nowhere/" + name.rpartition("/")[2])
    with pytest.raises(InputError, match=r"^worker .*/nowhere/region.tif: no such file.* under the same path"):
        predict(place / "region.tif", output=tmp_path / "other", **chosen)
    assert not (tmp_path / "other.shards").exists()


def test_workers_of_another_version_are_refused(
    place: Path, tmp_path: Path, scheduler: str, worker: Callable[..., Any]
):
    about = tmp_path / "old" / "geolabel-0.0.1.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: geolabel\nVersion: 0.0.1\n")
    worker(PYTHONPATH=str(about.parents[1]))
    with pytest.raises(InstallError, match=r"workers need geolabel \S+, as here: tcp://\S+ has 0.0.1; install"):
        predict(
            place / "region.tif",
            model=place / "model.safetensors",
            output=tmp_path / "out",
            stride=32,
            cluster=scheduler,
        )


def test_no_scheduler_answers(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scheduling, "_PATIENCE_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "ftp://127.0.0.1:9"):
        with pytest.raises(InputError, match=f"--cluster {address}: no Dask scheduler answers"):
            predict(
                place / "region.tif",
                model=place / "model.safetensors",
                output=tmp_path / "out",
                stride=32,
                cluster=address,
            )


def test_without_dask_the_extra_is_named(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InstallError, match=r"geolabel\[cluster\]"):
        predict(place / "region.tif", model=place / "model.safetensors", output=tmp_path / "out", stride=32, workers=2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=30))
def test_the_bar_counts_tiles_that_are_predicted_twice_once(events: list[tuple[int, int]]):
    told: list[int] = []
    bar = cluster._Bar(told.append)
    for shard, tiles in events:
        bar.event((0.0, {"shard": shard, "tiles": tiles}))
    for shard in range(4):
        bar.reach(shard, 9)
    assert sum(told) == 4 * 9
    assert all(more > 0 for more in told)


def test_only_what_lies_here_is_named_absolutely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names = (
        "region.tif",
        "tiles/*.tif",
        "s3://bucket/a.tif",
        "https://host/item.json",
        "/vsigs/b/a.tif",
        "/data/a.tif",
    )
    here = str(tmp_path)
    wanted = [f"{here}/region.tif", f"{here}/tiles/*.tif", *names[2:]]
    assert [cluster._absolute(name) for name in names] == wanted


def test_an_area_is_sent_with_what_belongs_to_it(tmp_path: Path):
    for ending in (".shp", ".shx", ".dbf", ".prj", ".tif"):
        (tmp_path / f"area{ending}").write_bytes(ending.encode())
    (tmp_path / "area.gpkg").write_bytes(b"one file")
    assert list(cluster._area(tmp_path / "area.shp")) == ["area.shp", "area.shx", "area.dbf", "area.prj"]
    assert cluster._area(tmp_path / "area.gpkg") == {"area.gpkg": b"one file"}
    assert cluster._area(tmp_path) == cluster._area(None) == {}
