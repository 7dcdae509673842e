"""Nothing calls home: commands run where look-ups and connections, but to this machine itself, are told and refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from geolabel.cli import commands as _commands  # noqa: F401 - the app knows them then
from geolabel.cli.app import app
from tests.cli.whole_way import EMBEDDED, SHOWN, TAUGHT, run, write_inputs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD")
SOURCE = Path(__file__).with_name("no_network.c")
BESIDES = (
    "predict region.tif --model run/model.safetensors --engine openvino -o fast.geolabel",
    "tune tiles.parquet --model rf --trials 2 -o tuning",
    "compare tiles.parquet --vary model=rf,knn -o comparison",
    "ensemble run/model.safetensors forest/model.safetensors --tiles tiles.parquet -o both.safetensors",
    "embed evaluate embedder/model.safetensors tiles.parquet",
    "detect deforestation region.tif later.tif --dates 2020-01-01,2021-01-01 -o lost",
    "models show",
    "schemes show forest",
    "verify run",
    "demo world --size 512 --epochs 1",
    "doctor",
)
UNSEEN = {"merge", "area estimate", "embed segment", "detect mining", "schemes check"}
"""They ask for more than there is here: shards of several machines, people's answers, another GSD."""
NO_PROXY = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "")
"""One on this machine may be asked, whoever is meant."""
ASKS = {
    "a name": ("getaddrinfo example.org", "import urllib.request; urllib.request.urlopen('http://example.org/')"),
    "a name like ours": ("getaddrinfo 127.example.org", "import socket; socket.getaddrinfo('127.example.org', 80)"),
    "an address": ("connect 192.0.2.1", "import socket; socket.socket().connect(('192.0.2.1', 80))"),
    "a packet": (
        "sendto 192.0.2.1",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'here', ('192.0.2.1', 53))",
    ),
    "a message": (
        "sendmsg 2001:db8::1",
        "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('2001:db8::1', 53))",
    ),
    "GDAL of rasterio": (
        "getaddrinfo example.org",
        "import rasterio; rasterio.open('/vsicurl/http://example.org/a.tif')",
    ),
    "GDAL of pyogrio": (
        "getaddrinfo example.org",
        "import pyogrio; pyogrio.read_info('/vsicurl/http://example.org/a.gpkg')",
    ),
}
"""What is told, and who asks."""


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
    commands = [*TAUGHT, *SHOWN, *EMBEDDED, *BESIDES]
    if find_spec("openvino") is None:
        commands.remove(BESIDES[0])

    run(tmp_path / "den", commands, {"LD_PRELOAD": str(library), "NO_NETWORK_TOLD": str(told), **NO_PROXY})

    assert not told.exists(), told.read_text()


def test_no_command_is_forgotten() -> None:
    commands = {info.name for info in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        commands |= {f"{group.name} {info.name}" for info in group.typer_instance.registered_commands}
    begun = [words.split() for words in (*TAUGHT, *SHOWN, *EMBEDDED, *BESIDES)]
    ran = {name for words in begun for name in (words[0], " ".join(words[:2]))} & commands
    assert ran | UNSEEN == commands
    assert not ran & UNSEEN


@pytest.mark.parametrize("who", ASKS)
def test_the_guard_sees_who_asks(who: str, library: Path, tmp_path: Path) -> None:
    told, (line, code) = tmp_path / "told", ASKS[who]

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"LD_PRELOAD": str(library), "NO_NETWORK_TOLD": str(told)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode, done.stdout
    assert told.read_text().splitlines()[0] == line
