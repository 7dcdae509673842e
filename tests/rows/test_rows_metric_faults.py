"""Faults of system B that are not repeated, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from affine import Affine
from pyproj import Transformer

from geolabel import raster
from geolabel.learn.encoder import load_encoder
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.steps.embed.training.ground_tuples import lay_tuples
from geolabel.steps.embed.training.tuples import draw_tuples
from geolabel.tiling.ground import Ground
from geolabel.tiling.index import read_index
from tests.rows.checkered import (
    CLC,
    CRS,
    PLACE,
    QUICK,
    RINGS,
    SIDE,
    TILE,
    elsewhere,
    land,
    map_elsewhere,
    typed,
    vectors_elsewhere,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

TINY = ("--model", "cnn", "--output-size", 8, "--precision", "fp32", "--batch", 8, "--epochs", 1, "--steps", 2)


@pytest.mark.parametrize("mining", ["", "random-hard-negative"])
@pytest.mark.parametrize("loss", ["triplet", "quadruplet"])
def test_negatives_lie_no_nearer_and_no_farther_than_was_asked(checkered: Path, loss: str, mining: str):
    """There, min_neg_dist and max_neg_dist were read and forgotten. Here on rasters and on tiles, to the last one."""
    recipe = EmbedRecipe(
        loss=loss, mining=mining, min_pos_dist=1, max_pos_dist=2, min_neg_dist=8, max_neg_dist=11, redraws=4
    )
    ground = Ground.of([raster.describe(checkered / "region.tif")], TILE)
    layout = lay_tuples(ground, 300, recipe, np.random.default_rng(0))
    windows = np.column_stack([layout.places.col, layout.places.row]) / TILE
    side = SIDE // TILE
    grid = np.stack(np.divmod(np.arange(side * side), side), axis=1).astype(float)
    on_tiles = draw_tuples(grid, np.arange(side * side), 300, recipe, np.random.default_rng(0))
    for centres, found in ((windows, layout.tuples), (grid, on_tiles)):
        assert found is not None
        for others, (low, high) in ((found.positives, (1, 2)), (found.negatives, (8, 11))):
            apart = np.linalg.norm(centres[found.anchors][:, None] - centres[others], axis=2)
            assert apart.min() >= low - 1e-9
            assert apart.max() <= high + 1e-9


def test_codes_of_labels_are_never_blended(tmp_path: Path):
    """Forest (311) beside mines (131), on coarser pixels of another CRS: no vineyards (221), which lie between them."""
    write(tmp_path / "region.tif", np.ones((3, 240, 240), np.uint8) * 90, photometric="RGB")
    codes = np.where(np.indices((40, 40)).sum(axis=0) % 2, 311, 131).astype(np.uint16)
    x, y = Transformer.from_crs(CRS, "EPSG:3035", always_xy=True).transform(PLACE.c - 1000, PLACE.f + 1000)
    write(tmp_path / "clc.tif", codes[None], "EPSG:3035", Affine(130, 0, x, 0, -130, y))
    tiles = tmp_path / "tiles.parquet"
    typed("tile", tmp_path / "region.tif", "--size", TILE, "-o", tiles)
    said = typed("label", tiles, "--clc", tmp_path / "clc.tif", "--scheme", "clc-3")
    there = {row["name"] for row in said["classes"] if row["tiles"]}
    assert there == {"broad_leaved_forest", "mineral_extraction_sites"}
    shares = read_index(tiles).shares
    assert np.allclose(np.nansum(shares, axis=1), 1, atol=0.01)
    assert (np.nanmax(shares, axis=1) < 0.99).all()  # each tile has some of both


def test_parts_share_no_pixel(checkered: Path, tmp_path: Path):
    """There, x and y modulo 500 decided, and tiles of both parts overlapped. Here ground is split, then drawn from."""
    words = (*TINY, *RINGS, "--size", TILE, "--clc", checkered / "clc.tif", "--validation-tiles", 150, "--repeats", 1)
    typed("embed", "train", checkered / "region.tif", "-o", tmp_path / "run", *words)
    index = read_index(tmp_path / "run" / "tiles.parquet")
    parts, seen = index.column("split").astype(str), {}
    for part in ("train", "val", "test"):
        seen[part] = np.zeros((SIDE, SIDE), bool)
        for col, row in zip(*(index.column(name)[parts == part] for name in ("col_off", "row_off")), strict=True):
            seen[part][row : row + TILE, col : col + TILE] = True
        assert seen[part].any()
    assert (np.sum(list(seen.values()), axis=0) <= 1).all()


def test_norm_output_is_l2(embedder: Path):
    """There it was LayerNorm: mean 0, any length. Here the direction is the network's own, and the length 1."""
    model = embedder / "model.safetensors"
    vectors = vectors_elsewhere(model)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(vectors.mean(axis=1)).max() > 0.05
    bare = load_encoder(model, torch.device("cpu"))
    bare.network.norm = False  # type: ignore[union-attr]
    chips, _ = elsewhere()
    raw = bare(chips, np.ones((len(chips), TILE, TILE), bool))
    assert np.linalg.norm(raw, axis=1).std() > 0.01
    assert vectors == pytest.approx(raw / np.linalg.norm(raw, axis=1, keepdims=True), abs=1e-4)


def test_tiles_without_label_are_of_no_class(checkered: Path, tmp_path: Path):
    """There they became class 0. Here a map of the left half teaches, and judges, by the tiles of the left half."""
    tiles = tmp_path / "tiles.parquet"
    codes = np.array(CLC, np.uint16)[land()[1]]
    codes[:, SIDE // 2 :] = 0
    write(tmp_path / "half.tif", codes[None], nodata=0)
    typed("tile", checkered / "region.tif", "--size", TILE, "-o", tiles)
    typed("label", tiles, "--clc", tmp_path / "half.tif", "--scheme", "clc-2")
    typed("split", tiles, "--block", "480m", "--buffer", 0)
    index = read_index(tiles)
    left, parts = index.column("col_off") < SIDE // 2, index.column("split").astype(str)
    assert np.isnan(index.shares[~left]).all()
    said = typed("embed", "train", tiles, "-o", tmp_path / "run", *TINY)
    assert said["tiles"] == (left & (parts == "train")).sum()
    judged = ("--repeats", 1, "--class-mix", "natural", "--baselines", "none")
    told = typed("embed", "evaluate", tmp_path / "run" / "model.safetensors", tiles, "-o", tmp_path / "scores", *judged)
    assert told["tiles"] == {part: int((left & (parts == part)).sum()) for part in ("train", "test")}
    assert told["unlabelled"] == (~left & (parts != "val")).sum()
    assert len(told["classes"]) == 4


def test_supervised_magnet_runs(checkered: Path, tmp_path: Path):
    """There it could not. Here each class has several clusters, and they are made anew each epoch."""
    magnet = ("--loss", "magnet", "--magnet-clusters", 6, "--magnet-tiles", 8, "--magnet-per-class", 2, "--epochs", 2)
    said = typed("embed", "train", checkered / "tiles.parquet", "-o", tmp_path / "run", *QUICK, *magnet, "--supervised")
    assert (said["loss"], said["learned_from"]) == ("magnet", "classes")
    assert map_elsewhere(tmp_path / "run" / "model.safetensors") > 0.35  # untrained .19
