"""Which tiles of an index an embedder learns from, by what; and what is refused in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from geolabel.errors import BandError, EmptyError, GeolabelError, ModelError, OptionError, TileIndexError
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.steps.embed.train import train
from geolabel.steps.embed.training.ground import Drawing
from geolabel.steps.embed.training.tile_supply import TileTask, make_task
from geolabel.steps.evaluate import evaluate
from geolabel.steps.predict import predict
from geolabel.steps.tile import tile
from geolabel.tiling.index import LABEL_PREFIX, read_index, write_index
from tests.conftest import WriteRaster
from tests.steps.embed.places import CLASSES, QUICK, RINGS, SIZE, TILES, Places, write_places


@pytest.fixture
def places(write_raster: WriteRaster) -> Places:
    return write_places(write_raster)


def with_labels(places: Places, shares: Sequence[np.ndarray], known: np.ndarray | None = None) -> None:
    """Write other shares (tiles,) of the three classes, and how much of each tile is known."""
    columns = {
        LABEL_PREFIX + name: pa.array(part.astype(np.float32)) for name, part in zip(CLASSES, shares, strict=True)
    }
    columns["known"] = pa.array((np.ones(TILES) if known is None else known).astype(np.float32))
    write_index(places.tiles, read_index(places.tiles).with_columns(columns), overwrite=True)


def task_of(places: Places, **options: Any) -> TileTask:
    return make_task(read_index(places.tiles), places.tiles, EmbedRecipe(**options))


def test_test_tiles_have_no_part(places: Places):
    index, task = read_index(places.tiles), task_of(places)
    parts = index.column("split").astype(str)
    assert (task.rows == np.flatnonzero(parts != "test")).all()
    assert (task.parts == parts[task.rows]).all()
    assert (task.labels == places.classes[task.rows]).all()
    assert task.shares is None
    assert task.centres is None
    by_place = task_of(places, **RINGS)
    assert (by_place.rows == task.rows).all()
    assert (by_place.labels == -1).all()
    assert by_place.centres is not None
    # tiles of 16 px side by side lie one side apart
    cols = index.column("col_off")[by_place.rows] / SIZE
    np.testing.assert_allclose(np.diff(by_place.centres[:, 0]), np.diff(cols), atol=1e-3)


def test_what_is_unknown_is_left_out_and_none_is_a_class(places: Places):
    """Of each four tiles: all sand; .6 sand, .4 water; nothing of either (so none); nobody knows."""
    kind = np.arange(TILES) % 4
    sand = np.choose(kind, [1.0, 0.6, 0.0, np.nan])
    water = np.choose(kind, [0.0, 0.4, 0.0, np.nan])
    with_labels(places, [sand, water, 0 * sand], np.where(kind == 3, 0, 1))
    task = task_of(places)
    expected = np.array([0, 0, len(CLASSES)])  # none comes after the classes
    kept = np.flatnonzero((kind < 3) & (read_index(places.tiles).column("split") != "test"))
    assert (task.rows == kept).all()
    assert (task.labels == expected[kind[kept]]).all()
    # .6 is too little
    pure = task_of(places, single_class_threshold=0.7)
    assert (pure.rows == kept[kind[kept] != 1]).all()
    shares = task_of(places, targets="shares").shares
    assert shares is not None
    told = np.array([[1, 0, 0, 0], [0.6, 0.4, 0, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(shares, told[kind[kept]], atol=1e-6)
    assert np.isfinite(shares).all()


def test_a_column_of_places_may_have_blanks(places: Places):
    sites = np.array(["north", "south", "", "  ", None], dtype=object)[np.arange(TILES) % 5]
    index = read_index(places.tiles)
    write_index(places.tiles, index.with_columns({"site": pa.array(sites.tolist())}), overwrite=True)
    task = task_of(places, by="site")
    blank = np.arange(TILES) % 5 >= 2
    assert not blank[task.rows].any()
    north = np.arange(TILES)[task.rows] % 5 == 0
    assert len(np.unique(task.labels[north])) == len(np.unique(task.labels[~north])) == 1
    assert task.labels[north][0] != task.labels[~north][0]
    report = train([places.tiles], output=places.tiles.parent / "run", by="site", **QUICK)
    assert (report.learned_from, report.judged_by) == ("places", "MAP@R")
    assert "tiles with the same site belong together" in (report.model.parent / "MODEL_CARD.md").read_text()
    with pytest.raises(OptionError, match=r"--by learns from a column instead of labels; leave --supervised out"):
        task_of(places, by="site", supervised=True)
    with pytest.raises(TileIndexError, match="sight"):
        task_of(places, by="sight")


def one_line(refused: pytest.ExceptionInfo[GeolabelError]) -> None:
    assert "\n" not in str(refused.value)


def test_tiles_that_teach_nothing_are_refused(places: Places):
    run = places.tiles.parent / "run"
    index = read_index(places.tiles)
    unsplit = replace(index, table=index.table.drop_columns(["split"]), split=None)
    write_index(places.tiles, unsplit, overwrite=True)
    with pytest.raises(TileIndexError, match="is not split into train, val and test; run geolabel split") as refused:
        train([places.tiles], output=run, **QUICK)
    one_line(refused)
    write_index(places.tiles, index, overwrite=True)
    with_labels(places, [np.full(TILES, np.nan)] * 3, np.zeros(TILES))
    with pytest.raises(EmptyError, match="no training tile has anything to learn from; label more") as refused:
        train([places.tiles], output=run, **QUICK)
    one_line(refused)
    with_labels(places, [np.ones(TILES), np.zeros(TILES), np.zeros(TILES)])
    for loss in ("triplet", "magnet"):
        with pytest.raises(EmptyError, match=r"only one class|have 1 of them") as refused:
            train([places.tiles], output=run, loss=loss, **QUICK)
        one_line(refused)
    half = (np.arange(TILES) % 2).astype(float)
    with_labels(places, [half, 1 - half, 0 * half])
    with pytest.raises(
        EmptyError, match=r"a quadruplet needs tiles of 3 classes or places, and 2 are known"
    ) as refused:
        train([places.tiles], output=run, loss="quadruplet", **QUICK)
    one_line(refused)
    assert not run.exists()


def test_a_quadruplet_has_three_classes_however_few_tiles(places: Places):
    """Its second negative belongs apart from the first: a batch of two classes holds none."""
    seen: list[Any] = []
    options = {**QUICK, "batch": 8, "per_class": 4, "steps": 4}
    train([places.tiles], output=places.tiles.parent / "run", loss="quadruplet", on_epoch=seen.append, **options)
    assert seen[0].active > 0
    assert seen[0].train_loss > 0


def test_chips_without_a_place_need_labels_or_a_column(tmp_path: Path):
    (tmp_path / "chips").mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 255, (SIZE, SIZE, 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / "chips" / f"{number}.png")
    tiles = tmp_path / "tiles.parquet"
    tile([], images=tmp_path / "chips", output=tiles)
    told = r"its tiles have no place, so nobody knows which lie near each other; name a column of places with --by"
    with pytest.raises(TileIndexError, match=told) as refused:
        train([tiles], output=tmp_path / "run", **QUICK)
    one_line(refused)
    with pytest.raises(TileIndexError) as refused:
        train([tiles], output=tmp_path / "run", supervised=True, **QUICK)
    one_line(refused)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("loss", ["triplet", "magnet"])
def test_rasters_too_small_say_by_how_much(places: Places, loss: str):
    """320 × 192 px, tiles of 16: the farthest two lie 22 tile sides apart."""
    rings = {"supervised": False, "min_pos_dist": 1, "max_pos_dist": 5, "min_neg_dist": 30, "max_neg_dist": 40}
    told = r"480–640 px away, but the raster is 320 × 192 px: lower --min-neg-dist|two places 560 px apart .*lower them"
    with pytest.raises(EmptyError, match=told) as refused:
        train(
            [places.raster],
            output=places.tiles.parent / "run",
            drawing=Drawing(SIZE, val=0),
            loss=loss,
            **rings,
            **QUICK,
        )
    one_line(refused)
    assert not (places.tiles.parent / "run").exists()


def test_what_does_not_go_together_is_refused(places: Places, write_raster: WriteRaster):
    other = write_raster("other.tif", np.ones((2, 192, 320), "uint8"), descriptions=("red", "nir"))
    cases: tuple[tuple[list[Path], dict[str, Any], type[GeolabelError], str], ...] = (
        ([places.tiles, places.raster], {}, OptionError, "give one tile index, or rasters, and not both"),
        ([places.tiles], {"drawing": Drawing(32)}, OptionError, "its tiles are there already; --size"),
        ([places.raster, other], {"drawing": Drawing(SIZE)}, BandError, "other.tif: uint8 bands red, nir, but"),
        ([places.raster], {"supervised": True, "drawing": Drawing(SIZE)}, OptionError, "rasters have no labels"),
        ([places.raster], {"by": "site", "drawing": Drawing(SIZE)}, OptionError, "--by names a column of a tile index"),
        ([places.raster], {"drawing": Drawing(500)}, EmptyError, r"the largest is 320 × 192 px; lower --size"),
        ([places.raster], {"cache": places.raster.parent / "c"}, OptionError, "--cache keeps the tiles of an index"),
        ([places.raster.parent / "no.tif"], {}, GeolabelError, "no.tif"),
        ([places.tiles], {"model": "no-such-net"}, GeolabelError, "no-such-net"),
        ([places.tiles], {"mining": "no-such-miner"}, OptionError, "no-such-miner"),
        ([places.tiles], {"mining": "random-hard-negative"}, OptionError, "it goes with --no-supervised"),
        ([places.tiles], {"augment": "upside"}, OptionError, "upside"),
        ([places.tiles], {"weights": str(places.raster)}, GeolabelError, "region.tif"),
        ([places.tiles], {"lr": 1e18, "norm_output": False, "steps": 12}, OptionError, "give a lower learning rate"),
    )
    run = places.tiles.parent / "run"
    for sources, options, error, told in cases:
        with pytest.raises(error, match=told) as refused:
            train(sources, output=run, **{**QUICK, **options})
        one_line(refused)
        assert not run.exists(), options


def test_an_embedder_tells_no_classes(places: Places):
    report = train([places.tiles], output=places.tiles.parent / "run", **QUICK)
    told = r"gives embeddings, no classes; use it with geolabel embed, or give a model of geolabel train"
    with pytest.raises(ModelError, match=told) as refused:
        predict([places.raster], model=report.model, output=places.tiles.parent / "map")
    one_line(refused)
    with pytest.raises(ModelError, match=told) as refused:
        evaluate(report.model, places.tiles, output=places.tiles.parent / "scores")
    one_line(refused)
    assert not (places.tiles.parent / "map").exists()


def test_weights_of_another_embedder_are_begun_with(places: Places):
    run = places.tiles.parent
    first = train([places.tiles], output=run / "first", **QUICK)
    report = train([places.tiles], output=run / "second", weights=str(first.model), **{**QUICK, "steps": 1})
    assert report.epochs == 1
