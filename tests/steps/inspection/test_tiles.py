"""What is said of tile indexes and embeddings: a table that is summed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from geolabel.steps.inspect import inspect
from geolabel.steps.inspection.sheet import chosen
from geolabel.steps.inspection.tiles_told import EmbeddingsReport, TilesReport
from geolabel.tiling import write_index
from geolabel.tiling.index import dictionary
from tests.embeddings import made

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.tiling import TileIndex

NAN = float("nan")


def _index() -> TileIndex:
    """Six tiles: two classes, of which one is unknown in two; two in train, one each elsewhere, one in a buffer."""
    return made.tiles(6).with_columns(
        {
            "label.mine": pa.array([1, 0.5, 0, 0, NAN, NAN], pa.float32()),
            "label.forest": pa.array([0, 0.5, 1, 1, 1, 0], pa.float32()),
            "known": pa.array([1, 1, 1, 1, 1, 0], pa.float32()),
            "split": dictionary(["train", "train", "val", "test", "buffer", None]),
        },
        split={"method": "blocks", "by": None, "block_m": 2000.0, "buffer_m": 300.0, "seed": 1},
    )


def test_classes_and_parts_by_hand(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", _index())
    report = inspect(tmp_path / "tiles.parquet")
    assert isinstance(report, TilesReport)
    mine, forest = report.content.classes
    assert (mine.share, mine.tiles, mine.known) == (0.375, 2, 4)
    assert (mine.train, mine.val, mine.test, mine.no_part) == (2, 0, 0, 0)
    assert (forest.share, forest.tiles, forest.known) == (pytest.approx(3.5 / 6), 4, 6)
    assert (forest.train, forest.val, forest.test, forest.no_part) == (1, 1, 1, 1)
    assert [(row.part, row.tiles) for row in report.content.parts] == [
        *(("train", 2), ("val", 1), ("test", 1)),
        *(("buffer", 1), ("none", 1)),
    ]
    assert report.content.unknown_share == pytest.approx(1 / 6)
    assert report.content.imbalance == pytest.approx(3.5 / 1.5)
    assert report.content.split_by == "blocks, blocks of 2,000 m, buffer of 300 m, seed 1"
    assert not report.content.sources[0].here
    assert any("mine, forest" in line for line in report.content.to_mind)


def test_without_labels_and_split_the_next_steps_are_named(tmp_path: Path) -> None:
    write_index(tmp_path / "tiles.parquet", made.tiles(3).without(["label.mine"]))
    report = inspect(tmp_path / "tiles.parquet")
    assert isinstance(report, TilesReport)
    assert (report.content.classes, report.content.parts, report.content.unknown_share) == ((), (), None)
    assert [word in " ".join(report.content.to_mind) for word in ("geolabel label", "geolabel split")] == [True, True]


def test_embeddings_tell_of_their_vectors_too(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    made.write(path, made.tiles(20).without(["label.mine"]), made.unit(np.random.default_rng(0), 20, 8))
    report = inspect(path)
    assert isinstance(report, EmbeddingsReport)
    assert (report.numbers, report.norm, report.content.tiles) == (8, True, 20)
    assert (report.model, report.model_fingerprint) == ("e.safetensors (resnet18)", "abc")


def test_the_sheet_takes_turns_between_classes() -> None:
    rows, names = chosen(_index(), 4)
    assert names == ["mine", "mine", "forest", "forest"]
    assert rows.tolist() == [0, 1, 2, 3]
    rows, names = chosen(made.tiles(100).without(["label.mine"]), 4)
    assert (rows.tolist(), names) == ([0, 25, 50, 75], [""] * 4)
