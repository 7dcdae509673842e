"""Nothing calls home: the whole way runs where every look-up and connection, but to this machine itself, is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import write_fields, write_region

# an audit hook sees all of Python's sockets, whatever library opens them, and cannot be taken off again
GUARD = """
import sys
asked = []
def guard(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        asked.append((event, host))
        raise OSError("no network here")
sys.addaudithook(guard)
"""
WAY = (
    "tile region.tif --size 16 -o tiles.parquet",
    "label tiles.parquet --vector places.gpkg --field landuse",
    "split tiles.parquet --block 400m --buffer 0 --val .2 --test .2",
    "train tiles.parquet --epochs 1 -o run",
    "evaluate run/model.safetensors tiles.parquet -o scores",
    "predict region.tif --model run/model.safetensors -o region.geolabel",
    "explain run/model.safetensors tiles.parquet -o why",
    "explore tiles.parquet -o explored.html",
    "embed train tiles.parquet --epochs 1 -o encoder",
    "report run -o report.html",
    "inspect region.tif",
    "doctor",
)


def _run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", GUARD + code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_whole_way_asks_nobody(tmp_path: Path) -> None:
    write_region(tmp_path / "region.tif")
    write_fields(tmp_path / "places.gpkg")

    done = _run(
        tmp_path,
        "from typer.testing import CliRunner\n"
        "from geolabel.cli import commands\n"
        "from geolabel.cli.app import app\n"
        f"for words in {WAY!r}:\n"
        "    result = CliRunner().invoke(app, words.split())\n"
        "    print(words.split()[0], result.exit_code, result.stderr.strip().splitlines()[-1:])\n"
        "print('ASKED', asked)\n",
    )

    said = done.stdout.splitlines()
    assert said[-1:] == ["ASKED []"], done.stdout + done.stderr
    assert [line.split()[1] for line in said[:-1]] == ["0"] * len(WAY), done.stdout


def test_the_guard_sees_who_asks(tmp_path: Path) -> None:
    done = _run(
        tmp_path,
        "import urllib.request\n"
        "try:\n    urllib.request.urlopen('http://example.org/')\n"
        "except OSError:\n    pass\n"
        "print(asked)\n",
    )

    assert "example.org" in done.stdout or "socket.connect" in done.stdout, done.stdout + done.stderr
