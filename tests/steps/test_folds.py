"""Folds keep places apart, and show what a model owes to places that it has seen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from geolabel.errors import EmptyError, ModelError, OptionError, TileIndexError
from geolabel.model import read_card
from geolabel.steps.evaluate import evaluate
from geolabel.steps.folds import Plan, plan_folds
from geolabel.steps.split import split
from geolabel.steps.train import train
from geolabel.tiling.index import dictionary, read_index, write_index
from tests.steps.lesson import BANDS, COLS, ROWS, SIZE, TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

SIDE_M = 160.0
"""Of a tile."""
BLOCK = 2
"""Tiles along the side of a block."""


def block_of_tile() -> np.ndarray:
    row, col = np.divmod(np.arange(TILES), COLS)
    return (row // BLOCK) * (COLS // BLOCK) + col // BLOCK


def remembered(write_raster: WriteRaster) -> Path:
    """Every block has a colour of its own, and is mined or not whatever its colour: only memory finds mines."""
    rng = np.random.default_rng(4)
    blocks = (ROWS // BLOCK) * (COLS // BLOCK)
    mined, colors = rng.random(blocks) < 0.5, rng.uniform(30, 220, (blocks, len(BANDS)))
    cells = colors[block_of_tile()].T.reshape(len(BANDS), ROWS, COLS)
    pixels = np.kron(cells, np.ones((SIZE, SIZE))) + rng.normal(0, 3, (len(BANDS), ROWS * SIZE, COLS * SIZE))
    raster = write_raster("region.tif", pixels.clip(1, 255).astype("uint8"), descriptions=BANDS)
    return write_tiles(raster, {"mine": mined[block_of_tile()].astype(np.float32)})


def understood(write_raster: WriteRaster) -> Path:
    """Mines are bright, wherever they are."""
    shown = draw_classes(2)
    return write_tiles(write_region(write_raster, shown, doubt=6), {"mine": shown[:, 0], "road": shown[:, 1]})


def apart(tiles: Path, buffer_m: float = 0) -> Path:
    split(tiles, block_m=BLOCK * SIDE_M, buffer_m=buffer_m, val=0.2, test=0.2)
    return tiles


def plan(tiles: Path, model: Path, folds: int) -> Plan:
    return plan_folds(read_index(tiles), tiles, read_card(model), model, folds)


@pytest.fixture
def model(write_raster: WriteRaster, tmp_path: Path) -> Path:
    return train(apart(understood(write_raster)), model="logistic", output=tmp_path / "run").model


def test_a_model_that_remembers_places_has_a_gap(write_raster: WriteRaster, tmp_path: Path):
    tiles = apart(remembered(write_raster))
    done = train(tiles, model="tree", output=tmp_path / "run")
    found = evaluate(done.model, tiles, folds=4, output=tmp_path / "e", cache=tmp_path / "cache")
    mean, mine = found.gap
    assert 0.3 < mine.auc < 0.65  # chance
    assert mine.auc_random > mine.auc + 0.2
    assert mean.ap_gap == pytest.approx(mean.ap_random - mean.ap, abs=0.002)
    assert mean.ap_gap > 0.2
    kept = json.loads((tmp_path / "e" / "metrics.json").read_text())["folds"]
    (interval,) = (one["macro"] for one in kept["difference"] if one["measure"] == "average_precision")
    assert interval["value"] == pytest.approx(mean.ap_gap, abs=0.001)
    assert 0 < interval["low"] < interval["value"] < interval["high"]
    page = (tmp_path / "e" / "report.html").read_text(encoding="utf-8")
    assert f"On unseen places {mean.ap:.3f}, at random {mean.ap_random:.3f}: gap {mean.ap_gap:.3f}" in page


def test_a_model_that_understands_has_none(model: Path, tmp_path: Path):
    found = evaluate(model, tmp_path / "tiles.parquet", folds=3, output=tmp_path / "e")
    assert [row.name for row in found.gap] == ["macro", "mine", "road"]
    assert abs(found.gap[0].ap_gap) < 0.03
    assert found.gap[0].ap > 0.95
    assert all(row.auc_gap == pytest.approx(row.auc_random - row.auc, abs=0.002) for row in found.gap)
    assert not list(tmp_path.glob(".geolabel*"))


@pytest.mark.parametrize("folds", [2, 3, 5])
@pytest.mark.parametrize("buffer_m", [0.0, 100.0])
def test_folds_are_apart(model: Path, tmp_path: Path, folds: int, buffer_m: float):
    tiles = tmp_path / "tiles.parquet"
    apart(tiles, buffer_m)
    found = plan(tiles, model, folds)
    shapes = shapely.from_wkb(read_index(tiles).column("geometry"))[found.task.rows]
    blocks = block_of_tile()[found.task.rows]
    for ways in (found.unseen, found.random):
        assert np.array_equal(np.sort(np.concatenate([fold.test for fold in ways])), np.arange(TILES))
        assert len(ways) == folds
    for fold, other in zip(found.unseen, found.random, strict=True):
        assert (len(other.train), len(other.val)) == (len(fold.train), len(fold.val))
        for one in (fold, other):
            every = np.concatenate([one.train, one.val, one.test])
            assert len(np.unique(every)) == len(every)
        assert not set(blocks[fold.test]) & (set(blocks[fold.train]) | set(blocks[fold.val]))
        assert not set(blocks[fold.val]) & set(blocks[fold.train])
        tested = shapely.union_all(shapes[fold.test])
        near = shapely.distance(shapes[np.concatenate([fold.train, fold.val])], tested)
        assert near.min() > buffer_m or buffer_m == 0
        assert set(blocks[other.test]) & set(blocks[other.train])


def test_the_groups_are_those_of_the_split(model: Path, tmp_path: Path):
    tiles = tmp_path / "tiles.parquet"
    index = read_index(tiles)
    farms = np.array([f"farm{number % 7}" for number in range(TILES)])
    write_index(tiles, index.with_columns({"farm": dictionary(farms.tolist())}), overwrite=True)
    split(tiles, by="farm", buffer_m=0)
    found = plan(tiles, model, 3)
    assert found.method == "values of farm"
    for fold in found.unseen:
        assert not set(farms[fold.test]) & set(farms[fold.train])


def test_classes_the_model_does_not_know_are_left_out(model: Path, write_raster: WriteRaster, tmp_path: Path):
    shown = draw_classes(3)
    more = {"extra": shown[:, 2], "road": shown[:, 1], "mine": shown[:, 0]}
    other = apart(write_tiles(write_region(write_raster, shown, name="r.tif"), more, name="more.parquet"))
    assert plan(other, model, 3).task.names == ("road", "mine")


def test_what_cannot_be_folded_is_refused(model: Path, tmp_path: Path):
    tiles = tmp_path / "tiles.parquet"
    index, card = read_index(tiles), read_card(model)
    with pytest.raises(OptionError, match="ensemble, which --folds cannot train again; give"):
        plan_folds(index, tiles, replace(card, architecture="ensemble"), model, 3)
    with pytest.raises(ModelError, match="does not say how it was trained"):
        plan_folds(index, tiles, replace(card, trained_on={}), model, 3)
    with pytest.raises(OptionError, match="--folds must be at least 2"):
        plan_folds(index, tiles, card, model, 1)
    with pytest.raises(EmptyError, match="--block or --folds"):
        plan_folds(index, tiles, card, model, 100)
    assert index.split is not None
    with pytest.raises(EmptyError, match=r"beside fold 1 .* no tile is left .*--buffer"):
        plan_folds(replace(index, split={**index.split, "buffer_m": 5_000.0}), tiles, card, model, 3)
    homeless = replace(index, crs=None)
    with pytest.raises(TileIndexError, match=r"no place.*--by"):
        plan_folds(homeless, tiles, card, model, 3)
