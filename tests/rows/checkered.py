"""A planted land: squares of four textures, which are labelled as a CORINE raster and as a raster of osmlanduse.org.

Near a tile the texture is mostly its own, some tiles away mostly another: labels teach what distances teach. Colours
tell little: all textures have one mean, and the light that lies over them changes from tile to tile.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import torch
from affine import Affine
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from geolabel.cli import commands
from geolabel.cli.app import app
from geolabel.learn.encoder import load_encoder
from geolabel.scoring.retrieval import score_retrieval

if TYPE_CHECKING:
    from pathlib import Path

TILE, SQUARE, SIDE = 24, 232, 576
"""Pixels of a tile, of a square and of the land; borders of squares cut tiles in parts of a third and two."""
CLC = (311, 211, 131, 512)
OSM = (2, 0, 11, 10)
"""The same classes of level 2, by osmlanduse.org's numbers."""
CRS, PLACE = "EPSG:32632", Affine(10, 0, 500_000, 0, -10, 5_200_000)
RINGS = ("--max-pos-dist", 2, "--min-neg-dist", 8, "--max-neg-dist", 11)
QUICK = (
    *("--model", "cnn", "--output-size", 16, "--augment", "light", "--precision", "fp32"),
    *("--batch", 32, "--epochs", 1, "--steps", 16),
)


def land(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (3, side, side) uint8, and the number of the texture of each (side, side)."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[:SIDE, :SIDE]
    texture = (row // SQUARE + 2 * (col // SQUARE)) % 4
    down, across, slanted = (np.sign(np.sin(np.pi * along / 3)) for along in (row, col, row + col))
    light = gaussian_filter(rng.normal(size=(3, SIDE, SIDE)), (0, TILE / 2, TILE / 2))
    pattern = np.choose(texture, [down, across, slanted, down * across])
    pixels = 120 + 25 * light / light.std() + 20 * pattern + rng.normal(0, 10, (3, SIDE, SIDE))
    return pixels.clip(1, 255).astype(np.uint8), texture


def write(path: Path, pixels: np.ndarray, crs: str = CRS, transform: Affine = PLACE, **profile: Any) -> Path:
    """A GeoTIFF of pixels (bands, height, width)."""
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **profile) as dataset:
        dataset.write(pixels)
    return path


def write_land(folder: Path) -> None:
    """region.tif, clc.tif, osmlanduse.tif, and tiles.parquet with labels of the CORINE raster, split by blocks."""
    pixels, texture = land()
    write(folder / "region.tif", pixels, photometric="RGB")
    write(folder / "clc.tif", np.array(CLC, np.uint16)[texture][None])
    write(folder / "osmlanduse.tif", np.array(OSM, np.uint8)[texture][None])
    tiles = folder / "tiles.parquet"
    typed("tile", folder / "region.tif", "--size", TILE, "-o", tiles)
    typed("label", tiles, "--clc", folder / "clc.tif", "--scheme", "clc-2")
    typed("split", tiles, "--block", "480m", "--buffer", 0, "--val", 0.2, "--test", 0.2)


def typed(*words: object) -> Any:
    """What a command, as it would be typed, tells as JSON."""
    assert commands
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def history(run: Path) -> list[dict[str, Any]]:
    """The epochs of a run."""
    found: list[dict[str, Any]] = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["history"]
    return found


def elsewhere() -> tuple[np.ndarray, np.ndarray]:
    """Tiles (n, 3, 24, 24) of another land, and the texture of each (n,)."""
    pixels, texture = land(1)
    side = SIDE // TILE
    chips = pixels.reshape(3, side, TILE, side, TILE).transpose(1, 3, 0, 2, 4).reshape(-1, 3, TILE, TILE)
    return np.ascontiguousarray(chips), texture[TILE // 2 :: TILE, TILE // 2 :: TILE].ravel()


def vectors_elsewhere(model: Path) -> np.ndarray:
    """What a model makes of these tiles: (n, size)."""
    chips, _ = elsewhere()
    return load_encoder(model, torch.device("cpu"))(chips, np.ones((len(chips), TILE, TILE), bool))


def map_elsewhere(model: Path) -> float:
    """MAP@R of a model's vectors there; by chance .11, of untrained networks .12 to .2."""
    return float(score_retrieval(vectors_elsewhere(model), elsewhere()[1]).map_at_r)
