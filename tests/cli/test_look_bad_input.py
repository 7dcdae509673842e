"""What explore, explain, dehaze, inspect and report get by mistake is told in one line that says where and what."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from affine import Affine

from tests.cli.conftest import CRS, LEFT, TOP
from tests.cli.test_bad_input import fails

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way

MODEL, TILES, REGION = "run/model.safetensors", "tiles.parquet", "region.tif"
EVIL = "</script><script>alert(1)</script>"


@pytest.fixture
def here(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the whole way to break, as the folder worked in."""
    folder = Path(shutil.copytree(way.folder, tmp_path / "here"))
    monkeypatch.chdir(folder)
    return folder


def raster(name: str, pixels: np.ndarray, **more: Any) -> None:
    """A file in the working folder; three bands are red, green, blue."""
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    profile |= {"crs": CRS, "transform": Affine(10, 0, LEFT, 0, -10, TOP)} | more
    scales = profile.pop("scales", ())
    with rasterio.open(name, "w", **profile) as dataset:
        dataset.write(pixels)
        if count > 2:
            dataset.descriptions = ("red", "green", "blue", "nir")[:count]
        if scales:
            dataset.scales = scales


def noise(kind: str = "float32", side: int = 64) -> np.ndarray:
    return np.random.default_rng(1).uniform(10, 200, (3, side, side)).astype(kind)


def spotted(value: float, kind: str = "float32") -> np.ndarray:
    """Noise with one pixel of another value."""
    pixels = noise(kind)
    pixels[0, 5, 5] = value
    return pixels


def index(*, rows: int | None = None, known: bool = True, columns: dict[str, list[Any]] | None = None) -> None:
    """The tile index with other rows or columns, or without its labels."""
    told = pq.ParquetFile(TILES).metadata.metadata
    table = pq.read_table(TILES)
    table = table if rows is None else table.slice(0, rows)
    if not known:
        for name in table.column_names:
            if name.startswith("label."):
                nothing = pa.array(np.full(len(table), np.nan), table.schema.field(name).type)
                table = table.set_column(table.column_names.index(name), name, nothing)
    for name, values in (columns or {}).items():
        few = pa.array(values)
        table = table.append_column(name, few.take(pa.array(np.arange(len(table)) % len(values))))
    table = table.replace_schema_metadata({key: value for key, value in told.items() if key != b"ARROW:schema"})
    pq.write_table(table, TILES)


def card(**changed: Any) -> None:
    """The model with something else in its contract."""
    whole = Path(MODEL).read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    told = json.loads(header["__metadata__"]["geolabel"]) | changed
    header["__metadata__"]["geolabel"] = json.dumps(told)
    text = json.dumps(header).encode()
    Path(MODEL).write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length :])


def record(path: str, **changed: Any) -> None:
    """A JSON file with something else in it."""
    Path(path).write_text(json.dumps(json.loads(Path(path).read_text()) | changed))


def text(name: str, content: str) -> None:
    Path(name).write_text(content)


def nothing() -> None:
    """As it is."""


INSPECT: dict[str, tuple[Callable[[], Any], str, tuple[str, ...]]] = {
    "json without end": (lambda: text("deep.json", '{"a":' * 9_999), "deep.json", ("deep.json: is not JSON",)),
    "huge number": (lambda: text("n.json", '{"a":' + "9" * 5_000 + "}"), "n.json", ("n.json: is not JSON",)),
    "pipe": (lambda: os.mkfifo("pipe"), "pipe", ("pipe: is a device or a pipe", "save what it gives as a file")),
    "device": (nothing, "/dev/zero", ("is a device or a pipe",)),
    "loop": (lambda: Path("loop").symlink_to("loop"), "loop", ("no such file",)),
    "standard input": (nothing, "-", ("standard input is not read",)),
    "later format": (lambda: card(format=99), MODEL, ("format 99", "upgrade geolabel")),
    "kind": (lambda: card(kind="oracle"), MODEL, ("kind 'oracle' is neither classifier nor embedder",)),
    "dtype": (lambda: card(dtype=7), MODEL, (MODEL, "its contract is damaged ('dtype' must be a text, got 7)")),
    "calibration": (
        lambda: card(calibration="x"),
        MODEL,
        ("its contract is damaged ('calibration' must be a table, got 'x')",),
    ),
    "scores": (lambda: card(scores="x"), MODEL, ("its contract is damaged ('scores' must be a table, got 'x')",)),
    "scheme": (
        lambda: card(scheme={"name": 1}),
        MODEL,
        (MODEL, "its contract is damaged ('scheme.name' must be a text, got 1)"),
    ),
    "where it learned": (
        lambda: card(trained_on={"split": "x"}),
        MODEL,
        (MODEL, "its contract is damaged ('trained_on.split' must be a table, got 'x')"),
    ),
    "scores of a run": (
        lambda: record("run/metrics.json", val={"classes": "x"}),
        "run",
        ("run: what it says of itself is damaged",),
    ),
    "history": (lambda: text("run/history.csv", f'"{"x" * 200_000}'), "run", ("history.csv: is damaged",)),
    "prediction": (
        lambda: record("region.geolabel/run.json", counts="x"),
        "region.geolabel",
        ("run.json: is damaged ('counts' must be a table, got 'x')",),
    ),
}


@pytest.mark.parametrize("case", INSPECT)
def test_inspect(case: str, here: Path, cli: Callable[..., Done]) -> None:
    change, name, says = INSPECT[case]
    change()
    fails(cli, here, "inspect", name, says=says)


EXPLORE: dict[str, tuple[Callable[[], Any], tuple[object, ...], tuple[str, ...]]] = {
    "no tiles": (lambda: index(rows=0), (), (TILES, "5 are the least")),
    "four tiles": (lambda: index(rows=4), (), (TILES, "tiles: 4", "5 are the least")),
    "nothing known": (lambda: index(known=False), ("--method", "lda"), ("fewer than two are labelled",)),
    "method": (nothing, ("--method", "foo"), ("--method foo", "pca, umap, tsne, lda")),
    "four dimensions": (nothing, ("--dims", "4"), ("--dims 4", "2 or 3")),
    "one tile of many": (nothing, ("--most", 1), ("--most must be at least 5",)),
    "one cluster": (nothing, ("-k", 1), ("-k must lie in 2",)),
    "no network": (nothing, ("--trunk", "foo", "--weights", "none"), ("foo: no such network",)),
    "raster gone": (lambda: Path(REGION).unlink(), (), (REGION, "no such file")),
    "to a folder": (nothing, ("-o", "."), (".: is a folder",)),
    "to a picture": (nothing, ("-o", "x.png"), ("x.png: is a page",)),
    "onto the index": (nothing, ("-o", TILES, "--overwrite"), ("is, or holds, the input",)),
}


@pytest.mark.parametrize("case", EXPLORE)
def test_explore(case: str, here: Path, cli: Callable[..., Done]) -> None:
    change, words, says = EXPLORE[case]
    change()
    fails(cli, here, "explore", TILES, "--method", "pca", *words, says=says)


def test_explore_of_nodata_that_nobody_declared(here: Path, cli: Callable[..., Done]) -> None:
    raster("odd.tif", spotted(np.finfo("float32").min))
    assert cli("tile", "odd.tif", "--size", 16, "-o", "odd.parquet").code == 0
    says = ("odd.tif: tile 0 holds ±3.40282e+38", "gdal_edit.py -a_nodata")
    fails(cli, here, "explore", "odd.parquet", "--method", "pca", says=says)


def test_a_picture_of_tiles_with_nan_warns_of_nothing(here: Path, cli: Callable[..., Done]) -> None:
    pixels = noise()
    pixels[:, :20], pixels[0, 20:22] = np.nan, np.inf
    raster("odd.tif", pixels)
    assert cli("tile", "odd.tif", "--size", 16, "-o", "odd.parquet").code == 0
    assert cli("inspect", "odd.parquet", "--picture", "odd.png").code == 0


def test_explore_shows_any_column_and_runs_none(here: Path, cli: Callable[..., Done]) -> None:
    odd: dict[str, list[Any]] = {
        EVIL: [EVIL, "\u2028'\""],
        "list": [[1], [2]],
        "bytes": [b"\xff", b"a"],
        "map": [{"a": 1}],
    }
    index(columns={**odd, "none": [None], "flag": [True, False], "far": [np.inf, 1.0], "large": [2**62, None]})
    done = cli("explore", TILES, "--method", "pca", "--most", 60, "-o", "page.html")
    assert done.code == 0, done.err
    page = (here / "page.html").read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert EVIL not in page


EXPLAIN: dict[str, tuple[Callable[[], Any], tuple[object, ...], tuple[str, ...]]] = {
    "no such tile": (nothing, (MODEL, TILES, "--tile", 99_999), ("--tile 99999", "no such tile", "from 0 to")),
    "no such class": (nothing, (MODEL, TILES, "--class", "sea"), ("no class sea", "bare, forest")),
    "no such method": (nothing, (MODEL, TILES, "--method", "foo"), ("--method foo", "grad-cam")),
    "no such part": (nothing, (MODEL, TILES, "--split", "foo"), ("no tile in 'foo'",)),
    "no tiles": (lambda: index(rows=0), (MODEL, TILES), (f"{TILES}: has no tiles",)),
    "area of tiles": (nothing, (MODEL, TILES, "--aoi", "0,0,1,1"), ("is a tile index", "--aoi")),
    "area elsewhere": (nothing, (MODEL, REGION, "--aoi", "0,0,1,1"), ("does not touch the raster",)),
    "raster for a model": (nothing, (REGION, TILES), ("is no safetensors file",)),
    "raster without place": (
        lambda: raster("odd.tif", np.ones((4, 32, 32), "uint16"), crs=None),
        (MODEL, "odd.tif"),
        ("odd.tif: has no coordinate reference system",),
    ),
    "nothing to see": (
        lambda: raster("odd.tif", np.zeros((4, 32, 32), "uint16"), nodata=0),
        (MODEL, "odd.tif"),
        ("odd.tif: no valid pixel to explain",),
    ),
    "other bands": (lambda: raster("odd.tif", noise("uint16")), (MODEL, "odd.tif"), ("needs the bands", "nir")),
    "without captum": (
        lambda: sys.modules.__setitem__("captum", None),  # type: ignore[arg-type]
        (MODEL, TILES),
        ("explanations need captum", "pip install 'geolabel[explain]'"),
    ),
}


@pytest.mark.parametrize("case", EXPLAIN)
def test_explain(case: str, here: Path, cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    change, words, says = EXPLAIN[case]
    for name in [name for name in sys.modules if name.partition(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, name)
    change()
    fails(cli, here, "explain", *words, "-o", "explained", says=says)
    sys.modules.pop("captum", None)


DEHAZE: dict[str, tuple[Callable[[], Any], tuple[object, ...], tuple[str, ...]]] = {
    "one band": (lambda: raster("odd.tif", noise("uint8")[:1]), (), ("red, green and blue", "--bands")),
    "no valid pixel": (lambda: raster("odd.tif", np.zeros((3, 40, 40), "uint8"), nodata=0), (), ("no pixel is valid",)),
    "nodata nobody declared": (
        lambda: raster("odd.tif", spotted(np.finfo("float32").min)),
        (),
        ("-3.40282e+38", "gdal_edit.py -a_nodata"),
    ),
    "too large for anything": (lambda: raster("odd.tif", spotted(1e300, "float64")), (), ("1e+300",)),
    "scale is no number": (lambda: raster("odd.tif", noise(), scales=(np.nan,) * 3), (), ("gdal_edit.py -scale 1",)),
    "output named as a picture": (
        lambda: raster("odd.tif", noise()),
        ("-o", "x.png"),
        ("x.png: a GeoTIFF is written",),
    ),
    "output named as the page": (
        lambda: raster("odd.tif", noise()),
        ("-o", "x.html", "--compare", "x.html"),
        ("x.html: a GeoTIFF is written",),
    ),
    "onto the input": (lambda: raster("odd.tif", noise()), ("-o", "odd.tif", "--overwrite"), ("holds, the input",)),
    "truncated": (
        lambda: (raster("odd.tif", noise()), os.truncate("odd.tif", 9_000)),
        (),
        ("odd.tif: ", "truncated"),
    ),
}


@pytest.mark.parametrize("case", DEHAZE)
def test_dehaze(case: str, here: Path, cli: Callable[..., Done]) -> None:
    change, words, says = DEHAZE[case]
    change()
    fails(cli, here, "dehaze", "odd.tif", *words, says=says)


@pytest.mark.parametrize("contrast", ["none", "stretch", "clahe"])
def test_dehaze_leaves_what_is_no_finite_number(contrast: str, here: Path, cli: Callable[..., Done]) -> None:
    pixels = noise()
    pixels[0, :3], pixels[1, 3:6], pixels[:, 6:9] = np.inf, -np.inf, np.nan
    raster("odd.tif", pixels)
    done = cli("dehaze", "odd.tif", "--contrast", contrast, "--shadows", 0.3, "--compare", "page.html")
    assert done.code == 0, done.err
    with rasterio.open(here / "odd.clear.tif") as result:
        found = result.read()
    np.testing.assert_array_equal(found[:, :9], pixels[:, :9])
    assert np.isfinite(found[:, 9:]).all()


def test_one_odd_pixel_does_not_spoil_the_stretch(here: Path, cli: Callable[..., Done]) -> None:
    pixels = noise(side=128) / 255
    found = []
    for value in (pixels[0, 5, 5], -99_999.0):
        pixels[0, 5, 5] = value
        raster("odd.tif", pixels)
        assert cli("dehaze", "odd.tif", "--contrast", "stretch", "--overwrite").code == 0
        with rasterio.open(here / "odd.clear.tif") as result:
            found.append(result.read())
    found[1][0, 5, 5] = found[0][0, 5, 5]
    np.testing.assert_allclose(found[1], found[0], atol=0.01)


REPORT: dict[str, tuple[Callable[[], Any], tuple[object, ...], tuple[str, ...]]] = {
    "twice": (nothing, ("run", "./run"), ("a run is given twice",)),
    "twice by another name": (lambda: Path("link").symlink_to("run"), ("run", "link"), ("a run is given twice",)),
    "a prediction": (nothing, ("region.geolabel",), ("was made by geolabel predict",)),
    "no run": (nothing, (".",), ("run.json: no such file",)),
    "no scores in it": (
        lambda: record("run/metrics.json", val=None),
        ("run",),
        ("run: its JSON files are damaged",),
    ),
    "options": (
        lambda: record("run/run.json", options="x"),
        ("run",),
        ("run/run.json: is damaged ('options' must be a table, got 'x')",),
    ),
    "a picture": (nothing, ("run", "-o", "x.svg"), ("x.svg: is a page",)),
    "onto the run's own page": (nothing, ("run", "-o", "run/report.html"), ("is, or holds, the input",)),
}


@pytest.mark.parametrize("case", REPORT)
def test_report(case: str, here: Path, cli: Callable[..., Done]) -> None:
    change, words, says = REPORT[case]
    change()
    fails(cli, here, "report", *words, says=says)


@pytest.mark.parametrize("damaged", ["", "epoch,train_loss,best\n1,x,True\n", "\0" * 99, f'"{"x" * 200_000}'])
def test_report_shows_a_run_without_its_damaged_history(damaged: str, here: Path, cli: Callable[..., Done]) -> None:
    text("run/history.csv", damaged)
    done = cli("report", "run", "-o", "page.html")
    assert done.code == 0, done.err
    assert "run/history.csv" in done.err
    assert "Without curves: run" in (here / "page.html").read_text(encoding="utf-8")


def test_evaluation_with_damaged_confusions(here: Path, cli: Callable[..., Done]) -> None:
    assert cli("evaluate", MODEL, TILES, "-o", "scored").code == 0
    record("scored/metrics.json", confusions=["x"])
    fails(cli, here, "report", "scored", says=("scored: its JSON files are damaged",))
