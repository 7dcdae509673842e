"""Embedders as `embed train` makes them: by every loss, from labels, from places of tiles and from rasters."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from geolabel.learn.embedding import start_embedding
from geolabel.learn.encoder import load_encoder
from geolabel.learn.metric.recipe import LOSSES, EmbedRecipe
from geolabel.learn.predictor import predict_chips
from geolabel.model import ModelCard, read_model
from geolabel.scoring.retrieval import score_retrieval
from geolabel.steps.embed.train import train
from geolabel.steps.embed.training.ground import Drawing
from geolabel.steps.embed.training.tile_supply import map_at_r
from geolabel.steps.task import open_chips
from geolabel.tiling.index import read_index, write_index
from tests.alike import differences
from tests.conftest import WriteRaster
from tests.steps.embed.places import QUICK, RINGS, SHORT_VECTORS, SIZE, Places, write_places

CPU = torch.device("cpu")
ORIGINS = ("labels", "places", "rasters")


@pytest.fixture
def places(write_raster: WriteRaster) -> Places:
    return write_places(write_raster)


def learn(places: Places, origin: str, run: str = "run", **options: Any) -> Any:
    """Train on the tiles' labels, by where they lie, or on the raster they are of."""
    rings = {} if origin == "labels" else RINGS
    return train(
        [places.raster if origin == "rasters" else places.tiles],
        output=places.tiles.parent / run,
        drawing=Drawing(SIZE) if origin == "rasters" else None,
        **{**QUICK, **rings, **options},
    )


def vectors_of(model: Path, tiles: Path) -> np.ndarray:
    """Of all tiles of an index."""
    index = read_index(tiles)
    rows = np.arange(len(index))
    with open_chips(index, rows, tiles, None, tiles.parent) as chips:
        return predict_chips(load_encoder(model, CPU), chips, rows)


def card_parameters(card: ModelCard) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """What is learned, by name; statistics of norms are not."""
    return start_embedding(card, "none", 0).named_parameters()


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_teaches(places: Places, loss: str, origin: str):
    """Every step of two changes the weights, without a warning; what is written is whole."""
    short = SHORT_VECTORS if loss == "tile2vec" else {}
    report = learn(places, origin, loss=loss, magnet_clusters=4, magnet_tiles=3, **short)
    assert (report.loss, report.epochs, report.best_epoch, report.size) == (loss, 1, 1, 6)
    assert report.learned_from == ("classes" if origin == "labels" else "places")
    assert report.judged_by == ("MAP@R" if origin == "labels" else "tuples in order")
    index = read_index(places.tiles)
    assert report.tiles == (None if origin == "rasters" else (index.column("split") == "train").sum())
    assert 0 <= report.score <= 1
    assert 0 <= report.untrained <= 1
    run = report.model.parent
    assert {path.name for path in run.iterdir()} == {
        *("MODEL_CARD.md", "checkpoint.ckpt", "history.csv", "metrics.json", "model.safetensors", "run.json"),
        *("report.html", "tensorboard"),
    }
    (row,) = csv.DictReader((run / "history.csv").read_text().splitlines())
    assert np.isfinite(float(row["train_loss"]))
    assert 0 <= float(row["active"]) <= 1
    assert row["best"] == "True"
    vectors = vectors_of(report.model, places.tiles)
    assert vectors.shape == (len(index), 6)
    length = np.linalg.norm(vectors, axis=1)
    if loss == "tile2vec":
        assert np.ptp(length) > 1e-3
    else:
        np.testing.assert_allclose(length, 1, atol=1e-5)
    card, weights = read_model(report.model)
    begun = start_embedding(card, "none", 0).state_dict()  # the recipe's seed
    moved = [name for name, value in begun.items() if not np.array_equal(value.numpy(), weights[name])]
    assert {name for name, _ in card_parameters(card)} <= set(moved)


@pytest.mark.parametrize(
    ("origin", "options"),
    [
        ("labels", {"alt_loss": True}),
        ("labels", {"soft_margin": True, "mining": "hard-negative,hard-positive"}),
        ("labels", {"loss": "quadruplet", "adaptive": True}),
        ("labels", {"targets": "shares", "mining": "semi-hard"}),
        ("labels", {"mining": "MultiSimilarityMiner"}),
        ("labels", {"ema": 0.9, "freeze_epochs": 1, "epochs": 2, "clip": 1.0, "layer_decay": 0.8}),
        ("labels", {"schedule": "plateau", "augment": "all"}),
        ("places", {"loss": "quadruplet", "unsquared": True, "mining": "hard-negative"}),
        ("places", {"loss": "quadruplet", "mining": "RANDOM_HARD_NEGATIVE"}),
        ("places", {"random_reset": 0.0, "schedule": "one-cycle", "augment": "none"}),
        ("rasters", {"mining": "random-hard-negative,random-hard-positive", "redraws": 3}),
        ("rasters", {"loss": "quadruplet", "random_reset": 0.2, "mining": "distance-weighted"}),
    ],
)
def test_every_choice_teaches(places: Places, origin: str, options: dict[str, Any]):
    report = learn(places, origin, **options)
    assert 0 <= report.score <= 1
    np.testing.assert_allclose(np.linalg.norm(vectors_of(report.model, places.tiles), axis=1), 1, atol=1e-5)


def test_the_model_says_what_it_is(places: Places):
    report = learn(places, "rasters", output_size=5, seed=3)
    card, _ = read_model(report.model)
    assert (card.kind, card.outputs, card.heads, card.classes) == ("embedder", 5, (), ())
    assert card.settings == {"output_size": 5, "norm_output": True}
    assert [band.name for band in card.bands] == ["red", "green", "blue"]
    # bands are measured on tiles of the raster: 100 with 20 more in a third of the tiles
    for band in card.bands:
        assert band.mean == pytest.approx(106.7, abs=3)
    assert (card.dtype, card.tile_px, card.gsd_m) == ("uint8", (SIZE, SIZE), pytest.approx(10, abs=0.1))
    assert card.trained_on["options"]["seed"] == 3
    assert [entry["path"] for entry in card.trained_on["sources"]] == ["../region.tif"]
    assert card.scores == {"val": {"tuples in order": report.score}}
    run = report.model.parent
    record = json.loads((run / "run.json").read_text())
    assert EmbedRecipe(**record["options"]) == EmbedRecipe(**{**QUICK, **RINGS, "output_size": 5, "seed": 3})
    assert list(record["inputs"]) == ["../region.tif"]
    page = (run / "MODEL_CARD.md").read_text()
    assert "vectors of 5 numbers, of length 1" in page
    assert "1–2 sides apart belong together, those 4–8 apart do not" in page
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["history"][0]["score"] == report.score
    assert report.parameters > 1000


@pytest.mark.parametrize(("origin", "loss"), [("labels", "triplet"), ("places", "magnet"), ("rasters", "triplet")])
def test_one_seed_one_model(places: Places, origin: str, loss: str):
    """To the byte; another seed gives another."""
    made = [
        learn(places, origin, run, seed=seed, loss=loss, magnet_clusters=4, epochs=2).model
        for run, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert not differences(made[0], made[1])
    assert differences(made[0], made[2])


def test_the_score_is_that_of_the_validation_tiles(places: Places):
    report = learn(places, "labels", epochs=2, steps=6)
    vectors = vectors_of(report.model, places.tiles)
    val = read_index(places.tiles).column("split") == "val"
    expected = score_retrieval(vectors[val], places.classes[val]).map_at_r
    assert report.score == pytest.approx(expected, abs=1e-6)
    assert report.score == pytest.approx(map_at_r_by_hand(vectors[val], places.classes[val]), abs=1e-5)
    assert np.isnan(map_at_r(vectors[:0], places.classes[:0]))
    assert np.isnan(map_at_r(vectors[:2], np.array([0, 1])))


def map_at_r_by_hand(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Of each tile, among its R nearest (R: others of its class): mean of the precision at each hit, over R."""
    scores = []
    for one, label in enumerate(labels):
        wanted = (labels == label).sum() - 1
        if wanted:
            order = np.argsort(np.linalg.norm(vectors - vectors[one], axis=1), kind="stable")
            hits = labels[order[order != one][:wanted]] == label
            scores.append((np.cumsum(hits) / np.arange(1, wanted + 1) * hits).sum() / wanted)
    return float(np.mean(scores))


def test_more_steps_teach_more(places: Places):
    """The loss falls, and the vectors get better: bright bands are easy."""
    seen: list[Any] = []
    report = learn(places, "labels", epochs=4, steps=16, batch=24, lr=3e-3, augment="dihedral", on_epoch=seen.append)
    assert seen[-1].train_loss < 0.7 * seen[0].train_loss
    assert seen[-1].active < seen[0].active
    assert report.score > 0.8


def test_what_learns_nothing_is_told(places: Places, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("WARNING", "geolabel"):
        report = learn(places, "labels", lr=1e-12, weight_decay=0.0, warm_up=0.0, mining="hard-negative", margin=3.0)
    told = [said for said in caplog.messages if "no epoch does better than the network before it learned" in said]
    assert len(told) == (report.score <= report.untrained)
    with caplog.at_level("WARNING", "geolabel"):
        caplog.clear()
        better = learn(places, "labels", "better", epochs=3, steps=16, batch=24, lr=3e-3, augment="none")
    assert better.score > better.untrained
    assert not caplog.messages


def test_without_a_split_the_last_epoch_is_kept(places: Places, caplog: pytest.LogCaptureFixture):
    index = read_index(places.tiles)
    write_index(places.tiles, replace(index, table=index.table.drop_columns(["split"]), split=None), overwrite=True)
    with caplog.at_level("WARNING", "geolabel"):
        report = learn(places, "places", epochs=2)
    unsplit, unjudged = caplog.messages[:2]
    assert "is not split, so all tiles train and nothing tells how well; run geolabel split first" in unsplit
    assert "too little to judge epochs by; the last one is kept" in unjudged
    assert (report.tiles, report.score, report.best_epoch) == (len(index), None, 2)
    card, _ = read_model(report.model)
    assert card.scores == {}


@pytest.mark.slow
@pytest.mark.parametrize(("val", "rings"), [(0.0, RINGS), (0.15, {**RINGS, "min_neg_dist": 14, "max_neg_dist": 20})])
def test_where_nothing_judges_the_last_epoch_is_kept(
    places: Places, caplog: pytest.LogCaptureFixture, val: float, rings: dict[str, Any]
):
    """As nothing is to be kept apart; or as a block of what is kept apart is smaller than the distances."""
    with caplog.at_level("WARNING", "geolabel"):
        report = train(
            [places.raster],
            output=places.tiles.parent / "run",
            drawing=Drawing(SIZE, val=val),
            **{**QUICK, **rings, "epochs": 2},
        )
    assert (report.score, report.best_epoch) == (None, 2)
    assert sum("the last one is kept" in said for said in caplog.messages) == 1
    history = json.loads((report.model.parent / "metrics.json").read_text())["history"]
    assert [row["score"] for row in history] == [None, None]
