"""`evaluate` says what scikit-learn says of the same answers, and refuses what cannot be scored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, fbeta_score, roc_auc_score

from geolabel.errors import EmptyError, InputError, OutputError
from geolabel.learn.chips import load_chips
from geolabel.learn.store import load_predictor
from geolabel.steps.evaluate import evaluate
from geolabel.steps.split import split
from geolabel.steps.train import train
from geolabel.tiling.index import LABEL_PREFIX, dictionary, read_index, write_index
from tests.steps.lesson import TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

BLOCK_M = 320.0


@pytest.fixture
def tiles(write_raster: WriteRaster) -> Path:
    shown = draw_classes(2)
    done = write_tiles(write_region(write_raster, shown), {"mine": shown[:, 0], "road": shown[:, 1]})
    split(done, block_m=BLOCK_M, buffer_m=0, val=0.2, test=0.3)
    return done


@pytest.fixture
def model(tiles: Path, tmp_path: Path) -> Path:
    return train(tiles, model="logistic", output=tmp_path / "run").model


def metrics(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def answers(model: Path, tiles: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probabilities of a part, by the pieces that evaluate is made of."""
    index = read_index(tiles)
    rows = np.flatnonzero(index.column("split") == part)
    chips = load_chips(index, rows, tiles.parent, tiles.parent)
    return index.shares[rows], load_predictor(model, torch.device("cpu"))(chips.pixels, chips.valid)


def relabel(tiles: Path, labels: np.ndarray) -> None:
    index = read_index(tiles)
    columns = {LABEL_PREFIX + name: pa.array(labels[:, at]) for at, name in enumerate(index.class_names)}
    write_index(tiles, index.with_columns(columns), overwrite=True)


def test_scores_are_those_of_scikit_learn(tiles: Path, model: Path, tmp_path: Path):
    found = evaluate(model, tiles, output=tmp_path / "e")
    for part in found.parts:
        truth, told = answers(model, tiles, part.name)
        assert part.tiles == len(truth)
        assert part.average_precision == pytest.approx(average_precision_score(truth, told, average="macro"))
        assert part.auc == pytest.approx(roc_auc_score(truth, told, average="macro"))
    assert [part.name for part in found.parts] == ["train", "val", "test"]
    truth, told = answers(model, tiles, "test")
    cuts = np.array([row.threshold for row in found.scores.classes])
    detected = np.rint(told * 250) >= np.rint(cuts * 250)
    for average in ("macro", "micro", "samples"):
        empty = {"zero_division": 1.0} if average == "samples" else {}
        wanted = fbeta_score(truth, detected, beta=2, average=average, **empty)
        assert found.averages[average]["f2"] == pytest.approx(wanted)
        assert found.averages[average]["f1"] == pytest.approx(f1_score(truth, detected, average=average, **empty))
    kept = metrics(tmp_path / "e")
    assert kept["tiles"] == found.tiles == len(truth)
    assert kept["scores"]["macro_auc"] == pytest.approx(found.scores.macro_auc)
    for one in kept["curves"]:  # the area under the stored steps is the average precision
        recall, precision = one["precision_recall"]["recall"], one["precision_recall"]["precision"]
        area = float(np.sum(np.diff([0.0, *recall]) * precision))
        (row,) = (row for row in found.scores.classes if row.name == one["name"])
        assert area == pytest.approx(row.average_precision, abs=1e-4)


def test_intervals_draw_the_blocks_of_the_split(tiles: Path, model: Path, tmp_path: Path):
    evaluate(model, tiles, output=tmp_path / "e")
    kept = metrics(tmp_path / "e")
    index = read_index(tiles)
    place = index.centres_m()[index.column("split") == "test"]
    blocks = np.unique((place - index.centres_m().min(axis=0)) // BLOCK_M, axis=0)
    assert kept["drawn_from"] == "blocks of 0.32 km"
    assert {one["groups"] for one in kept["intervals"]} == {len(blocks)}
    for one in kept["intervals"]:
        assert all(found["low"] <= found["value"] <= found["high"] for found in (one["macro"], *one["classes"]))


def test_intervals_of_a_column_draw_its_values_or_places_where_it_names_parts(tiles: Path, model: Path, tmp_path: Path):
    index = read_index(tiles)
    part = index.column("split")
    farm = [f"farm{number % 20}" for number in range(TILES)]
    write_index(tiles, index.with_columns({"part": dictionary(part), "farm": dictionary(farm)}), overwrite=True)
    split(tiles, by="part", block_m=BLOCK_M, buffer_m=0)
    evaluate(model, tiles, output=tmp_path / "part")
    assert metrics(tmp_path / "part")["drawn_from"] == "blocks of 0.32 km"
    split(tiles, by="farm", buffer_m=0)
    found = evaluate(model, tiles, output=tmp_path / "farm")
    assert metrics(tmp_path / "farm")["drawn_from"] == "values of farm"
    assert [part.name for part in found.parts] == ["val, in training", "test"]  # another split: others taught it
    assert "under another split" in (tmp_path / "farm" / "report.html").read_text(encoding="utf-8")


def test_labels_shuffled_apart_from_their_pictures_are_refused(tiles: Path, model: Path, tmp_path: Path):
    evaluate(model, tiles, output=tmp_path / "right")
    relabel(tiles, read_index(tiles).shares[np.random.default_rng(0).permutation(TILES)])
    with pytest.raises(InputError, match=r"test: labels and pictures do not go together.*label again") as refused:
        evaluate(model, tiles, output=tmp_path / "wrong")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "wrong").exists()


def test_labels_that_are_all_the_same_are_refused(tiles: Path, model: Path, tmp_path: Path):
    labels = read_index(tiles).shares
    labels[:, 1] = 0
    relabel(tiles, labels)
    found = evaluate(model, tiles, output=tmp_path / "one")
    assert metrics(tmp_path / "one")["constant"] == ["road"]
    assert np.isnan(found.scores.classes[1].auc)
    labels[:, 0] = 1
    relabel(tiles, labels)
    with pytest.raises(EmptyError, match=r"test: every class is either .*split anew"):
        evaluate(model, tiles, output=tmp_path / "none")


def test_exclusive_groups_have_a_confusion_table(write_raster: WriteRaster, tmp_path: Path):
    which = np.random.default_rng(3).integers(0, 3, TILES)
    shown = np.eye(3, dtype=np.float32)[which]
    labels = dict(zip(("clear", "hazy", "cloudy"), shown.T, strict=True))
    tiles = write_tiles(write_region(write_raster, shown, doubt=14), labels, groups=["weather"] * 3)
    done = train(tiles, model="logistic", abstain=0.3, output=tmp_path / "run")
    found = evaluate(done.model, tiles, output=tmp_path / "e")
    truth, told = answers(done.model, tiles, "test")
    (table,) = found.scores.confusions
    assert np.array_equal(table.matrix, confusion_matrix(truth.argmax(axis=1), told.argmax(axis=1)))
    assert "is ↓ taken for →" in (tmp_path / "e" / "report.html").read_text(encoding="utf-8")


def test_what_is_left_undecided_is_told(tiles: Path, tmp_path: Path):
    done = train(tiles, model="logistic", abstain=0.3, output=tmp_path / "wary")
    found = evaluate(done.model, tiles, split="val", output=tmp_path / "e")
    kept = metrics(tmp_path / "e")["abstain"]
    truth, told = answers(done.model, tiles, "val")
    bands = load_predictor(done.model, torch.device("cpu")).card.abstain
    for at, name in enumerate(("mine", "road")):
        low, high = np.rint(np.array(bands[name]) * 250)
        level = np.rint(told[:, at] * 250)
        open_ = (level >= low) & (level < high)
        assert kept["coverage"][at] == pytest.approx(1 - open_.mean())
        assert kept["coverage"][at] == pytest.approx(0.7, abs=0.1)
        wanted = f1_score(truth[~open_, at], level[~open_] >= high)
        assert kept["scores"]["classes"][at]["f1"] == pytest.approx(wanted)
        assert kept["scores"]["classes"][at]["f1"] > found.scores.classes[at].f1


def test_models_of_shares_are_scored_on_shares(write_raster: WriteRaster, tmp_path: Path):
    shown = draw_classes(2)
    tiles = write_tiles(write_region(write_raster, shown), {"a": 0.8 * shown[:, 0], "b": 0.5 * shown[:, 1]})
    words = {"targets": "shares", "epochs": 2, "batch": 16, "augment": "none"}
    done = train(tiles, model="small-cnn", output=tmp_path / "run", **words)
    evaluate(done.model, tiles, output=tmp_path / "e")
    truth, told = answers(done.model, tiles, "test")
    kept = metrics(tmp_path / "e")["shares"]
    assert [one["mae"] for one in kept["classes"]] == pytest.approx(np.abs(told - truth).mean(axis=0), rel=1e-4)
    assert (tmp_path / "e" / "loss.svg").exists()  # a network has a history


def test_unknown_labels_are_left_out(tiles: Path, model: Path, tmp_path: Path):
    labels = read_index(tiles).shares
    labels[::2, 1] = np.nan
    relabel(tiles, labels)
    found = evaluate(model, tiles, output=tmp_path / "e")
    known = np.isfinite(labels[read_index(tiles).column("split") == "test"])
    assert [one.tiles for one in found.scores.classes] == known.sum(axis=0).tolist()
    assert metrics(tmp_path / "e")["unknown"] == pytest.approx(1 - known.mean())


def test_a_report_is_replaced_whole_and_only_where_asked(tiles: Path, model: Path, tmp_path: Path):
    out = tmp_path / "e"
    evaluate(model, tiles, output=out)
    with pytest.raises(OutputError, match="--overwrite"):
        evaluate(model, tiles, output=out)
    (out / "pr.svg").write_text("old")
    evaluate(model, tiles, output=out, overwrite=True, cache=tmp_path / "cache")
    assert "old" not in (out / "pr.svg").read_text(encoding="utf-8")[:10]
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "precious.txt").touch()
    with pytest.raises(OutputError, match="did not make"):
        evaluate(model, tiles, output=theirs, overwrite=True)
