"""Rasters with maps of labels: tiles drawn of three grounds, labelled, learned from or only judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from geolabel.errors import EmptyError, OptionError
from geolabel.files import read_json
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.model import read_card
from geolabel.steps.embed.train import train
from geolabel.steps.embed.training.ground import Drawing
from geolabel.steps.embed.training.labelled import Judging, LabelMaps
from geolabel.tiling.index import read_index
from tests.alike import differences
from tests.place_map import CLASSES, TILE, place_map

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

NEAR = {"min_pos_dist": 0.0, "max_pos_dist": 2.0, "min_neg_dist": 5.0, "max_neg_dist": 14.0}
SHORT = {"epochs": 1, "steps": 2, "output_size": 8, "augment": "none"}
JUDGING = Judging(tiles=80, repeats=1)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    return place_map(tiles=32, regions=12)


@pytest.fixture
def maps(write_raster: WriteRaster, scene: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> tuple[Path, LabelMaps]:
    pixels, classes = scene
    region = write_raster("region.tif", pixels, descriptions=("red", "green", "blue"))
    known = write_raster("classes.tif", classes[None])
    legend = tmp_path / "legend.csv"
    legend.write_text("code,name\n" + "\n".join(f"{code},{name}" for code, name in enumerate(CLASSES)) + "\n")
    return region, LabelMaps(raster=(known,), legend=legend)


def shares_by_hand(classes: np.ndarray, index_columns: dict[str, np.ndarray]) -> np.ndarray:
    found = [
        np.bincount(classes[row : row + TILE, col : col + TILE].ravel(), minlength=len(CLASSES)) / TILE**2
        for col, row in zip(index_columns["col_off"].tolist(), index_columns["row_off"].tolist(), strict=True)
    ]
    return np.array(found)


@pytest.mark.parametrize("supervised", [True, False, None])
def test_tiles_are_drawn_labelled_and_judged_apart(maps, scene, tmp_path, supervised) -> None:
    region, labels = maps
    recipe = EmbedRecipe(supervised=supervised, loss="magnet", **NEAR, **SHORT)
    report = train(
        [region], output=tmp_path / "run", recipe=recipe, drawing=Drawing(TILE), maps=labels, judging=JUDGING
    )
    assert report.learned_from == ("places" if supervised is False else "classes")
    index = read_index(tmp_path / "run" / "tiles.parquet")
    parts = index.column("split").astype(str)
    assert 2 <= (parts == "test").sum() <= 80
    assert (parts == "train").sum() > 150, "all of the ground that trains"
    boxes = set(zip(index.column("col_off").tolist(), index.column("row_off").tolist(), strict=True))
    assert all(col % TILE == 0 and row % TILE == 0 for col, row in boxes), "tiles side by side share no pixel"
    assert len(boxes) == len(index)
    columns = {name: index.column(name) for name in ("col_off", "row_off")}
    assert index.class_names == CLASSES
    assert index.shares == pytest.approx(shares_by_hand(scene[1], columns), abs=1e-6)
    seen = {name: np.zeros(scene[1].shape, bool) for name in ("train", "val", "test")}
    for name, col, row in zip(parts, columns["col_off"], columns["row_off"], strict=True):
        seen[name][row : row + TILE, col : col + TILE] = True
    assert not (seen["test"] & (seen["train"] | seen["val"])).any()
    assert not (seen["train"] & seen["val"]).any()
    assert report.evaluation is not None
    assert {row.encoder for row in report.evaluation.labels} >= {"model", "pixels", "pca", "untrained", "chance"}
    assert (tmp_path / "run" / "evaluation" / "report.html").is_file()
    assert not any("under another split" in doubt for doubt in report.evaluation.doubts)


def test_learning_from_places_never_sees_the_ground_that_tests(maps, tmp_path, monkeypatch) -> None:
    region, labels = maps
    from geolabel.raster.scattered import ScatteredReader

    read, drawn = ScatteredReader.read, []

    def spy(self, cols, rows, size, pixels, valid) -> None:
        drawn.extend(zip(cols.tolist(), rows.tolist(), strict=True))
        read(self, cols, rows, size, pixels, valid)

    monkeypatch.setattr(ScatteredReader, "read", spy)
    recipe = EmbedRecipe(supervised=False, **NEAR, **SHORT)
    train([region], output=tmp_path / "run", recipe=recipe, drawing=Drawing(TILE), maps=labels, judging=JUDGING)
    index = read_index(tmp_path / "run" / "tiles.parquet")
    test = index.column("split").astype(str) == "test"
    with rasterio.open(region) as dataset:
        seen = np.zeros(dataset.shape, bool)
    for col, row in drawn:
        seen[row : row + TILE, col : col + TILE] = True
    assert seen.mean() > 0.3
    for col, row in zip(index.column("col_off")[test], index.column("row_off")[test], strict=True):
        assert not seen[row : row + TILE, col : col + TILE].any()


def test_of_several_maps_one_counts(maps, tmp_path) -> None:
    _, labels = maps
    both = LabelMaps(raster=labels.raster, legend=labels.legend, osm=(tmp_path / "x.osm.pbf",), choice="raster")
    assert both.counting() == LabelMaps(raster=labels.raster, legend=labels.legend)
    assert both.paths() == (tmp_path / "x.osm.pbf", *labels.raster)
    with pytest.raises(OptionError, match=r"--validation-map clc: no such map is given; name it with --clc"):
        LabelMaps(raster=labels.raster, choice="clc")
    with pytest.raises(OptionError, match="give the map itself"):
        LabelMaps(choice="osm")


def test_what_does_not_go_together(maps, tmp_path, monkeypatch) -> None:
    region, labels = maps
    out = tmp_path / "run"
    with pytest.raises(OptionError, match="rasters have no labels; name maps of them"):
        train([region], output=out, recipe=EmbedRecipe(supervised=True, **NEAR, **SHORT), drawing=Drawing(TILE))
    with pytest.raises(OptionError, match="--single-class-classifiers oracle: there are knn"):
        Judging(single=("oracle",))
    with pytest.raises(OptionError, match="--legend is of maps of labels"):
        LabelMaps(legend=labels.legend)
    with pytest.raises(OptionError, match="runs in one process"):
        monkeypatch.setenv("WORLD_SIZE", "2")
        train([region], output=out, recipe=EmbedRecipe(**NEAR, **SHORT))
    monkeypatch.delenv("WORLD_SIZE")
    with pytest.raises(EmptyError, match="too small for blocks"):
        train([region], output=out, recipe=EmbedRecipe(**NEAR, **SHORT), drawing=Drawing(300), maps=labels)
    with pytest.raises(OptionError, match="together below 1"):
        Drawing(TILE, val=0.6, test=0.4)
    assert not out.exists(), "nothing is left behind"


def test_a_run_with_labels_goes_on_as_if_it_had_never_stopped(maps, tmp_path) -> None:
    region, labels = maps
    recipe = EmbedRecipe(loss="triplet", supervised=True, **NEAR, **(SHORT | {"epochs": 2}))
    given = {"recipe": recipe, "drawing": Drawing(TILE), "maps": labels, "judging": JUDGING}
    train([region], output=tmp_path / "whole", **given)

    def stop(_) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Exception, match="Go on with"):
        train([region], output=tmp_path / "parts", on_epoch=stop, **given)
    train([region], output=tmp_path / "parts", resume=True)
    assert not differences(*(tmp_path / name / "model.safetensors" for name in ("whole", "parts")))
    assert read_card(tmp_path / "parts" / "model.safetensors").kind == "embedder"
    tables = [read_json(tmp_path / name / "metrics.json", "metrics")["history"] for name in ("whole", "parts")]
    assert [row["train_loss"] for row in tables[0]] == [row["train_loss"] for row in tables[1]]
    with pytest.raises(OptionError, match="was not trained on these inputs"):
        train([labels.raster[0]], output=tmp_path / "parts", resume=True)
