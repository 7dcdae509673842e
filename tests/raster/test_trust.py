"""What a raster may lead to, and how that is lifted."""

from __future__ import annotations

import http.server
import json
import multiprocessing
import os
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.shutil import copy

import geolabel
from geolabel import raster
from geolabel.errors import InputError
from geolabel.grid import Window
from geolabel.raster import remote, trust
from geolabel.raster.cited import cited

LETTERS = st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cc", "Zs"))
BANDS = np.arange(3 * 64 * 64, dtype=np.uint8).reshape(3, 64, 64)


def _vrt(path: Path, source: str, relative: int = 0) -> Path:
    path.write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32719</SRS><GeoTransform>4e5,10,0,8e6,0,-10'
        '</GeoTransform><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="{relative}">{escape(source)}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def apart(tmp_path: Path, write_raster) -> Path:
    """A VRT of a raster in another folder."""
    source = write_raster("there/a.tif", BANDS)
    (tmp_path / "here").mkdir()
    return _vrt(tmp_path / "here" / "m.vrt", str(source))


def _answer(pipe, folder: str) -> None:
    """A server that gives the files of a folder, tells of each request, and leads on from /redirect to a file."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=folder)  # type: ignore[arg-type,misc]

        def do_GET(self) -> None:
            pipe.send(self.path)
            if self.path.startswith("/redirect"):
                self.send_response(302)
                self.send_header("Location", f"file://{folder}/a.tif")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path.endswith(".vrt"):  # in parts, as GDAL asks for it
                content = (Path(folder) / self.path[1:]).read_bytes()
                self.send_response(206)
                self.send_header("Content-Range", f"bytes 0-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content if self.command == "GET" else b"")
            else:
                super().do_GET()

        do_HEAD = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_port)
    server.serve_forever()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[str, object]]:
    """Address of a server in a process of its own (GDAL holds our lock), and what it was asked."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(there, str(tmp_path)), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{here.recv()}", here
    process.kill()
    process.join()


def _asked(pipe) -> list[str]:
    found = []
    while pipe.poll(0.1):
        found.append(pipe.recv())
    return found


def test_what_leads_elsewhere_is_refused_unless_trusted(apart: Path) -> None:
    with pytest.raises(InputError, match=r"m\.vrt: reads .*a\.tif, outside its folder; give --allow-remote"):
        raster.describe(apart)
    with geolabel.allow_remote():
        info = raster.describe(apart)
        with raster.open_raster(info) as reader:
            assert (reader.read(Window(0, 0, 64, 64))[0][0] == BANDS[0]).all()
    with pytest.raises(InputError, match="outside its folder"):
        raster.describe(apart)


def test_trust_is_handed_on_to_children_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEOLABEL_ALLOW_REMOTE", raising=False)
    with raster.allow_remote():
        assert os.environ["GEOLABEL_ALLOW_REMOTE"] == "1"
        with raster.allow_remote():
            assert trust.is_allowed()
        assert trust.is_allowed()
    assert not trust.is_allowed()
    assert "GEOLABEL_ALLOW_REMOTE" not in os.environ


def test_trust_of_one_thread_does_not_end_that_of_another() -> None:
    first, second = raster.allow_remote(), raster.allow_remote()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert trust.is_allowed()
    second.__exit__(None, None, None)
    assert not trust.is_allowed()


def test_what_was_trusted_and_is_another_file_now_is_not(apart: Path) -> None:
    raster.named(apart)
    apart.write_text(apart.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="outside its folder"):
        raster.describe(apart)


def test_what_an_index_names_may_lie_elsewhere(apart: Path) -> None:
    raster.named(apart)

    assert raster.describe(apart).width == 64


def test_what_an_index_names_is_still_a_raster(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    path = _vrt(tmp_path / "here" / "m.vrt", "PG:dbname=x")
    raster.named(path)

    with pytest.raises(InputError, match="neither a file nor an address"):
        raster.describe(path)


def test_what_this_process_wrote_leads_where_it_may(tmp_path: Path, write_raster) -> None:
    one = write_raster("a/one.tif", BANDS)
    other = write_raster("b/other.tif", BANDS)
    path = raster.gather([str(one), str(other)], tmp_path / "region")

    assert raster.describe(path).width == 64


def test_a_vrt_below_what_this_process_writes_is_looked_at(tmp_path: Path, apart: Path, write_raster) -> None:
    with pytest.raises(InputError, match="outside its folder"):
        raster.gather([str(apart), str(write_raster("b.tif", BANDS[:1]))], tmp_path / "region")


@pytest.mark.parametrize("option", ["tag", "sidecar"])
def test_nothing_is_fetched_for_overviews_elsewhere(tmp_path: Path, write_raster, listener, option: str) -> None:
    url, pipe = listener
    path = write_raster("a.tif", BANDS)
    if option == "tag":
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{url}/o.ovr")
    else:
        path.with_name("a.tif.aux.xml").write_text(
            f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/vsicurl/{url}/o.ovr</MDI></Metadata>'
            "</PAMDataset>"
        )
    with pytest.raises(InputError, match=r"takes its overviews from http://127\.0\.0\.1"):
        raster.describe(path)
    assert _asked(pipe) == []


def test_nor_where_a_source_of_a_vrt_says_so(tmp_path: Path, write_raster, listener) -> None:
    url, pipe = listener
    path = write_raster("a.tif", np.tile(BANDS, (1, 8, 8)))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{url}/o.ovr")
    copy(path, tmp_path / "m.vrt", driver="VRT")

    info = raster.describe(tmp_path / "m.vrt")
    raster.valid_overview(info, 64)
    with raster.open_raster(info) as reader:
        reader.read(Window(0, 0, 64, 64))
    assert _asked(pipe) == []


def test_a_redirect_to_a_file_is_not_followed(tmp_path: Path, write_raster, listener) -> None:
    url, _ = listener
    write_raster("a.tif", BANDS)
    (tmp_path / "a.json").write_text("{}")

    for name in (f"{url}/redirect.tif", f"{url}/redirect.json"):
        with pytest.raises(InputError, match=r"redirect\.(tif|json): "):
            raster.gather([name], tmp_path / "region")


def test_a_vrt_on_a_server_is_not_followed(tmp_path: Path, write_raster, listener) -> None:
    url, _ = listener
    _vrt(tmp_path / "m.vrt", str(write_raster("secret.tif", BANDS)))

    with pytest.raises(InputError, match=r"m\.vrt: .*a VRT, netCDF or Erdas Imagine there is read with --allow-remote"):
        raster.gather([f"{url}/m.vrt"], tmp_path / "region")


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listener) -> None:
    url, _ = listener
    monkeypatch.setattr(remote, "MOST_JSON_BYTES", 1 << 20)
    (tmp_path / "a.json").write_text(json.dumps({"type": "x" * (2 << 20)}))

    with pytest.raises(InputError, match="is more than 1 MiB of JSON"):
        raster.gather([f"{url}/a.json"], tmp_path / "region")


def test_python_in_a_vrt_is_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from rasterio.env import getenv

    from geolabel.raster import door

    monkeypatch.setenv("GDAL_VRT_ENABLE_PYTHON", "YES")
    with door.environment():
        assert not getenv()["GDAL_VRT_ENABLE_PYTHON"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://user:pass@h/a.tif?sig=secret#x", "https://h/a.tif"),
        (remote.gdal_name("https://h/a b.tif?sig=secret"), "https://h/a b.tif"),
        ("/vsicurl/https://user@h/a.tif", "https://h/a.tif"),
        ("/vsis3/bucket/a.tif", "s3://bucket/a.tif"),
        ("a?b.tif", "a?b.tif"),
    ],
)
def test_what_is_secret_is_not_shown(name: str, shown: str) -> None:
    assert remote.shown(name) == shown


def test_errors_hold_no_secrets(tmp_path: Path) -> None:
    for name in ("http://user:pass@127.0.0.1:9/a.tif?sig=secret", "http://user:pass@127.0.0.1:9/a.json?sig=secret"):
        with pytest.raises(InputError) as told:
            raster.gather([name], tmp_path / "region")
        assert not re.search("secret|pass|user", str(told.value)), told.value


@settings(max_examples=50, deadline=None)
@given(names=st.lists(st.text(LETTERS, min_size=1), min_size=1))
def test_all_sources_of_a_vrt_are_found(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """However they are spelled: tags in any case, and entities for letters."""
    rng = random.Random(str(names))
    path = tmp_path_factory.mktemp("vrt") / "m.vrt"

    def spelled(text: str) -> str:
        return "".join(f"&#x{ord(letter):x};" if rng.random() < 0.3 else escape(letter) for letter in text)

    def tagged(text: str) -> str:
        tag = "".join(rng.choice((letter.lower(), letter.upper())) for letter in "SourceFilename")
        return f"<SimpleSource><{tag} relativeToVRT='0'>{spelled(text)}</{tag}></SimpleSource>"

    path.write_text(f"<VRTDataset><VRTRasterBand>{''.join(map(tagged, names))}</VRTRasterBand></VRTDataset>", "utf-8")

    assert [each.name for each in cited(path, path)] == list(dict.fromkeys(names))


@pytest.mark.parametrize("name", ["a.tif ", " a.tif", "\u00a0a.tif", "a.tif\u2003", "a\u0085.tif"])
def test_names_that_gdal_reads_in_another_way_are_refused(tmp_path: Path, write_raster, name: str) -> None:
    write_raster("a.tif", BANDS)

    with pytest.raises(InputError, match="with white space around it or control characters"):
        raster.describe(_vrt(tmp_path / "m.vrt", name, 1))


def _zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member.replace("__", "."), content)
    return path


def test_a_raster_in_an_archive_is_read_through_a_vrt(tmp_path: Path, write_raster) -> None:
    """As geolabel itself names the bands of a product."""
    archive = _zip(tmp_path / "p.zip", a__tif=write_raster("a.tif", BANDS).read_bytes())
    info = raster.describe(_vrt(tmp_path / "m.vrt", f"/vsizip/{archive}/a.tif"))

    with raster.open_raster(info) as reader:
        assert (reader.read(Window(0, 0, 64, 64))[0][0] == BANDS[0]).all()


def test_what_else_lies_in_an_archive_is_refused(tmp_path: Path, write_raster) -> None:
    plain = write_raster("a.tif", BANDS).read_bytes()
    archive = _zip(tmp_path / "p.zip", a__tif=plain, a__tif__OvR=b"<GDAL_WMS/>", w__tif=b"<GDAL_WMS/>")

    with pytest.raises(InputError, match=r"w\.tif, of a kind that geolabel does not follow"):
        raster.describe(_vrt(tmp_path / "m.vrt", f"/vsizip/{archive}/w.tif"))
    with pytest.raises(InputError, match=r"a\.tif\.OvR: GDAL would read it with a\.tif"):
        raster.describe(_vrt(tmp_path / "m.vrt", f"/vsizip/{archive}/a.tif"))
    with pytest.raises(InputError, match=r"a\.tif\.OvR: GDAL would read it with a\.tif"):
        raster.gather([f"/vsizip/{archive}/a.tif"], tmp_path / "region")


@pytest.mark.parametrize("ending", [".tif.ovr", ".tif.aux.xml", ".TfW", "_RPC.TXT"])
def test_sidecars_are_plain_files(tmp_path: Path, write_raster, ending: str) -> None:
    """And no pipe is opened, which would wait for ever."""
    path = write_raster("here/a.tif", BANDS)
    beside = path.with_name(f"a{ending}")
    os.mkfifo(beside)
    with pytest.raises(InputError, match=f"{re.escape(beside.name)}: is a device or a pipe"):
        raster.describe(path)

    beside.unlink()
    beside.symlink_to(write_raster("secret.tif", BANDS))
    with pytest.raises(InputError, match=f"{re.escape(beside.name)}: is a link out of its folder"):
        raster.describe(path)


def test_a_sidecar_that_comes_later_is_found(write_raster) -> None:
    path = write_raster("a.tif", BANDS)
    for old in (True, False):
        if old:
            os.utime(path.parent, (1e9, 1e9))  # a listing of it is kept
        raster.describe(path)
    path.with_name("a.tif.ovr").write_text("<GDAL_WMS/>")

    with pytest.raises(InputError, match=r"a\.tif\.ovr: GDAL would read it"):
        raster.describe(path)


def test_a_raster_that_is_a_link_brings_what_lies_beside_it_and_beside_the_link(tmp_path: Path, write_raster) -> None:
    path = write_raster("there/a.tif", np.tile(BANDS, (1, 8, 8)))
    copy(path, path.with_name("a.tif.ovr"), driver="GTiff")
    (tmp_path / "here").mkdir()
    for name in ("a.tif", "a.tif.ovr"):
        (tmp_path / "here" / name).symlink_to(path.with_name(name))
    trust.check(tmp_path / "here" / "a.tif")

    (tmp_path / "here" / "a.tif.ovr").unlink()
    (tmp_path / "here" / "a.tif.ovr").write_text("<GDAL_WMS/>")
    with pytest.raises(InputError, match=r"here/a\.tif\.ovr: GDAL would read it"):
        trust.check(tmp_path / "here" / "a.tif")


@pytest.mark.parametrize("relative", [0, 1])
def test_a_name_that_is_a_driver_s_is_none_of_a_file(
    tmp_path: Path, write_raster, monkeypatch: pytest.MonkeyPatch, relative: int
) -> None:
    write_raster("a.tif", BANDS).rename(tmp_path / "PG:dbname=x")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError, match="neither a file nor an address"):
        raster.describe(_vrt(Path("m.vrt"), "PG:dbname=x", relative))


def test_only_a_source_is_blamed() -> None:
    error = OSError("HTTP 404 of https://h/a.tif2: see https://evil/help and https://h/")

    assert remote.named(error, ["https://h/a.tif", "https://h/a.tif2", "https://other/b.tif"]) == "https://h/a.tif2"
    assert remote.named(error, ["https://other/b.tif"]) is None


def test_a_record_of_inputs_holds_no_secrets() -> None:
    from geolabel.steps.region.job import bare

    long = "a" * 300
    assert bare(f"https://user:pass@h/{long}.tif?sig=secret") == f"https://h/{long}.tif"
    assert bare("folder/a?b.tif") == "folder/a?b.tif"
