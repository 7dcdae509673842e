"""The demo's scores: against the made-up world's truth, on ground that the model has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geolabel import files, geodesy, raster, vector
from geolabel.steps.demo_world import MINE, grid_of
from geolabel.steps.evaluate import evaluate
from geolabel.steps.label import label
from geolabel.tiling.index import read_index
from geolabel.world import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.world import World

_MIN_MINE_HA = 0.5


@dataclass(frozen=True, slots=True)
class TileScore:
    """One class on the test tiles."""

    name: str
    tiles: int
    positives: int
    average_precision: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class MineScores:
    """Mines of the second date as objects, on the whole map and on test ground."""

    mines: int
    """True mines of half a hectare and more that are not hidden by cloud."""
    found: int
    """Mines that a detection touches."""
    mines_unseen: int
    """Those that lie on the test blocks."""
    found_unseen: int
    mines_new: int
    """Those that were not there at the first date."""
    found_new: int
    detections: int
    false_detections: int
    """Detections that touch no true mine, however small."""


def score_tiles(folder: Path, tiles: Path, model: Path) -> tuple[TileScore, ...]:
    """Score the test tiles against the truth instead of the labels the model learned from."""
    with files.scratch(folder) as scratch:
        true_tiles = tiles.with_name("tiles-truth.parquet")
        label(
            tiles,
            raster=[folder / "truth" / "before.tif"],
            legend=folder / "truth" / "legend.csv",
            output=true_tiles,
            overwrite=True,
        )
        report = evaluate(model, true_tiles, split="test", output=scratch / "scores")
    return tuple(
        TileScore(row.name, row.tiles, row.positives, row.average_precision, row.precision, row.recall, row.f1)
        for row in report.scores.classes
    )


def score_mines(world: World, folder: Path, tiles: Path) -> MineScores:
    """Compare the detected mines of the second date with the true ones."""
    grid = grid_of(world.after.truth.shape[0])
    code = next(entry.code for entry in CLASSES if entry.name == MINE)
    visible = world.after.valid & ~world.after.cloud
    every, _ = raster.polygonise(((world.after.truth == code) & visible).astype(np.int32), grid)
    mines = every[geodesy.area_ha(every, grid.crs) >= _MIN_MINE_HA]
    old, _ = raster.polygonise((world.before.truth == code).astype(np.int32), grid)
    layer = vector.read_layer(folder / "after.geolabel" / "detections.gpkg")
    detections = layer.geometries[layer.columns["class"] == MINE]
    found = _touched(mines, detections)
    unseen = _inside_test(mines, tiles)
    new = ~_touched(mines, old)
    return MineScores(
        mines=len(mines),
        found=int(found.sum()),
        mines_unseen=int(unseen.sum()),
        found_unseen=int((found & unseen).sum()),
        mines_new=int(new.sum()),
        found_new=int((found & new).sum()),
        detections=len(detections),
        false_detections=int((~_touched(detections, every)).sum()),
    )


def _touched(
    shapes: np.ndarray[tuple[int], np.dtype[np.object_]], others: np.ndarray[tuple[int], np.dtype[np.object_]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask = np.zeros(len(shapes), dtype=bool)
    mask[np.unique(shapely.STRtree(others).query(shapes, predicate="intersects")[0])] = True
    return mask


def _inside_test(
    mines: np.ndarray[tuple[int], np.dtype[np.object_]], tiles: Path
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    index = read_index(tiles)
    test = index.column("split").astype(str) == "test"
    area = shapely.union_all(shapely.from_wkb(index.column("geometry")[test]))
    return np.asarray(shapely.contains(area, shapely.centroid(mines)), dtype=bool)
