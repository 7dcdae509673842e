"""A server that fails now and then gives the same bytes as the disk; one that fails for good is named in one line."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
from geopandas.testing import assert_geodataframe_equal

from geolabel.raster import door, remote
from tests.cli import change_scene
from tests.cli.conftest import Done, Way, cli, way
from tests.faults.flaky import Flaky, serving

__all__ = ["cli", "way"]

FOUND = {
    "predict": ("classes.tif", "probabilities.tif", "detections.gpkg"),
    "change": ("loss.tif", "loss-confidence.tif", "alerts.gpkg"),
    "dehaze": ("",),
    "embed": ("",),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSES_S", (0.01, 0.05, 0.1))
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.02")
    monkeypatch.delenv("http_proxy", raising=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, way: Way) -> Path:
    """What the server has."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copy(way.region, folder / "region.tif")
    for year, cleared in enumerate(([], [change_scene.FIRST]), start=2020):
        change_scene.write_picture(folder / f"{year}-07-01.tif", change_scene.picture(cleared, seed=year))
    asset = {"href": "region.tif", "type": "image/tiff", "roles": ["data"]}
    (folder / "item.json").write_text(json.dumps({"type": "Feature", "id": "a", "assets": {"data": asset}}))
    return folder


@pytest.fixture
def server(shop: Path) -> Iterator[Flaky]:
    with serving(shop) as told:
        yield told


def assert_alike(one: Path, other: Path) -> None:
    """What was found is the same; where it was found, files say, too, and that is not."""
    if one.suffix == ".tif":
        with rasterio.open(one) as first, rasterio.open(other) as second:
            np.testing.assert_array_equal(first.read(), second.read())
    elif one.suffix == ".gpkg":
        first, second = (pyogrio.read_dataframe(path, layer=path.stem) for path in (one, other))
        assert_geodataframe_equal(first, second)
    else:
        first, second = (pq.read_table(path).drop_columns(["source"]) for path in (one, other))
        assert first.equals(second)


def words_of(command: str, names: list[str], way: Way, output: Path) -> list[object]:
    match command:
        case "embed":
            return ["embed", "encode", *names, "--model", way.model, "--no-colours", "-o", output]
        case "predict":
            return [command, *names, "--model", way.model, "-o", output]
        case _:
            return [command, *names, "-o", output]


@pytest.mark.parametrize(
    ("command", "names", "ending"),
    [
        ("predict", ["region.tif"], ""),
        ("predict", ["item.json"], ""),
        ("dehaze", ["region.tif"], ".tif"),
        ("embed", ["region.tif"], ".parquet"),
        ("change", ["2020-07-01.tif", "2021-07-01.tif"], ""),
    ],
)
def test_what_a_flaky_server_gives_is_what_the_disk_gives(
    cli: Callable[..., Done], way: Way, shop: Path, server: Flaky, tmp_path: Path, command, names, ending
) -> None:
    there, here = tmp_path / f"there{ending}", tmp_path / f"here{ending}"
    done = cli(*words_of(command, [str(shop / name) for name in names], way, here))
    assert done.code == 0, done.err
    done = cli(*words_of(command, [f"{server.url}/{name}" for name in names], way, there))
    assert done.code == 0, done.err
    assert server.overloaded
    for name in FOUND[command]:
        assert_alike(there / name, here / name)


@pytest.mark.parametrize(
    ("command", "name"), [("predict", "region.tif"), ("dehaze", "region.tif"), ("predict", "item.json")]
)
def test_a_server_that_fails_for_good_is_named_in_one_line(
    cli: Callable[..., Done], way: Way, server: Flaky, tmp_path: Path, command: str, name: str
) -> None:
    server.gives = 0
    done = cli(*words_of(command, [f"{server.url}/{name}"], way, tmp_path / "out.tif"))
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert server.url in done.err
    assert "503" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["predict", "dehaze", "change"])
def test_a_server_that_fails_in_the_middle_is_named_and_the_same_command_goes_on(
    cli: Callable[..., Done], way: Way, server: Flaky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "1")
    server.flaky = False
    names = ["2020-07-01.tif", "2021-07-01.tif"] if command == "change" else ["region.tif"]
    addresses = [f"{server.url}/{name}" for name in names]
    out, again = tmp_path / "out.tif", tmp_path / "again.tif"
    assert cli(*words_of(command, addresses, way, out)).code == 0
    needs = server.asked
    for share in (0.2, 0.5):
        server.asked, server.gives = 0, int(share * needs)
        door.forget_downloads()
        done = cli(*words_of(command, addresses, way, again), "-q")
        assert done.code == 1, share
        assert done.err.count("\n") == 1, done.err
        assert server.url in done.err
        assert not again.exists()
    server.gives = math.inf
    done = cli(*words_of(command, addresses, way, again))
    assert done.code == 0, done.err
    for name in FOUND[command]:
        assert_alike(again / name, out / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.tif", "out.tif"]
