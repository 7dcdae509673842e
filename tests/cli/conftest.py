"""A little region with known fields, and the whole way over it once, for all tests of the command line."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from typer.testing import CliRunner

from geolabel.cli import commands
from geolabel.cli.app import app
from tests.cli.label_scene import Scene, Seen, write_sources

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 320
FIELD = 40
LEFT, TOP = 400_000.0, 8_600_000.0
CRS = "EPSG:32719"
BANDS = ("red", "green", "blue", "nir")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def cli() -> Callable[..., Done]:
    """Run a command as it would be typed."""
    assert commands

    def run(*words: object) -> Done:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


def fields() -> np.ndarray:
    """True where a field is bare: a chequered pattern with some noise in it."""
    cells = np.random.default_rng(3).random((SIDE // FIELD, SIDE // FIELD)) < 0.4
    return np.kron(cells, np.ones((FIELD, FIELD))).astype(bool)


def write_region(path: Path, *, nodata_rows: int = 0) -> None:
    rng = np.random.default_rng(5)
    bare = fields()
    forest, soil = np.array([250, 400, 200, 3000]), np.array([2000, 1500, 1000, 2600])
    pixels = np.where(bare, soil[:, None, None], forest[:, None, None]) + rng.normal(0, 150, (4, SIDE, SIDE))
    pixels = np.clip(pixels, 1, 10_000).astype("uint16")
    pixels[:, :nodata_rows] = 0
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 4, "dtype": "uint16", "nodata": 0, "crs": CRS}
    with rasterio.open(path, "w", transform=Affine(10, 0, LEFT, 0, -10, TOP), **profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = BANDS


def write_fields(path: Path) -> None:
    """Polygons of all cells with their class, in longitude and latitude."""
    bare = fields()[::FIELD, ::FIELD]
    rows, cols = np.indices(bare.shape)
    side = FIELD * 10
    boxes = shapely.box(LEFT + cols * side, TOP - (rows + 1) * side, LEFT + (cols + 1) * side, TOP - rows * side)
    names = np.where(bare, "bare", "forest").ravel()
    frame = geopandas.GeoDataFrame({"landuse": names}, geometry=boxes.ravel(), crs=CRS)
    frame.to_crs("EPSG:4326").to_file(path, layer="places")


@dataclass(frozen=True)
class Way:
    """Files of one run over the whole way, and what each command said."""

    folder: Path
    said: dict[str, Any]

    @property
    def region(self) -> Path:
        return self.folder / "region.tif"

    @property
    def places(self) -> Path:
        return self.folder / "places.gpkg"

    @property
    def tiles(self) -> Path:
        return self.folder / "tiles.parquet"

    @property
    def model(self) -> Path:
        return self.folder / "run" / "model.safetensors"

    @property
    def prediction(self) -> Path:
        return self.folder / "region.geolabel"


@pytest.fixture(scope="session")
def way(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Way:
    """tile → label → split → train → predict, once."""
    found = Way(tmp_path_factory.mktemp("way"), {})
    write_region(found.region, nodata_rows=20)
    write_fields(found.places)
    for name, words in {
        "tile": ("tile", found.region, "--size", 16, "-o", found.tiles),
        "label": ("label", found.tiles, "--vector", found.places, "--field", "landuse"),
        "split": ("split", found.tiles, "--block", "400m", "--buffer", "0", "--val", ".2", "--test", ".2"),
        "train": ("train", found.tiles, "--epochs", 3, "-o", found.folder / "run"),
        "predict": ("predict", found.region, "--model", found.model, "-o", found.prediction),
    }.items():
        done = cli(*words, "--json")
        assert done.code == 0, done.err
        found.said[name] = done.json
    return found


@pytest.fixture(scope="session")
def labelled_place(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Done]) -> Scene:
    """A place with sources of labels, tiled; not to be written to."""
    found = Scene(tmp_path_factory.mktemp("scene"))
    write_sources(found)
    done = cli("tile", found / "region.tif", "--size", 32, "-o", found.tiles)
    assert done.code == 0, done.err
    return found


@pytest.fixture
def scene(labelled_place: Scene, tmp_path: Path) -> Scene:
    """A copy of it."""
    return Scene(Path(shutil.copytree(labelled_place.folder, tmp_path / "scene")))


@pytest.fixture(scope="session")
def seen(labelled_place: Scene) -> Seen:
    """What its sources say at many points of its tiles."""
    return Seen.of(labelled_place.tiles)
