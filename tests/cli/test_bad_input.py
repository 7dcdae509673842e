"""What goes wrong is told in one line that says where, what and how to mend it; exit code 1, nothing half-written."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image

from tests.cli.conftest import SIDE, write_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way


@pytest.fixture
def copy(way: Way, tmp_path: Path) -> Way:
    """A copy of the whole way that a test may break."""
    target = tmp_path / "way"
    shutil.copytree(way.folder, target)
    return type(way)(target, way.said)


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def fails(cli: Callable[..., Done], folder: Path, *words: object, says: tuple[str, ...]) -> str:
    """The command fails with one line that says all of `says`, and leaves the folder as it was."""
    before = tree(folder)
    done = cli(*words)
    assert done.code == 1, (done.code, done.out, done.err)
    lines = [line for line in done.err.strip().splitlines() if not line.startswith("WARNING")]
    assert len(lines) == 1, done.err
    assert lines[0].startswith("geolabel: ")
    for text in says:
        assert text in lines[0], (text, lines[0])
    assert "Traceback" not in done.err
    assert "fault of geolabel" not in done.err
    assert not done.out
    assert tree(folder) == before
    return lines[0]


def _raster(path: Path, *, crs: str | None = "EPSG:32719", transform: Affine | None = None, value: int = 5) -> Path:
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    placed = transform or Affine(10, 0, 4e5, 0, -10, 8.6e6)
    with rasterio.open(path, "w", **profile, crs=crs, transform=placed) as dataset:
        dataset.write(np.full((3, 64, 64), value, dtype="uint8"))
    return path


RASTERS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "missing": (lambda path: None, ("no such file",)),
    "empty": (lambda path: path.write_bytes(b""), ("is empty", "again")),
    "text": (lambda path: path.write_text("hello, I am text\n" * 20), ("not a raster", "look into it")),
    "header only": (lambda path: path.write_bytes(b"II*\x00\x08\x00\x00\x00"), ("not a raster", "truncated")),
    "folder": (lambda path: path.mkdir(), ("folder",)),
    "no crs": (lambda path: _raster(path, crs=None), ("no coordinate reference system", "gdal_edit.py -a_srs")),
    "rotated": (
        lambda path: _raster(path, transform=Affine(10, 3, 4e5, 3, -10, 8.6e6)),
        ("rotated", "gdalwarp"),
    ),
}


@pytest.mark.parametrize("kind", RASTERS)
@pytest.mark.parametrize("command", ["tile", "predict"])
def test_bad_rasters(cli: Callable[..., Done], way: Way, tmp_path: Path, kind: str, command: str):
    make, says = RASTERS[kind]
    path = tmp_path / "bad.tif"
    make(path)
    rest = ("-o", tmp_path / "t.parquet") if command == "tile" else ("--model", way.model, "-o", tmp_path / "out")
    fails(cli, tmp_path, command, path, *rest, says=("bad.tif", *says))


def test_a_truncated_raster_is_named_when_its_pixels_are_read(cli: Callable[..., Done], copy: Way, tmp_path: Path):
    whole = copy.region.read_bytes()
    copy.region.write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out.geolabel"
    words = ("predict", copy.region, "--model", copy.model, "-o", out)
    fails(cli, tmp_path, *words, says=("region.tif", "truncated", "again"))


def test_no_tile_is_left(cli: Callable[..., Done], tmp_path: Path):
    region = tmp_path / "region.tif"
    write_region(region, nodata_rows=SIDE)
    words = ("tile", region, "-o", tmp_path / "t.parquet")
    fails(cli, tmp_path, *words, says=("no tile is left", "--min-valid"))


def test_an_area_elsewhere(cli: Callable[..., Done], way: Way, tmp_path: Path):
    aoi = tmp_path / "aoi.gpkg"
    geopandas.GeoDataFrame(geometry=[shapely.box(10, 50, 11, 51)], crs="EPSG:4326").to_file(aoi)
    fails(cli, tmp_path, "tile", way.region, "--aoi", aoi, "-o", tmp_path / "t.parquet", says=("--aoi",))
    words = ("predict", way.region, "--model", way.model, "--aoi", aoi, "-o", tmp_path / "out")
    fails(cli, tmp_path, *words, says=("area of interest",))


def test_unknown_bands(cli: Callable[..., Done], way: Way, tmp_path: Path):
    words = ("tile", way.region, "--bands", "red,swir", "-o", tmp_path / "t.parquet")
    fails(cli, tmp_path, *words, says=("swir", "red, green, blue, nir", "--bands"))


def test_a_raster_that_lacks_the_models_bands(cli: Callable[..., Done], way: Way, tmp_path: Path):
    rgb = _raster(tmp_path / "rgb.tif")
    words = ("predict", rgb, "--model", way.model, "-o", tmp_path / "out")
    fails(cli, tmp_path, *words, says=("red, green, blue, nir", "--bands"))


def test_another_type_or_unit(cli: Callable[..., Done], way: Way, tmp_path: Path):
    with rasterio.open(way.region) as dataset:
        pixels, profile, names = dataset.read(), dataset.profile, dataset.descriptions
    for name, dtype, factor in (
        ("byte.tif", "uint8", 0.02),
        ("float.tif", "float32", 1e-4),
        ("small.tif", "uint16", 0.01),
    ):
        with rasterio.open(tmp_path / name, "w", **(profile | {"dtype": dtype}), photometric="minisblack") as dataset:
            dataset.write((pixels * factor).astype(dtype))
            dataset.descriptions = names
        words = ("predict", tmp_path / name, "--model", way.model, "-o", tmp_path / "out")
        fails(cli, tmp_path, *words, says=(name, "--scale"))
    mended = cli(*("predict", tmp_path / "float.tif", "--model", way.model, "-o", tmp_path / "out", "--scale", 1e4))
    assert mended.code == 0, mended.err
    with rasterio.open(tmp_path / "out" / "classes.tif") as own, rasterio.open(way.prediction / "classes.tif") as other:
        assert (own.read(1) == other.read(1)).mean() > 0.999


def _torch_file(path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(3)}, path)


def _plain_weights(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, path)


MODELS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "missing": (lambda path: None, ("no such file",)),
    "text": (lambda path: path.write_text("not a model, just words"), ("no safetensors file",)),
    "pickle": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), ("pickle", "safetensors.torch.save_file")),
    "torch": (_torch_file, ("pickle", "safetensors.torch.save_file")),
    "no contract": (_plain_weights, ("without geolabel's contract", "geolabel train")),
}


@pytest.mark.parametrize("kind", MODELS)
def test_bad_models(cli: Callable[..., Done], way: Way, tmp_path: Path, kind: str):
    make, says = MODELS[kind]
    path = tmp_path / "bad.model"
    make(path)
    for words in (
        ("predict", way.region, "--model", path, "-o", tmp_path / "out"),
        ("evaluate", path, way.tiles, "-o", tmp_path / "scores"),
    ):
        fails(cli, tmp_path, *words, says=("bad.model", *says))


def test_a_truncated_model(cli: Callable[..., Done], copy: Way, tmp_path: Path):
    whole = copy.model.read_bytes()
    copy.model.write_bytes(whole[:-1000])
    words = ("predict", copy.region, "--model", copy.model, "-o", tmp_path / "out")
    fails(cli, tmp_path, *words, says=("model.safetensors", "truncated"))


def test_images_that_are_missing(cli: Callable[..., Done], tmp_path: Path):
    chips = tmp_path / "chips"
    chips.mkdir()
    Image.new("RGB", (16, 16)).save(chips / "a.png")
    (tmp_path / "tags.csv").write_text("image_name,tags\na,water\nb,forest\n")
    words = ("tile", "--images", chips, "--tags", tmp_path / "tags.csv", "-o", tmp_path / "t.parquet")
    fails(cli, tmp_path, *words, "--missing", "error", says=("tags.csv", "1 images", "b"))
    done = cli(*words, "--json")
    assert done.code == 0
    assert done.json["images_missing"] == 1
    assert "b" in done.err
    (tmp_path / "tags.csv").write_text("image_name,tags\nx,water\ny,forest\n")
    words = ("tile", "--images", chips, "--tags", tmp_path / "tags.csv", "-o", tmp_path / "u.parquet")
    fails(cli, tmp_path, *words, says=("none of its 2 images", "--images"))


def test_an_empty_folder_of_chips(cli: Callable[..., Done], tmp_path: Path):
    (tmp_path / "chips").mkdir()
    fails(cli, tmp_path, "tile", "--images", tmp_path / "chips", "-o", tmp_path / "t", says=("no pictures",))
    fails(cli, tmp_path, "tile", "--images", tmp_path / "none", "-o", tmp_path / "t", says=("no such folder",))


@pytest.mark.parametrize("command", ["tile", "predict", "export", "evaluate", "train"])
def test_outputs_are_never_overwritten_unasked(cli: Callable[..., Done], way: Way, tmp_path: Path, command: str):
    out = tmp_path / "there"
    out.write_text("precious")
    words = {
        "tile": ("tile", way.region),
        "predict": ("predict", way.region, "--model", way.model),
        "export": ("export", way.prediction),
        "evaluate": ("evaluate", way.model, way.tiles),
        "train": ("train", way.tiles),
    }[command]
    fails(cli, tmp_path, *words, "-o", out, says=("there", "exists", "--overwrite"))
    assert out.read_text() == "precious"


def test_overwriting_replaces_a_whole_prediction(cli: Callable[..., Done], copy: Way):
    (copy.prediction / "old.txt").write_text("from before")
    words = ("predict", copy.region, "--model", copy.model, "-o", copy.prediction, "--overwrite")
    assert cli(*words).code == 0
    assert not (copy.prediction / "old.txt").exists()
    assert (copy.prediction / "classes.tif").exists()


@pytest.mark.parametrize("command", ["tile", "predict", "export", "evaluate", "train"])
def test_a_folder_that_cannot_be_written(
    cli: Callable[..., Done], way: Way, tmp_path: Path, read_only_folder: Path, command: str
):
    words = {
        "tile": ("tile", way.region),
        "predict": ("predict", way.region, "--model", way.model),
        "export": ("export", way.prediction),
        "evaluate": ("evaluate", way.model, way.tiles),
        "train": ("train", way.tiles, "--epochs", 1),
    }[command]
    fails(cli, tmp_path, *words, "-o", read_only_folder / "out", says=("cannot be written", "-o"))


@pytest.mark.parametrize("left", [0, 4_000, 60_000, 150_000])
def test_a_full_disk_leaves_nothing_but_whole_shards(cli: Callable[..., Done], way: Way, small_disk: Path, left: int):
    room = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(b"x" * (room.f_bavail * room.f_frsize - left))
    words = ("predict", way.region, "--model", way.model, "-o", small_disk / "out.geolabel")
    done = cli(*words)
    assert done.code == 1
    assert "small" in done.err
    assert "disk is full" in done.err
    assert len(done.err.strip().splitlines()) == 1
    shards = {path for path in tree(small_disk) if path.startswith("out.geolabel.shards")}
    assert tree(small_disk) == {"filler"} | shards
    assert all(path.endswith((".shards", ".npz", "job.json")) for path in shards), "nothing half-written"
    (small_disk / "filler").unlink()
    again = cli(*words)
    assert again.code == 0, again.err
    assert not (small_disk / "out.geolabel.shards").exists()


@pytest.mark.parametrize("left", [4_096, 300_000])
def test_a_full_disk_while_tiling_and_training(cli: Callable[..., Done], way: Way, small_disk: Path, left: int):
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "filler").write_bytes(b"x" * (free - left))
    if left < 10_000:
        fails(cli, small_disk, "tile", way.region, "--size", 4, "-o", small_disk / "t.parquet", says=("disk is full",))
    words = ("train", way.tiles, "--epochs", 1, "-o", small_disk / "run")
    fails(cli, small_disk, *words, says=("run", "disk is full"))


def test_a_run_that_fails_leaves_the_old_model(cli: Callable[..., Done], copy: Way):
    old = copy.model.read_bytes()
    words = ("train", copy.tiles, "--lr", 1e30, "--epochs", 2, "-o", copy.folder / "run", "--overwrite")
    fails(cli, copy.folder, *words, says=("--lr", "lower"))
    assert copy.model.read_bytes() == old


def test_an_index_that_is_none(cli: Callable[..., Done], way: Way, tmp_path: Path):
    other = tmp_path / "other.parquet"
    geopandas.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs="EPSG:4326").to_parquet(other)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(way.tiles.read_bytes()[:-100])
    for path in (other, broken):
        for command in ("label", "split", "train"):
            extra = ("--vector", way.places, "--field", "landuse") if command == "label" else ()
            extra = ("-o", tmp_path / "run") if command == "train" else extra
            fails(cli, tmp_path, command, path, *extra, says=(path.name, "geolabel tile"))


def test_steps_in_the_wrong_order(cli: Callable[..., Done], way: Way, tmp_path: Path):
    tiles = tmp_path / "t.parquet"
    assert cli("tile", way.region, "--size", 16, "-o", tiles).code == 0
    fails(cli, tmp_path, "train", tiles, "-o", tmp_path / "run", says=("no labels", "geolabel label"))
    assert cli("label", tiles, "--vector", way.places, "--field", "landuse").code == 0
    fails(cli, tmp_path, "train", tiles, "-o", tmp_path / "run", says=("not split", "geolabel split"))


def test_labels_that_do_not_touch_or_do_not_name(cli: Callable[..., Done], way: Way, tmp_path: Path):
    far = tmp_path / "far.gpkg"
    frame = geopandas.read_file(way.places)
    frame.set_geometry(frame.geometry.translate(20, 20)).to_file(far)
    copied = shutil.copy(way.tiles, tmp_path / "t.parquet")
    shutil.copy(way.region, tmp_path / "region.tif")
    fails(cli, tmp_path, "label", copied, "--vector", far, "--field", "landuse", says=("far.gpkg", "CRS"))
    fails(
        cli, tmp_path, "label", copied, "--vector", way.places, "--field", "use", says=("'use'", "landuse", "--field")
    )
    fails(cli, tmp_path, "label", copied, "--vector", way.places, says=("--field",))
    fails(cli, tmp_path, "label", copied, says=("--vector",))


def test_options_at_their_edges(cli: Callable[..., Done], way: Way, tmp_path: Path):
    out = ("-o", tmp_path / "o")
    for words, says in (
        (("tile", way.region, "--size", 0, *out), "--size"),
        (("tile", way.region, "--stride", 300, *out), "--stride"),
        (("tile", way.region, "--min-valid", 1.5, *out), "--min-valid"),
        (("tile", *out), "--images"),
        (("split", way.tiles, "--val", 0.6, "--test", 0.4, *out), "--val"),
        (("split", way.tiles, "--block", "400km", *out), "--block"),
        (("split", way.tiles, "--by", "nothing", *out), "nothing"),
        (("train", way.tiles, "--epochs", 0, *out), "--epochs"),
        (("train", way.tiles, "--model", "resnet81", *out), "did you mean"),
        (("train", way.tiles, "--device", "abacus", *out), "--device"),
        (("train", way.tiles, "--resume", *out), "run.json"),
        (("predict", way.region, "--model", way.model, "--stride", 17, *out), "--stride"),
        (("predict", way.region, "--model", way.model, "--threshold", 1, *out), "--threshold"),
        (("export", way.folder, *out), "geolabel predict"),
    ):
        fails(cli, tmp_path, *words, says=(says,))


def test_a_traceback_only_where_asked(cli: Callable[..., Done], tmp_path: Path):
    from geolabel.errors import InputError

    with pytest.raises(InputError):
        cli("tile", tmp_path / "none.tif", "-o", tmp_path / "t.parquet", "--debug")
