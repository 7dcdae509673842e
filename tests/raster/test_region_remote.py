"""Rasters over HTTP and from an object store, from a little server on this machine that may break off."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.shutil import copy

from geolabel import raster
from geolabel.errors import InputError
from geolabel.grid import Window
from geolabel.raster import remote
from tests.faults.flaky import QuietServer

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)
SIDE = 1024


@dataclass
class Server:
    """Gives the files of a folder."""

    url: str = ""
    ranges: bool = True
    breaks: int = 0
    """How many more answers beyond the file's beginning break off after some bytes."""
    refusals: int = 0
    """How many more requests are answered by 503."""
    sent: int = 0
    """Bytes of bodies."""
    log: list[str] = field(default_factory=list)


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    servers: list[QuietServer] = []

    def start(**how: object) -> Server:
        server = Server(**how)
        listening = QuietServer(("127.0.0.1", 0), handler(server, tmp_path))
        servers.append(listening)
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        server.url = f"http://127.0.0.1:{listening.server_port}"
        return server

    yield start
    for each in servers:
        each.shutdown()
        each.server_close()


def handler(server: Server, folder: Path) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class in it
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            asked = self.headers.get("Range") or ""
            server.log.append(f"{self.command} {self.path} {asked}".strip())
            path = folder / self.path.partition("?")[0].lstrip("/")
            if server.refusals:
                server.refusals -= 1
                return self.head(503, b"")
            if not path.is_file():
                return self.head(404, b"")
            content = path.read_bytes()
            bounds = re.match(r"bytes=(\d+)-(\d*)", asked) if server.ranges else None
            if bounds is None:
                return self.head(200, content)
            first, last = int(bounds[1]), min(int(bounds[2] or len(content)), len(content) - 1)
            return self.head(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}", whole=first == 0)

        def head(self, status: int, body: bytes, place: str = "", *, whole: bool = True) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if place:
                self.send_header("Content-Range", place)
                self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if self.command == "HEAD":
                return
            if server.breaks and not whole:
                server.breaks -= 1
                body = body[: len(body) // 2]
                self.close_connection = True
            server.sent += len(body)
            self.wfile.write(body)

    return Handler


@pytest.fixture
def cog(tmp_path: Path) -> np.ndarray:
    """`cog.tif` in the server's folder: blocks of 256 px, overviews, pixels that do not compress."""
    pixels = np.random.default_rng(0).integers(1, 4000, (2, SIDE, SIDE)).astype("uint16")
    plain = {"driver": "GTiff", "count": 2, "height": SIDE, "width": SIDE, "dtype": "uint16", "nodata": 0}
    with rasterio.open(tmp_path / "plain.tif", "w", crs="EPSG:32631", transform=UTM, **plain) as dataset:
        dataset.write(pixels)
        dataset.descriptions = ("red", "nir")
    copy(tmp_path / "plain.tif", tmp_path / "cog.tif", driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=256)
    return pixels


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")


@contextmanager
def opened(path: Path) -> Iterator[raster.Reader]:
    with raster.open_raster(raster.describe(path)) as reader:
        yield reader


def test_a_window_of_a_remote_raster_is_a_part_of_its_bytes(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve()
    path = raster.gather([f"{server.url}/cog.tif?signature=a%2Fb&x=1"], tmp_path / "region")
    info = raster.describe(path)
    assert (info.band_names, info.block, info.nodata, info.mask) == (("red", "nir"), (256, 256), 0, "nodata")
    with opened(path) as reader:
        pixels, valid = reader.read(Window(300, 520, 100, 80))
    np.testing.assert_array_equal(pixels, cog[:, 520:600, 300:400])
    assert valid.all()
    size = (tmp_path / "cog.tif").stat().st_size
    assert server.sent < size / 5
    assert all(line.split()[1] == "/cog.tif?signature=a%2Fb&x=1" for line in server.log)  # no files beside it


def test_a_thumbnail_comes_from_remote_overviews(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve()
    (tmp_path / "other.tif").write_bytes((tmp_path / "cog.tif").read_bytes())
    moved = UTM @ Affine.translation(SIDE, 0)
    with rasterio.open(tmp_path / "other.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.transform = moved
    path = raster.gather([f"{server.url}/cog.tif", f"{server.url}/other.tif"], tmp_path / "region")
    info = raster.describe(path)
    assert (info.width, info.height) == (2 * SIDE, SIDE)
    assert raster.sample(info, side_px=128) is not None
    coarse = raster.valid_overview(info, 2)
    assert coarse is not None
    assert coarse.all()
    size = (tmp_path / "cog.tif").stat().st_size + (tmp_path / "other.tif").stat().st_size
    assert server.sent < size / 2


def test_a_server_without_ranges_is_named(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve(ranges=False)
    with pytest.raises(InputError, match=rf"^{server.url}/cog\.tif: its server gives whole files only.*download it"):
        raster.gather([f"{server.url}/cog.tif"], tmp_path / "region")


def test_what_is_not_there_is_named(tmp_path: Path, serve: Serve) -> None:
    server = serve()
    with pytest.raises(InputError, match=rf"^{server.url}/gone\.tif: the server answers 404 .*check the address"):
        raster.gather([f"{server.url}/gone.tif"], tmp_path / "region")
    with pytest.raises(InputError, match=rf"^{server.url}/gone\.json: the server answers 404"):
        raster.gather([f"{server.url}/gone.json"], tmp_path / "region")
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match=r"text\.tif: is no raster that GDAL can read there"):
        raster.gather([f"{server.url}/text.tif"], tmp_path / "region")


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^http://127\.0\.0\.1:9/a\.tif: does not answer \(.*refused\)"):
        raster.gather(["http://127.0.0.1:9/a.tif"], tmp_path / "region")


@pytest.mark.parametrize("breaks", [1, 3])
@pytest.mark.parametrize("name", ["cog.tif", "plain.tif"])
def test_what_breaks_off_is_asked_for_again(
    tmp_path: Path, serve: Serve, cog: np.ndarray, breaks: int, name: str
) -> None:
    """GDAL keeps half a part for the whole, and with several threads gives garbage out without a word."""
    server = serve()
    path = raster.gather([f"{server.url}/{name}"], tmp_path / "region")
    server.breaks = breaks
    with opened(path) as reader:
        pixels, _ = reader.read(Window(0, 0, SIDE, 256))
        rest, _ = reader.read(Window(0, 256, SIDE, SIDE - 256))
    assert server.breaks == 0
    np.testing.assert_array_equal(np.concatenate([pixels, rest], axis=1), cog)


def test_several_rasters_that_break_off(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    """What did not open once, GDAL leaves blank without a word, as long as any VRT is open."""
    servers = [serve(), serve()]
    with rasterio.open(tmp_path / "plain.tif", "r+") as dataset:
        dataset.transform = UTM @ Affine.translation(SIDE, 0)
    inputs = [f"{server.url}/{name}" for server, name in zip(servers, ("cog.tif", "plain.tif"), strict=True)]
    path = raster.gather(inputs, tmp_path / "region")
    for server in servers:
        server.breaks = 1
    tiles = [str(tmp_path / name) for name in ("cog.tif", "plain.tif")]
    with opened(raster.gather(tiles, tmp_path / "local")) as other, opened(path) as bystander:
        other.read(Window(SIDE - 5, 0, 10, 10))
        with opened(path) as reader:
            pixels, _ = reader.read(Window(0, 0, 2 * SIDE, SIDE))
        seen, _ = bystander.read(Window(0, 0, 2 * SIDE, SIDE))
    np.testing.assert_array_equal(seen, pixels)
    assert [server.breaks for server in servers] == [0, 0]
    np.testing.assert_array_equal(pixels, np.concatenate([cog, cog], axis=2))


def test_a_remote_raster_on_another_grid(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    """A warped view cannot say how its source is to be opened: it is made of a VRT that can."""
    server = serve()
    with rasterio.open(tmp_path / "plain.tif", "r+") as dataset:
        dataset.transform = UTM @ Affine.translation(SIDE + 0.5, 0)
    path = raster.gather([f"{server.url}/cog.tif", f"{server.url}/plain.tif"], tmp_path / "region")
    server.breaks = 1
    with opened(path) as reader:
        pixels, valid = reader.read(Window(0, 0, 2 * SIDE, SIDE))
    np.testing.assert_array_equal(pixels[:, :, :SIDE], cog)
    middle = (cog[:, :, :-1].astype(float) + cog[:, :, 1:]) / 2
    np.testing.assert_allclose(pixels[:, :, SIDE + 1 :], middle, atol=0.51)
    assert valid[:, 1:].all()


def test_an_overloaded_server_is_asked_again(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve(refusals=2)
    path = raster.gather([f"{server.url}/cog.tif"], tmp_path / "region")
    server.refusals = 2
    with opened(path) as reader:
        np.testing.assert_array_equal(reader.read(Window(0, 0, SIDE, SIDE))[0], cog)


def test_what_always_breaks_off_is_one_line(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve()
    path = raster.gather([f"{server.url}/cog.tif"], tmp_path / "region")
    server.breaks = 10_000
    told = rf"^{server.url}/cog\.tif: the connection broke off at rows 0–256, 4 times .*download the file"
    with opened(path) as reader, pytest.raises(InputError, match=told) as caught:
        reader.read(Window(0, 0, SIDE, 256))
    assert "\n" not in str(caught.value)


def test_a_remote_item_has_its_assets_beside_it(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve(refusals=1)
    bands = [{"name": "a", "common_name": "green"}, {"name": "b", "common_name": "nir"}]
    asset = {"href": "../cog.tif", "type": "image/tiff", "roles": ["data"], "eo:bands": bands}
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / "a.json").write_text(json.dumps({"type": "Feature", "id": "a", "assets": {"data": asset}}))
    path = raster.gather([f"{server.url}/items/a.json"], tmp_path / "region", bands=["nir"])
    with opened(path) as reader:
        assert reader.info.band_names == ("nir",)
        np.testing.assert_array_equal(reader.read(Window(9, 9, 50, 50))[0], cog[[1], 9:59, 9:59])


def test_an_object_store(tmp_path: Path, serve: Serve, cog: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3's protocol without signatures, on this machine: bucket and key are a path."""
    server = serve()
    (tmp_path / "bucket").mkdir()
    (tmp_path / "cog.tif").rename(tmp_path / "bucket" / "cog.tif")
    options = {"AWS_NO_SIGN_REQUEST": "YES", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"}
    for name, value in {**options, "AWS_S3_ENDPOINT": server.url.removeprefix("http://")}.items():
        monkeypatch.setenv(name, value)
    path = raster.gather(["s3://bucket/cog.tif"], tmp_path / "region")
    with opened(path) as reader:
        np.testing.assert_array_equal(reader.read(Window(9, 9, 50, 50))[0], cog[:, 9:59, 9:59])
    with pytest.raises(InputError, match=r"^s3://bucket/gone\.tif: is no raster that GDAL can read there"):
        raster.gather(["s3://bucket/gone.tif"], tmp_path / "region")


def test_a_fingerprint_tells_when_a_remote_source_changes(tmp_path: Path, serve: Serve, cog: np.ndarray) -> None:
    server = serve()
    path = raster.gather([f"{server.url}/cog.tif"], tmp_path / "region")
    before = raster.fingerprint(path)
    assert raster.fingerprint(path) == before
    with (tmp_path / "cog.tif").open("ab") as stream:
        stream.write(b"more")
    assert raster.fingerprint(path) != before


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("s3://b/k/a.tif", "/vsis3/b/k/a.tif"),
        ("gs://b/a.tif", "/vsigs/b/a.tif"),
        ("AZ://c/a.tif", "/vsiaz/c/a.tif"),
        ("https://h/a b.tif?t=1&u=%2F", "/vsicurl?empty_dir=yes&url=https%3A%2F%2Fh%2Fa%20b.tif%3Ft%3D1%26u%3D%252F"),
        ("/vsicurl/https://h/a.tif", "/vsicurl/https://h/a.tif"),
    ],
)
def test_names_for_gdal_and_back(text: str, name: str) -> None:
    assert remote.gdal_name(text) == name
    assert remote.address(name).lower() == text.removeprefix("/vsicurl/").lower()
    assert remote.named(OSError(f"`{name}' does not exist"), ["/vsis3/b", name]) == remote.address(name)
