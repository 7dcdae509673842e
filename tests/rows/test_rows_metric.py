"""Rows B1–B4, B6–B8, B11 and B12: metric embeddings, drawn, mined and learned where the answer is known."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.warp import transform as transform_points
from scipy import stats

from geolabel import raster
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.model import read_card
from geolabel.steps.embed.training.ground_tuples import lay_tuples
from geolabel.tiling.ground import Ground
from tests.rows.checkered import QUICK, RINGS, SIDE, TILE, history, map_elsewhere, typed, write

if TYPE_CHECKING:
    from pathlib import Path

FEW = (
    *("--model", "cnn", "--output-size", 16, "--augment", "none", "--precision", "fp32"),
    *("--batch", 24, "--epochs", 1, "--steps", 4),
)
"""Of a network that has learned already: what it is taught is looked at, not what it makes of it."""


def anchors(region: Path, random_reset: float, count: int = 4000) -> np.ndarray:
    """Column and row (count, 2) of anchors as they are drawn from a raster, in their order."""
    recipe = EmbedRecipe(
        random_reset=random_reset, batch=16, min_pos_dist=1, max_pos_dist=2, min_neg_dist=5, max_neg_dist=7
    )
    ground = Ground.of([raster.describe(region)], TILE)
    layout = lay_tuples(ground, count, recipe, np.random.default_rng(0))
    assert layout.tuples is not None
    return np.column_stack([layout.places.col, layout.places.row])[layout.tuples.anchors]


def test_b1_places_are_drawn_anywhere_on_the_map(checkered: Path):
    """As many of each sixteenth of the map: everywhere someone is near, and someone far."""
    found = anchors(checkered / "region.tif", 1.0)
    assert len(np.unique(found, axis=0)) > 0.95 * len(found)  # at any pixel, not on a grid of tiles
    quarters = (found * 4 // (SIDE - TILE + 1)) @ [4, 1]
    assert stats.chisquare(np.bincount(quarters, minlength=16)).pvalue > 1e-3


def test_b2_clusters_are_drawn_as_random_reset_says(checkered: Path):
    """1 random … 0 cluster: that is the chance that an anchor lies anywhere, and not beside those before it."""
    near = {}
    for reset in (0.0, 0.5, 1.0):
        steps = np.hypot(*np.diff(anchors(checkered / "region.tif", reset), axis=0).T)
        near[reset] = (steps <= 2 * 2 * TILE).mean()  # both lie within two tiles of the first of their cluster
    by_chance = near[1.0]
    assert by_chance < np.pi * (4 * TILE) ** 2 / (SIDE - TILE) ** 2
    assert near[0.0] == pytest.approx(15 / 16 + by_chance / 16, abs=0.02)  # a cluster is a batch of 16
    assert near[0.5] == pytest.approx(15 / 32 + by_chance * 17 / 32, abs=0.03)


def active(run: Path) -> float:
    """Share of the tuples that still taught something, over the first epoch."""
    return float(history(run)[0]["active"])


@pytest.mark.parametrize("miner", ["HARD_NEGATIVE", "HARD_POSITIVE", "HARD_NEGATIVE,HARD_POSITIVE"])
def test_b3_what_is_hard_in_the_batch_teaches_more(checkered: Path, embedder: Path, tmp_path: Path, miner: str):
    """In the spelling of system B, on a network that has learned the easy ones."""
    found = {}
    for name, mining in (("hard", miner), ("any", "")):
        words = (*FEW, "--mining", mining, "--margin", 1, "--weights", embedder / "model.safetensors", "--lr", 1e-5)
        typed("embed", "train", checkered / "tiles.parquet", "-o", tmp_path / name, *words)
        found[name] = active(tmp_path / name)
    assert found["hard"] > found["any"] + 0.1


@pytest.mark.parametrize("miner", ["RANDOM_HARD_NEGATIVE", "RANDOM_HARD_POSITIVE"])
def test_b4_what_is_hard_on_the_map_teaches_more(checkered: Path, embedder: Path, tmp_path: Path, miner: str):
    """Of eight places that are drawn for an anchor, the hardest."""
    found = {}
    for name, mining in (("hard", miner), ("any", "")):
        words = (*FEW, *RINGS, "--mining", mining, "--redraws", 8, "--lr", 1e-5)
        words = (*words, "--size", TILE, "--val", 0, "--weights", embedder / "model.safetensors")
        typed("embed", "train", checkered / "region.tif", "-o", tmp_path / name, *words)
        found[name] = active(tmp_path / name)
    assert found["hard"] > found["any"] + 0.1


@pytest.mark.parametrize(
    "loss",
    [
        ("triplet",),
        ("triplet", "--alt-loss"),
        ("quadruplet",),
        ("magnet", "--magnet-clusters", 4, "--magnet-tiles", 12, "--magnet-per-class", 1),
    ],
)
def test_b6_each_loss_teaches_classes(checkered: Path, tmp_path: Path, loss: tuple[object, ...]):
    said = typed("embed", "train", checkered / "tiles.parquet", "-o", tmp_path / "run", *QUICK, "--loss", *loss)
    assert (said["loss"], said["learned_from"]) == (loss[0], "classes")
    assert map_elsewhere(tmp_path / "run" / "model.safetensors") > 0.5  # seen: .75 to .98; untrained .19


@pytest.mark.parametrize(("option", "file"), [("--clc", "clc.tif"), ("--osm", "osmlanduse.tif")])
def test_b7_rasters_of_osm_and_clc_supervise(checkered: Path, tmp_path: Path, option: str, file: str):
    tiles = tmp_path / "tiles.parquet"
    typed("tile", checkered / "region.tif", "--size", TILE, "-o", tiles)
    typed("label", tiles, option, checkered / file, "--scheme", "clc-2")
    typed("split", tiles, "--block", "480m", "--buffer", 0)
    said = typed("embed", "train", tiles, "-o", tmp_path / "run", *QUICK, "--supervised")
    assert (said["learned_from"], said["judged_by"]) == ("classes", "MAP@R")
    model = tmp_path / "run" / "model.safetensors"
    assert read_card(model).trained_on["labels"][0]["path"].endswith(file)
    assert map_elsewhere(model) > 0.5


@pytest.mark.parametrize(
    "loss",
    [
        ("triplet",),
        ("quadruplet",),
        ("magnet", "--magnet-clusters", 3, "--magnet-tiles", 12),
        ("tile2vec", "--margin", 1, "--no-norm-output"),
    ],
)
def test_b8_places_alone_teach_what_textures_there_are(checkered: Path, tmp_path: Path, loss: tuple[object, ...]):
    """No label is read: near is alike, far is not (Tile2Vec). Judged by the textures of another land."""
    words = (*QUICK, *RINGS, "--size", TILE, "--val", 0, "--steps", 32, "--loss", *loss)
    said = typed("embed", "train", checkered / "region.tif", "-o", tmp_path / "run", *words)
    assert said["learned_from"] == "places"
    assert map_elsewhere(tmp_path / "run" / "model.safetensors") > 0.35  # seen: .68 to .91; untrained .19


MAPS = {
    "metres, whole numbers": ("EPSG:32719", Affine(10, 0, 400_000, 0, -10, 8_600_000), np.uint16, 4),
    "degrees, fractions": ("EPSG:4326", Affine(1e-4, 0, -74.5, 0, -1e-4, -8.3), np.float32, 1),
    "web Mercator": ("EPSG:3857", Affine(5, 0, 1e6, 0, -5, 6e6), np.uint8, 3),
}


@pytest.mark.parametrize("name", MAPS)
def test_b11_any_map_and_any_rectangle(tmp_path: Path, name: str):
    """Beyond the rectangle the raster holds absurd values: had one been read, the mean of the bands would tell."""
    crs, transform, dtype, bands = MAPS[name]
    side, (left, top, right, bottom) = 300, (80, 60, 260, 240)
    pixels = np.full((bands, side, side), 250, dtype)
    seen = slice(top - TILE, bottom + TILE), slice(left - TILE, right + TILE)
    pixels[(slice(None), *seen)] = np.random.default_rng(0).integers(40, 60, (bands, *pixels[0][seen].shape))
    path = write(tmp_path / "map.tif", pixels, crs, transform)
    corners = [transform @ corner for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    with rasterio.open(path) as dataset:
        west_north = transform_points(dataset.crs, "EPSG:4326", *zip(*corners, strict=True))
    area = tmp_path / "aoi.geojson"
    area.write_text(shapely.to_geojson(shapely.Polygon(zip(*west_north, strict=True))), encoding="utf-8")
    rings = ("--max-pos-dist", 1.5, "--min-neg-dist", 2, "--max-neg-dist", 6)
    names = ("--bands", ",".join("abcd"[:bands]))
    typed(
        "embed", "train", path, "-o", tmp_path / "run", *FEW, *rings, *names, "--size", TILE, "--val", 0, "--aoi", area
    )
    card = read_card(tmp_path / "run" / "model.safetensors")
    assert (len(card.bands), card.dtype, card.tile_px) == (bands, np.dtype(dtype).name, (TILE, TILE))
    assert all(40 <= band.mean < 60 for band in card.bands)
    assert all(band.std < 10 for band in card.bands)


def test_b12_tensorboard_shows_what_history_says(checkered: Path, tmp_path: Path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = tmp_path / "run"
    typed("embed", "train", checkered / "tiles.parquet", "-o", run, *FEW, "--epochs", 2)
    with (run / "history.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    events = accumulator.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == set(rows[0]) - {"epoch", "best"} >= {"train_loss", "active", "score"}
    for name in events.Tags()["scalars"]:
        shown = {event.step: event.value for event in events.Scalars(name)}
        assert shown == pytest.approx({int(row["epoch"]): float(row[name]) for row in rows}, rel=1e-5)
    assert json.loads((run / "metrics.json").read_text(encoding="utf-8"))["judged_by"] == "MAP@R"
