"""`geolabel explain` on the made-up world: relevance lies on the mines that were planted there.

The model is trained on another world than the one that is explained, by the commands that a user types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from scipy import ndimage

from geolabel.steps.demo_world import MINE, write_world
from geolabel.world import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

pytest.importorskip("captum")
CODE = next(one.code for one in CLASSES if one.name == MINE)
LEARNED, EXPLAINED = (1024, 3), (640, 7)
"""Side, px, and seed of the worlds."""
SIDE, TOLERANCE_PX = 48, 2
"""Of a tile; and one in 24 of it, as where single tiles are explained (tests/learn/explain/test_pointing.py)."""


@pytest.fixture
def explained(tmp_path: Path, cli: Callable[..., Done]) -> Path:
    """A folder with the world and, in `explained`, what was made of it."""
    for name, (side, seed) in {"learned": LEARNED, "world": EXPLAINED}.items():
        (tmp_path / name).mkdir()
        write_world(tmp_path / name, side, seed)
    learned, tiles, run = tmp_path / "learned", tmp_path / "tiles.parquet", tmp_path / "run"
    truth = ("--raster", learned / "truth" / "after.tif", "--legend", learned / "truth" / "legend.csv")
    training = ("--model", "cnn", "--epochs", 6, "--batch", 32, "--lr", 0.003, "--precision", "fp32")
    for words in (
        ("tile", learned / "after.tif", "--size", SIDE, "--stride", 32, "-o", tiles),
        ("label", tiles, *truth, "--scheme", learned / "scheme.toml"),
        ("split", tiles, "--block", "2km", "--buffer", 0, "--val", 0.2, "--test", 0.1),
        ("train", tiles, *training, "-o", run),
    ):
        done = cli(*words)
        assert done.code == 0, done.err
    raster, out = tmp_path / "world" / "after.tif", tmp_path / "explained"
    done = cli("explain", run / "model.safetensors", raster, "--class", MINE, "-o", out, "--json")
    assert done.code == 0, done.err
    (row,) = done.json["methods"]
    assert row["meaningful"] == row["tiles"] == 3
    return tmp_path


def pointing(relevance: np.ndarray, mine: np.ndarray) -> float:
    """Share of the tiles, side by side, whose most relevant pixel lies on the mine that is in them."""
    near = ndimage.binary_dilation(mine, np.ones((3, 3)), TOLERANCE_PX)
    hits = []
    for row in range(0, len(mine) - SIDE + 1, SIDE):
        for col in range(0, len(mine) - SIDE + 1, SIDE):
            here = (slice(row, row + SIDE), slice(col, col + SIDE))
            if 0.03 < mine[here].mean() < 0.5 and (relevance[here] > 0).any():
                hits.append(near[here].flat[np.nanargmax(relevance[here])])
    assert len(hits) >= 20
    return float(np.mean(hits))


@pytest.mark.slow
def test_the_layer_points_at_the_mines(explained: Path):
    with rasterio.open(explained / "world" / "truth" / "after.tif") as truth:
        mine = truth.read(1) == CODE
    with rasterio.open(explained / "explained" / "relevance.tif") as layer:
        relevance = layer.read(1)
        assert layer.descriptions == (MINE,)
    assert pointing(relevance, mine) >= 0.8
    rng = np.random.default_rng(0)
    chance = [pointing(ndimage.gaussian_filter(rng.normal(size=mine.shape), 4), mine) for _ in range(5)]
    assert np.mean(chance) < 0.5
