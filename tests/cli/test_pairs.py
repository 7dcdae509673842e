"""Two dates, from tiles to a map of what changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from tests.cli.conftest import BANDS, CRS, FIELD, LEFT, SIDE, TOP

if TYPE_CHECKING:
    from pathlib import Path


def cells(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((SIDE // FIELD, SIDE // FIELD)) < 0.4


def write_date(path: Path, bare: np.ndarray, *, seed: int, light: float, nodata_rows: slice, shift: int = 0) -> None:
    """A date of fields, times `light`; its corner lies `shift` pixels to the east and south of the other's."""
    rng = np.random.default_rng(seed)
    grown = np.kron(bare, np.ones((FIELD, FIELD))).astype(bool)
    forest, soil = np.array([250, 400, 200, 3000]), np.array([2000, 1500, 1000, 2600])
    pixels = np.where(grown, soil[:, None, None], forest[:, None, None]) + rng.normal(0, 150, (4, SIDE, SIDE))
    pixels = np.clip(light * pixels, 1, 10_000).astype("uint16")[:, shift:, shift:]
    pixels[:, nodata_rows] = 0
    place = Affine(10, 0, LEFT + 10 * shift, 0, -10, TOP - 10 * shift)
    profile = {"driver": "GTiff", "width": SIDE - shift, "height": SIDE - shift, "count": 4, "dtype": "uint16"}
    with rasterio.open(path, "w", nodata=0, crs=CRS, transform=place, **profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = BANDS


def changed() -> np.ndarray:
    """Cells that were forest and are bare."""
    return ~cells(3) & cells(4)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, cli: Any) -> tuple[Path, dict[str, Any]]:
    """tile --pairs → label → split → train --pairs → predict, once, and what each said."""
    folder = tmp_path_factory.mktemp("pairs")
    before = cells(3)
    write_date(folder / "before.tif", before, seed=1, light=1.0, nodata_rows=slice(0, 16))
    write_date(folder / "after.tif", before | cells(4), seed=2, light=1.1, nodata_rows=slice(296, None), shift=8)
    rows, cols = np.indices(before.shape)
    side = FIELD * 10
    boxes = shapely.box(LEFT + cols * side, TOP - (rows + 1) * side, LEFT + (cols + 1) * side, TOP - rows * side)
    names = np.where(changed(), "loss", "stable").ravel()
    geopandas.GeoDataFrame({"change": names}, geometry=boxes.ravel(), crs=CRS).to_file(folder / "changes.gpkg")
    tiles, said = folder / "tiles.parquet", {}
    for name, words in {
        "tile": ("tile", folder / "before.tif", folder / "after.tif", "--pairs", "--size", 16, "-o", tiles),
        "label": ("label", tiles, "--vector", folder / "changes.gpkg", "--field", "change"),
        "split": ("split", tiles, "--block", "400m", "--buffer", "0", "--val", ".2", "--test", ".2"),
        "train": ("train", tiles, "--pairs", "--model", "cnn", "--epochs", 4, "-o", folder / "run"),
        "predict": ("predict", folder / "tiles.pair1.vrt", "--model", folder / "run" / "model.safetensors"),
    }.items():
        done = cli(*words, *(("-o", folder / "map") if name == "predict" else ()), "--json")
        assert done.code == 0, done.err
        said[name] = done.json
    return folder, said


def test_tiles_are_where_both_dates_are_seen(place: tuple[Path, dict[str, Any]]):
    """Valid: rows 16 to 304 (a later date begins 8 px on, and ends at its row 296), columns 8 to 320."""
    folder, said = place
    frame = geopandas.read_parquet(folder / "tiles.parquet")
    assert said["tile"]["sources"] == 1
    assert said["tile"]["tiles"] == len(frame) == 18 * 20
    assert frame["valid"].min() == pytest.approx(0.5, abs=0.07)
    assert set(frame["source"]) == {"tiles.pair1.vrt"}


def test_the_change_is_learned_on_unseen_blocks(place: tuple[Path, dict[str, Any]], cli: Any, tmp_path: Path):
    folder, _ = place
    model, tiles = folder / "run" / "model.safetensors", folder / "tiles.parquet"
    done = cli("evaluate", model, tiles, "--split", "test", "-o", tmp_path / "scores", "--json")
    assert done.json["scores"]["macro_average_precision"] > 0.95


def test_the_contract_names_both_dates_and_shares_their_statistics(place: tuple[Path, dict[str, Any]], cli: Any):
    folder, _ = place
    told = cli("models", "show", folder / "run" / "model.safetensors", "--json").json
    assert told["bands"] == [f"{date}.{band}" for date in ("before", "after") for band in BANDS]
    record = json.loads((folder / "run" / "run.json").read_text())
    assert record["options"]["pairs"] is True


def test_the_map_shows_what_changed(place: tuple[Path, dict[str, Any]]):
    folder, _ = place
    with rasterio.open(folder / "map" / "probabilities.tif") as dataset:
        loss = dataset.read(dataset.descriptions.index("loss") + 1)
        assert dataset.transform == Affine(10, 0, LEFT, 0, -10, TOP)
    assert (loss[:16] == 255).all()
    assert (loss[304:] == 255).all()
    assert (loss[:, :8] == 255).all()
    assert (loss[16:304, 8:] != 255).all()
    centres = np.arange(1, SIDE // FIELD - 1) * FIELD + FIELD // 2
    found = loss[np.ix_(centres, centres)] > 125
    assert (found == changed()[1:-1, 1:-1]).mean() > 0.9


def test_what_is_no_pair_is_refused_and_leaves_nothing(place: tuple[Path, dict[str, Any]], cli: Any, tmp_path: Path):
    folder, _ = place
    before, after = folder / "before.tif", folder / "after.tif"
    out = ("-o", tmp_path / "t.parquet")
    done = cli("tile", before, "--pairs", *out)
    assert "--pairs tiles two dates of a place: name the raster before and the one after; there are 1" in done.err
    assert "leave --haze out" in cli("tile", before, after, "--pairs", "--haze", *out).err
    assert "is given twice" in cli("tile", before, before, "--pairs", *out).err
    assert "no tile is left" in cli("tile", before, after, "--pairs", "--min-valid", 1, "--size", 400, *out).err
    assert not list(tmp_path.iterdir())
    assert cli("tile", before, *out, "--size", 16).code == 0
    cli("label", tmp_path / "t.parquet", "--vector", folder / "changes.gpkg", "--field", "change")
    cli("split", tmp_path / "t.parquet", "--block", "400m", "--buffer", "0", "--val", ".2", "--test", ".2")
    done = cli("train", tmp_path / "t.parquet", "--pairs", "-o", tmp_path / "run")
    assert "--pairs needs tiles of two dates, these have the bands red, green, blue, nir" in done.err
    done = cli("train", folder / "tiles.parquet", "--pairs", "--model", "rf", "-o", tmp_path / "run")
    assert "--pairs is for networks; --model rf sees both dates without it" in done.err
    assert not (tmp_path / "run").exists()


def test_the_same_dates_give_the_same_bytes(place: tuple[Path, dict[str, Any]], cli: Any):
    folder, _ = place
    again = folder / "again"
    again.mkdir()
    tiled = cli("tile", folder / "before.tif", folder / "after.tif", "--pairs", "--size", 16, "-o", again / "t.parquet")
    assert tiled.code == 0
    text = (again / "t.pair1.vrt").read_text().replace("../", "").replace("t.pair1", "tiles.pair1")
    assert text == (folder / "tiles.pair1.vrt").read_text()
