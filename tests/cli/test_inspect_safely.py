"""`geolabel inspect` on what it must not touch, wait for, or load: its inputs, pipes, and torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.shutil import copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way


@pytest.fixture
def copied(way: Way, tmp_path: Path) -> Path:
    """A copy of what may be destroyed: region.tif, tiles.parquet of it, region.vrt of it, region.geolabel."""
    for path in (way.region, way.tiles):
        shutil.copy(path, tmp_path)
    shutil.copytree(way.prediction, tmp_path / "region.geolabel")
    copy(tmp_path / "region.tif", tmp_path / "region.vrt", driver="VRT")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("region.tif", "region.tif"),
        ("region.vrt", "region.tif"),
        ("*.tif", "region.tif"),
        ("tiles.parquet", "tiles.parquet"),
        ("tiles.parquet", "region.tif"),
        ("region.geolabel", "region.geolabel/classes.tif"),
        ("region.geolabel", "region.tif"),
        ("region.geolabel/run.json", "region.geolabel/run.json"),
    ],
)
def test_a_picture_never_replaces_what_it_shows(
    copied: Path, cli: Callable[..., Done], name: str, picture: str
) -> None:
    before = (copied / picture).read_bytes()
    done = cli("inspect", copied / name, "--picture", copied / picture, "--overwrite")
    assert (done.code, done.err.count("\n"), "is, or holds, the input" in done.err) == (1, 1, True)
    assert (copied / picture).read_bytes() == before
    assert cli("inspect", copied / name, "--picture", copied / "new.png").code == 0


def test_what_would_be_waited_for_is_refused(cli: Callable[..., Done], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    for name, words in (("-", "standard input"), (tmp_path / "pipe.tif", "pipe"), ("/dev/zero", "device")):
        done = cli("inspect", name)
        assert (done.code, done.err.count("\n"), words in done.err) == (1, 1, True), done.err


def test_tables_are_told_by_what_they_say_of_themselves(way: Way, cli: Callable[..., Done], tmp_path: Path) -> None:
    """Damaged descriptions belong to the reader of what they would be, whatever words are in the file's name."""
    table = pq.read_table(way.tiles)
    for name, told, says in (
        ("holds no vectors.parquet", b'{"embeddings": {"size": 2}}', "description is damaged"),
        ("truncated.parquet", b"{", "truncated.parquet: "),
    ):
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"geolabel": told}), tmp_path / name)
        done = cli("inspect", tmp_path / name)
        assert (done.code, done.err.count("\n"), says in done.err) == (1, 1, True), done.err
    pq.write_table(pa.table({"a": [1]}), tmp_path / "plain.parquet")
    assert "without geometries" in cli("inspect", tmp_path / "plain.parquet").err


def test_a_narrow_terminal_has_whole_words(
    way: Way, cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(way.region, tmp_path))
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = (1e-4,) * 4, (-0.1,) * 4, ("reflectance",) * 4
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("inspect", path).out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if line.split()[:1] and line.split()[0] in ("red", "green", "blue", "nir")]
    assert [len(row) for row in rows] == [7] * 4
    assert "in all of them: scale 0.0001, offset -0.1, unit reflectance" in " ".join(" ".join(lines).split())
    monkeypatch.setenv("COLUMNS", "200")
    assert "in all of them" not in cli("inspect", path).out


@pytest.mark.parametrize("name", ["region.tif", "tiles.parquet", "region.geolabel"])
def test_only_models_and_runs_need_torch(copied: Path, name: str) -> None:
    code = (
        "import sys; from geolabel.steps.inspect import inspect, look; inspect(sys.argv[1]); look(sys.argv[1], 50);"
        "print([name for name in ('torch', 'timm', 'numba') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code, str(copied / name)], capture_output=True, text=True, check=True)
    assert "torch" not in told.stdout
