"""Nothing calls home: every command runs where each look-up and connection, but to this machine itself, is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.whole_way import EMBEDDED, SHOWN, TAUGHT, run, write_inputs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD")
SOURCE = Path(__file__).with_name("no_network.c")
BY_THE_WAY = (
    "tune tiles.parquet --model rf --trials 2 -o tuning",
    "compare tiles.parquet --vary model=rf,knn -o comparison",
    "ensemble run/model.safetensors forest/model.safetensors --tiles tiles.parquet -o both.safetensors",
    "verify run",
    "schemes show forest",
    "doctor",
)
ASKS = {
    "Python": "import urllib.request; urllib.request.urlopen('http://example.org/')",
    "an address": "import socket; socket.create_connection(('192.0.2.1', 80))",
    "GDAL": "import rasterio; rasterio.open('/vsicurl/http://example.org/a.tif')",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a machine without a network is written in C, and there is no compiler (cc, gcc)")
    found = tmp_path_factory.mktemp("library") / "no_network.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-o", found, SOURCE, "-ldl"], check=True)
    return found


@pytest.mark.slow
def test_no_command_asks_anybody(library: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    write_inputs(tmp_path / "den")

    run(
        tmp_path / "den",
        (*TAUGHT, *SHOWN, *EMBEDDED, *BY_THE_WAY),
        {"LD_PRELOAD": str(library), "NO_NETWORK_TOLD": str(told)},
    )

    assert not told.exists(), told.read_text()


@pytest.mark.parametrize("who", ASKS)
def test_the_guard_sees_who_asks(who: str, library: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"

    done = subprocess.run(
        [sys.executable, "-c", ASKS[who]],
        env={"LD_PRELOAD": str(library), "NO_NETWORK_TOLD": str(told)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode, done.stdout
    assert told.read_text().split()[1] == ("192.0.2.1" if who == "an address" else "example.org")
