"""On a map where place predicts class and no colour does, places alone teach vectors that tell the classes apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from geolabel import raster
from geolabel.learn.chips import Chips
from geolabel.learn.encoder import load_encoder, start_encoder
from geolabel.learn.metric.pool import Pool
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.metric.teacher import harden
from geolabel.learn.predictor import predict_chips
from geolabel.model import BandContract, ModelCard
from geolabel.steps.embed.train import train
from geolabel.steps.embed.training.ground import Drawing, read_places
from geolabel.steps.embed.training.ground_tuples import lay_tuples
from geolabel.tiling.ground import Ground
from tests.conftest import WriteRaster
from tests.place_map import TILE, place_map, whole_tiles

CPU = torch.device("cpu")
BANDS = ("red", "green", "blue")


def write_map(write_raster: WriteRaster, tiles: int, regions: int) -> Path:
    pixels, _ = place_map(tiles, regions)
    return write_raster("map.tif", pixels, descriptions=BANDS)


def accuracy(vectors: np.ndarray, classes: np.ndarray) -> float:
    """Of five neighbours; one half of the map is asked about the other. Tiles follow each other row by row."""
    half, gap = len(vectors) // 2, 40
    judge = KNeighborsClassifier(5).fit(vectors[: half - gap], classes[: half - gap])
    return float(judge.score(vectors[half + gap :], classes[half + gap :]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("regions", "options"),
    [
        (16, {"loss": "magnet", "min_pos_dist": 1, "max_pos_dist": 2, "min_neg_dist": 5, "max_neg_dist": 14}),
        # as places of a class are far from each other too, one drawn negative in four is wrong: all of a batch say more
        (
            8,
            {
                "mining": "triplet-margin",
                "margin": 0.2,
                "min_pos_dist": 0.5,
                "max_pos_dist": 1.5,
                "min_neg_dist": 15,
                "max_neg_dist": 30,
            },
        ),
    ],
)
def test_places_teach_what_no_pixel_shows(write_raster: WriteRaster, regions: int, options: dict[str, Any]):
    """Judged on another map, beside raw pixels and their principal components."""
    path = write_map(write_raster, 40, regions)
    kept = {"batch": 32, "steps": 48, "epochs": 5, "output_size": 16, "augment": "light"}
    report = train([path], output=path.parent / "run", drawing=Drawing(TILE), **kept, **options)
    tiles, classes = whole_tiles(40, 16, seed=1)
    vectors = load_encoder(report.model, CPU)(tiles, np.ones((len(tiles), TILE, TILE), bool))
    pixels = tiles.reshape(len(tiles), -1).astype(np.float32)
    components = PCA(16, random_state=0).fit_transform(pixels)
    known = max(accuracy(pixels, classes), accuracy(components, classes))
    assert accuracy(vectors, classes) > known + 0.15
    assert accuracy(vectors, classes) > 0.4


@pytest.mark.parametrize("mining", ["random-hard-negative", "random-hard-positive"])
def test_mining_over_the_map_finds_more_to_learn(write_raster: WriteRaster, mining: str):
    """At the start of training: more triplets have a negative that is nearer than the positive."""
    path = write_map(write_raster, 30, 12)
    info = raster.describe(path)
    ground = Ground.of([info], TILE)
    rings: dict[str, Any] = {"min_pos_dist": 1, "max_pos_dist": 2, "min_neg_dist": 5, "max_neg_dist": 12}
    plain, mined = EmbedRecipe(**rings, redraws=5), EmbedRecipe(**rings, redraws=5, mining=mining)
    drawn = lay_tuples(ground, 200, mined, np.random.default_rng(0))
    with raster.open_scattered(info) as reader:
        chips = read_places([reader], drawn.places, TILE)
    vectors = untrained(chips)
    pool = Pool(chips, drawn.labels, tuples=drawn.tuples)

    def active(recipe: EmbedRecipe) -> float:
        anchors, near, far = vectors[harden(pool, recipe, lambda rows: vectors[rows])].transpose(1, 0, 2)
        return float((np.linalg.norm(anchors - near, axis=1) - np.linalg.norm(anchors - far, axis=1) > 0).mean())

    # of pairs that say nothing half is wrong, and of the hardest of five beside one five of six
    assert active(plain) == pytest.approx(1 / 2, abs=0.12)
    assert active(mined) == pytest.approx(5 / 6, abs=0.1)


def untrained(chips: Chips) -> np.ndarray:
    card = ModelCard(
        *("small-cnn", (), {}, tuple(BandContract(name, 1.0, 0.0, 125.0, 40.0) for name in BANDS), "uint8", 10.0),
        *((TILE, TILE), {}, {}),
        settings={"output_size": 1},
        kind="embedder",
    )
    return predict_chips(start_encoder(card, "none", 0, CPU), chips, np.arange(len(chips)))
