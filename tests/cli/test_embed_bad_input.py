"""What `geolabel embed` is given by mistake is told in one line that says where and what; nothing is half-written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from affine import Affine

from geolabel.tiling import read_index
from tests.cli.conftest import BANDS, CRS, FIELD, LEFT, TOP, write_fields, write_region
from tests.cli.test_bad_input import fails, tree
from tests.embeddings import made
from tests.steps.embed.encoders import save_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way

VECTORS = "region.embeddings.parquet"


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Path:
    """A folder with a region, its encoder and its vectors; not to be written to."""
    folder = tmp_path_factory.mktemp("encoded")
    write_region(folder / "region.tif")
    save_encoder(folder / "encoder.safetensors", BANDS, tile_px=(FIELD, FIELD))
    done = cli(
        *("embed", "encode", folder / "region.tif", "--model", folder / "encoder.safetensors", "--engine", "torch"),
        *("--precision", "fp32", "--batch", 16, "-o", folder / VECTORS),
    )
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def here(encoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to break, as the folder worked in."""
    folder = Path(shutil.copytree(encoded, tmp_path / "here"))
    monkeypatch.chdir(folder)
    return folder


def rewritten(path: Path, *, drop: str | None = None, changed: dict[str, Any] | None = None, at: int = -1) -> None:
    """The embeddings file without a column, with another description, or with a vector that is no number."""
    stored = pq.ParquetFile(path)
    told = {key: value for key, value in stored.metadata.metadata.items() if key != b"ARROW:schema"}
    told[b"geolabel"] = json.dumps(json.loads(told[b"geolabel"]) | (changed or {})).encode()
    table = stored.read()
    if at >= 0:
        column = table["vector"].combine_chunks()
        vectors = column.flatten().to_numpy().reshape(len(table), -1).copy()
        vectors[at] = np.nan
        cast = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=column.type)
        table = table.set_column(table.column_names.index("vector"), table.schema.field("vector"), cast)
    table = table.drop_columns([drop]) if drop else table
    pq.write_table(table.replace_schema_metadata(told), path)


def scrambled(path: Path, start: int, stop: int) -> None:
    """Other bytes in the middle of a file."""
    whole = bytearray(path.read_bytes())
    whole[start:stop] = np.random.default_rng(0).bytes(stop - start)
    path.write_bytes(whole)


HEADER = {"size": 191, "dtype": "float16", "norm": True, "model": {}}
DAMAGED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (Path.unlink, "no such file"),
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:9000]), "is no Parquet file, or it is truncated"),
    "rows damaged": (lambda path: scrambled(path, 100, 2000), "it is damaged, encode the region again"),
    "no number": (lambda path: rewritten(path, at=7), "a vector holds what is no number"),
    "another length": (lambda path: rewritten(path, changed={"embeddings": HEADER}), "[191] is promised"),
    "damaged description": (lambda path: rewritten(path, changed={"embeddings": {"size": 2}}), "is damaged"),
    "odd model": (lambda path: rewritten(path, changed={"embeddings": {**HEADER, "model": "x"}}), "is damaged"),
    "no vectors": (lambda path: rewritten(path, changed={"embeddings": None}), "holds no vectors"),
    "no tile": (lambda path: rewritten(path, drop="tile"), "lacks the columns tile"),
    "no outlines": (lambda path: rewritten(path, drop="geometry"), "lacks the columns geometry"),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize(
    "words",
    [
        ("search", VECTORS, "--like", 1, "--unlike", 2, "-o", "s.gpkg"),
        ("search", VECTORS, "--like", 1, "--fit", "-o", "s.gpkg"),
        ("cluster", VECTORS, "-k", 3, "-o", "c.parquet"),
    ],
    ids=["search", "probe", "cluster"],
)
def test_damaged_vectors(cli: Callable[..., Done], here: Path, kind: str, words: tuple[object, ...]) -> None:
    damage, told = DAMAGED[kind]
    damage(here / VECTORS)
    if kind == "rows damaged" and words[0] == "cluster":
        told = "is truncated"  # read whole, as a tile index
    fails(cli, here, "embed", *words, says=(VECTORS, told))


def drawn(path: Path, shapes: list[Any], **columns: Any) -> None:
    geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326").to_file(path)


def no_crs(folder: Path) -> None:
    drawn(folder / "x.shp", [shapely.box(0, 0, 1, 1)])
    (folder / "x.prj").unlink()


def chip(folder: Path) -> None:
    profile = {"driver": "GTiff", "width": FIELD, "height": FIELD, "count": 4, "dtype": "uint16", "nodata": 0}
    place = Affine(10, 0, LEFT, 0, -10, TOP)
    with rasterio.open(folder / "chip.tif", "w", **profile, crs=CRS, transform=place) as dataset:
        dataset.write(np.zeros((4, FIELD, FIELD), "uint16"))
        dataset.descriptions = BANDS


EXAMPLES: dict[str, tuple[Callable[[Path], Any], list[object], tuple[str, ...]]] = {
    "the sea": (tree, ["0,0"], ("--like 0,0: no tile of", "lon,lat, in this order")),
    "lat,lon": (tree, ["-12.67,-69.91"], ("no tile of", "lon,lat, in this order")),
    "no layer": (lambda folder: (folder / "x.gpkg").write_text("x"), ["x.gpkg"], ("x.gpkg", "ogrinfo")),
    "no geometry": (lambda folder: drawn(folder / "x.gpkg", [None]), ["x.gpkg"], ("--like x.gpkg: no tile",)),
    "no crs": (no_crs, ["x.shp"], ("x.shp", "no coordinate reference system")),
    "a pasted polygon": (tree, [f"POLYGON(({'1 2, ' * 999}1 2))"], ("no such file", "a vector file was expected")),
    "a folder": (lambda folder: (folder / "d.png").mkdir(), ["d.png", "--model", "encoder.safetensors"], ("folder",)),
    "a blank picture": (chip, ["chip.tif", "--model", "encoder.safetensors"], ("chip.tif", "no valid pixel")),
    "every tile": (tree, [0, *[w for tile in range(1, 64) for w in ("--like", tile)], "--fit"], ("are examples",)),
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_that_are_none(cli: Callable[..., Done], here: Path, kind: str) -> None:
    make, words, told = EXAMPLES[kind]
    make(here)
    fails(cli, here, "embed", "search", VECTORS, "--like", *words, "-o", "s.gpkg", says=told)


def test_an_example_is_not_written_over(cli: Callable[..., Done], here: Path) -> None:
    drawn(here / "mine.gpkg", [shapely.Point(-69.91, -12.67)])
    before = (here / "mine.gpkg").read_bytes()
    words = ("--like", "mine.gpkg", "-o", "mine.gpkg", "--overwrite")
    fails(cli, here, "embed", "search", VECTORS, *words, says=("mine.gpkg: is, or holds, the input",))
    assert (here / "mine.gpkg").read_bytes() == before
    chip(here)
    (here / "chip.tif").rename(here / "mine.heat.tif")
    words = ("--like", "mine.heat.tif", "--model", "encoder.safetensors", "--fit", "-o", "mine.gpkg", "--overwrite")
    fails(cli, here, "embed", "search", VECTORS, *words, says=("mine.heat.tif: is, or holds, the input",))


@pytest.mark.parametrize(("made_so", "told"), [("file", "is no folder"), ("folder", "did not make")])
def test_a_stranger_where_the_index_belongs(cli: Callable[..., Done], here: Path, made_so: str, told: str) -> None:
    pytest.importorskip("faiss")
    place = here / "region.embeddings.index"
    if made_so == "folder":
        place.mkdir()
        place = place / "mine.txt"
    place.write_text("mine")
    words = ("--like", 1, "--index", "-o", "s.gpkg")
    fails(cli, here, "embed", "search", VECTORS, *words, says=(told, "leave --index out"))
    assert place.read_text() == "mine"


def test_an_index_is_made_anew_where_it_is_none(
    cli: Callable[..., Done], here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("faiss")
    words = ("embed", "search", VECTORS, "--like", 1, "--index", "-o", "s.csv", "--overwrite")
    assert cli(*words).code == 0
    assert not capfd.readouterr().err  # of few vectors FAISS complains by itself
    stored = here / "region.embeddings.index" / "vectors.faiss"
    record, answers = stored.with_name("run.json"), (here / "s.csv").read_bytes()
    for damage in (stored.unlink, lambda: record.write_text('{"command": "embed search"}')):
        damage()
        assert cli(*words).code == 0
        assert (here / "s.csv").read_bytes() == answers
    stored.write_bytes(stored.read_bytes()[:500])
    fails(cli, here, *words, says=("vectors.faiss: is damaged; delete the folder",))


@pytest.mark.parametrize("ending", [".toml", ".tif", ".qml", ".tif.aux.xml"])
def test_clusters_write_over_nothing(cli: Callable[..., Done], here: Path, ending: str) -> None:
    (here / f"mine{ending}").write_text("mine")
    fails(cli, here, "embed", "cluster", VECTORS, "-k", 3, "-o", "mine.parquet", says=(f"mine{ending}: exists",))
    assert (here / f"mine{ending}").read_text() == "mine"


def test_names_that_clusters_cannot_have(cli: Callable[..., Done], here: Path) -> None:
    assert cli("embed", "cluster", VECTORS, "-k", 2, "-o", "c.parquet").code == 0
    plain = (here / "c.toml").read_text()
    for now, told in {
        "[[[": "is not TOML",
        plain.replace('name = "cluster-1"', 'name = "forest"'): "but the clusters of c.parquet are",
        plain.replace("Cluster 1", "known"): "'known', which is reserved",
        plain.replace("Cluster 1", "  "): "needs a name",
        plain[: plain.rindex("[[class]]")]: "but the clusters of c.parquet are",
    }.items():
        (here / "c.toml").write_text(now)
        words = ("c.parquet", "--rename", "c.toml", "-o", "named.parquet")
        fails(cli, here, "embed", "cluster", *words, says=("c.toml: ", told))
    (here / "c.toml").write_text(plain.replace("Cluster 1", "<script>alert(1)</script>"))
    assert cli("embed", "cluster", "c.parquet", "--rename", "c.toml", "-o", "named.parquet").code == 0
    assert "<script>alert(1)</script>" in read_index(here / "named.parquet").class_names
    assert not any(b"<script" in (here / f"named.{kind}").read_bytes() for kind in ("qml", "tif.aux.xml"))


def test_too_few_tiles(cli: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for count in (0, 1, 3):
        made.write(tmp_path / f"{count}.parquet", made.tiles(count), made.unit(rng, count, 4))
    for words, told in {
        ("search", "0.parquet", "--like", 0): "has no tiles; encode a region first",
        ("search", "1.parquet", "--like", 0, "--fit"): "all its 1 tiles are examples",
        ("cluster", "0.parquet", "--method", "hdbscan"): "no vectors to cluster",
        ("cluster", "3.parquet", "--method", "hdbscan"): "HDBSCAN finds no cluster",
        ("cluster", "3.parquet", "-k", 4): "has 3 tiles, too few for 4 clusters",
        ("cluster", "3.parquet", "-k", 1): "-k must lie in 2",
        ("cluster", "3.parquet", "-k", 3, "-o", "3.parquet", "--overwrite"): "is, or holds, the input",
    }.items():
        fails(cli, tmp_path, "embed", *words, says=(told,))


def test_files_that_segment_is_not_given(cli: Callable[..., Done], here: Path) -> None:
    write_fields(here / "places.gpkg")
    given = {"raster": "region.tif", "labels": "places.gpkg", "model": "encoder.safetensors"}
    for changed, told in {
        ("raster", "no.tif"): "no.tif: no such file",
        ("labels", "no.gpkg"): "no.gpkg: no such file",
        ("labels", "."): "is a folder",
        ("model", "no"): "no: no such file",
        ("model", "region.tif"): "is no safetensors file",
        ("output", "o" * 300): "cannot be written (File name too long)",
    }.items():
        now = given | dict([changed])
        words = (now.pop("raster"), "--field", "landuse", *(f"--{name}={value}" for name, value in now.items()))
        fails(cli, here, "embed", "segment", *words, says=(told,))


def test_models_of_another_kind(cli: Callable[..., Done], here: Path, way: Way) -> None:
    scrambled(shutil.copy(here / "encoder.safetensors", here / "bad.safetensors"), 8, 200)
    for words, told in {
        ("encode", "region.tif", "--model", "bad.safetensors"): "bad.safetensors: ",
        ("encode", way.tiles, "--model", "encoder.safetensors"): "tiles of 16 × 16 px, but",
        ("evaluate", "encoder.safetensors", way.tiles): "tiles of 16 × 16 px, but",
        ("evaluate", way.model, way.tiles, "--supervised", "encoder.safetensors"): "this is an embedder",
        ("search", VECTORS, "--like", "region.tif", "--model", way.model): "vectors of two models mean different",
    }.items():
        fails(cli, here, "embed", *words, says=(told,))
    fails(cli, here, "predict", "region.tif", "--model", "encoder.safetensors", says=("gives embeddings, no classes",))


def test_a_seed_that_not_everything_takes_is_refused(cli: Callable[..., Done], here: Path) -> None:
    for words in (("search", VECTORS, "--like", 1, "--fit"), ("cluster", VECTORS)):
        for seed in (-1, 2**31):
            done = cli("embed", *words, "--seed", seed)
            assert done.code == 2
            assert "--seed" in done.err


@pytest.fixture
def resampled(tmp_path: Path, write_raster: Any) -> tuple[object, ...]:
    """How a region is encoded that must be brought to the encoder's GSD: `e.region` shows it as it was read."""
    pixels = np.random.default_rng(0).integers(1, 3000, (4, 64, 64), "uint16")
    coarse = Affine(30, 0, LEFT, 0, -30, TOP)
    region = write_raster("r.tif", pixels, crs=CRS, transform=coarse, descriptions=BANDS)
    model = save_encoder(tmp_path / "encoder.safetensors", BANDS)
    how = ("--engine", "torch", "--precision", "fp32", "--batch", 16)
    return ("embed", "encode", region, "--model", model, *how, "-o", tmp_path / "e.parquet")


def test_a_run_that_was_killed_can_be_done_again(
    cli: Callable[..., Done], tmp_path: Path, resampled: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was read from is in a folder that says whose it is, from the first moment on."""
    killed, left = tmp_path / "killed", tmp_path / "e.region"

    def stopped(*_: object) -> None:
        shutil.copytree(left, killed)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("geolabel.steps.embed.encoding.writing.encoded", stopped)
        assert cli(*resampled).code == 130
    assert not left.exists()
    killed.rename(left)  # kill -9 tidies nothing up
    assert (left / "resampled.vrt").exists()
    fails(cli, tmp_path, *resampled, says=("e.region: exists already; give --overwrite",))
    assert cli(*resampled, "--overwrite").code == 0
    assert (tmp_path / "e.parquet").exists()


def test_what_vectors_are_cut_from_stays_with_them(
    cli: Callable[..., Done], tmp_path: Path, resampled: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the picture fails at the end, vectors and the view that they name are as they were."""
    assert cli(*resampled).code == 0
    view = tmp_path / "e.region" / "resampled.vrt"
    view.write_text(view.read_text() + "<!-- the old one -->")
    before = {path: path.read_bytes() for path in (view, tmp_path / "e.parquet")}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("geolabel.steps.embed.encode.draw", full)
    fails(cli, tmp_path, *resampled, "--overwrite", says=("the disk is full",))
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("command", ["search", "cluster"])
def test_a_full_disk(cli: Callable[..., Done], here: Path, small_disk: Path, command: str) -> None:
    (small_disk / "fill").write_bytes(bytes(shutil.disk_usage(small_disk).free - (1 << 14)))
    words = ("--like", 1) if command == "search" else ("-k", 3)
    ending = "gpkg" if command == "search" else "parquet"
    fails(cli, small_disk, "embed", command, here / VECTORS, *words, "-o", small_disk / f"o.{ending}", says=("full",))
