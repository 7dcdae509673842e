"""Ways of training are scored as one would by hand, and their difference is told with what chance alone would make."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, fbeta_score, roc_auc_score

from geolabel.errors import OptionError
from geolabel.learn.chips import load_chips
from geolabel.learn.store import load_predictor
from geolabel.scoring.intervals import Answers
from geolabel.scoring.multilabel import score
from geolabel.steps.compare import compare
from geolabel.steps.comparison import MACRO, Outcome, gains, rows
from geolabel.steps.places import places
from geolabel.steps.train import train
from geolabel.tiling.index import TileIndex, read_index
from tests.steps.lesson import TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


@pytest.fixture
def tiles(write_raster: WriteRaster) -> Path:
    shown = draw_classes(2)
    return write_tiles(write_region(write_raster, shown), {"a": shown[:, 0], "b": shown[:, 1]})


def test_scores_are_those_of_scikit_learn_on_the_test_tiles(tiles: Path, tmp_path: Path):
    found = compare(tiles, vary=["model=logistic,tree"], output=tmp_path / "c")
    assert [(row.variant, row.name) for row in found.comparison] == [
        (variant, name) for name in (MACRO, "a", "b") for variant in ("model=logistic", "model=tree")
    ]
    index = read_index(tiles)
    test = np.flatnonzero(index.column("split") == "test")
    truth = index.shares[test]
    for way in ("logistic", "tree"):
        run = train(tiles, model=way, output=tmp_path / way)
        predictor = load_predictor(run.model, torch.device("cpu"))
        chips = load_chips(index, test, tiles.parent, tmp_path)
        told = predictor(chips.pixels, chips.valid)
        thresholds = np.array([predictor.card.thresholds[name] for name in ("a", "b")])
        detected = np.rint(told * 250) >= np.rint(thresholds * 250)
        by_class = {row.name: row for row in found.comparison if row.variant == f"model={way}"}
        for at, name in enumerate(("a", "b")):
            row = by_class[name]
            assert row.average_precision == pytest.approx(average_precision_score(truth[:, at], told[:, at]))
            assert row.auc == pytest.approx(roc_auc_score(truth[:, at], told[:, at]))
            assert row.f2 == pytest.approx(fbeta_score(truth[:, at], detected[:, at], beta=2))
            assert row.f1 == pytest.approx(fbeta_score(truth[:, at], detected[:, at], beta=1))
        assert by_class[MACRO].f2 == pytest.approx((by_class["a"].f2 + by_class["b"].f2) / 2)
        assert by_class[MACRO].average_precision == pytest.approx(
            (by_class["a"].average_precision + by_class["b"].average_precision) / 2
        )


def test_the_table_on_disk_says_the_same_and_marks_the_best(tiles: Path, tmp_path: Path):
    found = compare(tiles, vary=["model=logistic,tree"], output=tmp_path / "c")
    with (tmp_path / "c" / "comparison.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    for line, row in zip(table, found.comparison, strict=True):
        assert (line["variant"], line["name"], line["best"]) == (row.variant, row.name, row.best)
        assert float(line["average_precision"]) == row.average_precision
    assert {line["ap_difference"] for line in table[::2]} == {""}  # the first way has none
    for line, gain, name in zip(table[1::2], found.difference, (MACRO, "a", "b"), strict=True):
        one, other = (row for row in found.comparison if row.name == name)
        assert (gain.variant, gain.name) == ("model=tree", name)
        assert gain.average_precision.value == pytest.approx(other.average_precision - one.average_precision)
        assert gain.f2.value == pytest.approx(other.f2 - one.f2)
        assert float(line["ap_difference_low"]) == gain.average_precision.low
        assert float(line["f2_difference"]) == gain.f2.value
        assert ("AP" in one.best) == (one.average_precision >= other.average_precision)
        assert ("F2" in other.best) == (other.f2 >= one.f2)
    record = json.loads((tmp_path / "c" / "run.json").read_text())
    assert record["command"] == "compare"
    assert record["vary"] == ["model=logistic,tree"]
    scores = json.loads((tmp_path / "c" / "metrics.json").read_text())["test"]
    assert scores["model=tree"][0]["macro_average_precision"] == found.comparison[1].average_precision


def outcome(name: str, truth: np.ndarray, *probabilities: np.ndarray) -> Outcome:
    names, cuts = [f"c{at}" for at in range(truth.shape[1])], [0.5] * truth.shape[1]
    answers = tuple(Answers.at(one, cuts) for one in probabilities)
    return Outcome(name, tuple(score(truth, one.probabilities, names, cuts) for one in answers), answers)


def test_a_difference_that_can_be_summed_by_hand():
    truth = np.array([[1], [1], [0], [0]] * 25, np.float32)
    right = np.where(truth > 0, 0.9, 0.1).astype(np.float32)
    half = right.copy()
    half[1::4] = 0.0  # every second present tile is found last
    pair = [outcome("half", truth, half), outcome("right", truth, right)]
    found = rows(pair, ["c0"])
    # half: precision 1 at recall 1/2, then 1/2 at recall 1 (all 100 tiles): AP 3/4; TP 25, FN 25: F2 = 5·25/(5·25+4·25)
    assert [row.average_precision for row in found] == pytest.approx([0.75, 1, 0.75, 1])
    assert [row.f2 for row in found] == pytest.approx([5 / 9, 1, 5 / 9, 1])
    assert [row.best for row in found] == ["", "AP, F2"] * 2
    better = gains(truth, pair, ["c0"], None)[1].average_precision
    assert better.value == pytest.approx(0.25)
    assert 0 < better.low < 0.25 < better.high
    assert str(better).startswith("+0.250 (+0.")
    same = gains(truth, [outcome("one", truth, half), outcome("two", truth, half)], ["c0"], None)[1].f2
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_repeats_are_told_by_mean_and_deviation():
    rng = np.random.default_rng(0)
    truth = (rng.random((60, 2)) < 0.5).astype(np.float32)
    noisy = [np.clip(truth + rng.normal(0, 0.8, truth.shape), 0, 1).astype(np.float32) for _ in range(6)]
    pair = [outcome("x", truth, *noisy[:3]), outcome("y", truth, *noisy[3:])]
    found = rows(pair, ["c0", "c1"])
    by_hand = np.array([[average_precision_score(truth[:, at], one[:, at]) for at in (0, 1)] for one in noisy])
    assert [row.average_precision for row in found[2::2]] == pytest.approx(by_hand[:3].mean(axis=0))
    assert [row.ap_deviation for row in found[2::2]] == pytest.approx(by_hand[:3].std(axis=0, ddof=1))
    macro = by_hand.mean(axis=1)
    assert found[1].ap_deviation == pytest.approx(macro[3:].std(ddof=1))
    gain = gains(truth, pair, ["c0", "c1"], None)[0].average_precision
    assert gain.value == pytest.approx(macro[3:].mean() - macro[:3].mean())


def test_whole_places_are_drawn_so_intervals_of_few_are_wider():
    rng = np.random.default_rng(4)
    place = np.repeat(np.arange(10), 30)
    truth = (rng.random((300, 1)) < 0.5).astype(np.float32)
    good = np.clip(truth + rng.normal(0, 0.3, truth.shape), 0, 1).astype(np.float32)
    bad = np.where((place % 5 == 0)[:, None], 1 - good, good).astype(np.float32)  # wrong in two places, all of them
    pair = [outcome("bad", truth, bad), outcome("good", truth, good)]
    widths = []
    for groups in (None, place):
        found = gains(truth, pair, ["c0"], groups)[1].average_precision
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_places_are_those_of_the_split(tiles: Path):
    index = read_index(tiles)
    all_ = np.arange(TILES)
    assert places(index, all_) is None
    blocks = places(index.with_columns({}, split={"method": "blocks", "block_m": 640.0}), all_)
    assert blocks is not None
    assert len(set(blocks.tolist())) == 5 * 3  # 20 × 12 tiles of 160 m, four by four
    column = places(index.with_columns({}, split={"method": "column", "by": "split"}), all_)
    assert column is not None
    assert len(set(zip(column.tolist(), index.column("split"), strict=True))) == 3
    assert isinstance(index, TileIndex)


def test_repeats_have_seeds_of_their_own_and_labels_unknown_are_compared(write_raster: WriteRaster, tmp_path: Path):
    shown = draw_classes(2)
    gaps = np.random.default_rng(9).random(shown.shape) < 0.3
    labels = np.where(gaps, np.nan, shown)
    tiles = write_tiles(write_region(write_raster, shown), {"a": labels[:, 0], "b": labels[:, 1]})
    found = compare(tiles, vary=["missing=mask,drop"], model="mlp", repeats=2, output=tmp_path / "c", seed=5)
    assert (found.first, found.repeats) == ("missing=mask", 2)
    scores = json.loads((tmp_path / "c" / "metrics.json").read_text())["test"]
    first, second = scores["missing=drop"]
    assert first != second
    alone = compare(tiles, vary=["missing=mask,drop"], model="mlp", seed=6, output=tmp_path / "d")
    assert alone.comparison[1].average_precision == second["macro_average_precision"]


def test_raw_against_dehazed_by_one_command(tiles: Path, tmp_path: Path):
    found = compare(tiles, vary=["dehaze=no,yes"], epochs=1, batch=8, augment="none", output=tmp_path / "c")
    assert [row.variant for row in found.comparison] == ["dehaze=no", "dehaze=yes"] * 3
    assert all(0 <= row.recall <= 1 for row in found.comparison)
    assert found.comparison[0].average_precision != found.comparison[1].average_precision


def test_presence_is_judged_by_the_first_way(write_raster: WriteRaster, tmp_path: Path):
    shown = draw_classes(1)
    share = np.where(shown[:, 0] > 0, 0.6, 0.2)
    tiles = write_tiles(write_region(write_raster, shown), {"a": share, "b": shown[::-1, 0].copy()})
    found = compare(tiles, vary=["presence=.5,.7"], model="logistic", output=tmp_path / "c")
    scores = json.loads((tmp_path / "c" / "metrics.json").read_text())["test"]
    positives = {scores[way][0]["classes"][0]["positives"] for way in scores}
    assert len(positives) == 1
    assert positives.pop() > 0
    assert found.first == "presence=0.5"


def test_what_cannot_be_compared_is_refused_before_anything_is_written(tiles: Path, tmp_path: Path):
    for vary, told in (
        (["haze=no,yes"], "no such option"),
        (["loss=bce,hinge"], "choose of"),
        (["loss=bce"], "one way is nothing to compare"),
        ([], "one way is nothing to compare"),
        (["lr=.1,.2", "lr=.3,.4"], "the same option twice"),
        (["seed=1,2"], "--repeats"),
        (["augment=none,blur"], "no such augmentation"),
        (["lr=-1,1"], "--lr must be more than 0"),
    ):
        with pytest.raises(OptionError, match=told):
            compare(tiles, vary=vary, output=tmp_path / "c")
    with pytest.raises(OptionError, match="dehaze=yes: --dehaze is for networks"):
        compare(tiles, vary=["dehaze=no,yes"], model="logistic", output=tmp_path / "c")
    assert not (tmp_path / "c").exists()
