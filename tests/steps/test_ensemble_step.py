"""Several models become one file: their classes together, their agreement checked, their combination learned on val."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from geolabel.errors import ContractError, EmptyError, OptionError, TileIndexError
from geolabel.labels.scheme import Scheme
from geolabel.learn.chips import load_chips
from geolabel.learn.store import load_predictor
from geolabel.model import BandContract, Head, ModelCard, read_card
from geolabel.steps.ensemble import ensemble
from geolabel.steps.member_contract import joint_card
from geolabel.steps.predict_tiles import predict_tiles
from geolabel.steps.train import train
from geolabel.tiling.index import read_index, write_index
from tests.steps.lesson import TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from tests.conftest import WriteRaster

CPU = torch.device("cpu")


@pytest.fixture
def shown() -> np.ndarray:
    return draw_classes(2)


@pytest.fixture
def tiles(write_raster: WriteRaster, shown: np.ndarray) -> Path:
    return write_tiles(write_region(write_raster, shown), {"a": shown[:, 0], "b": shown[:, 1]})


def test_the_mean_of_two_is_their_mean_and_predict_takes_the_file(tiles: Path, tmp_path: Path):
    models = [train(tiles, model=kind, output=tmp_path / kind).model for kind in ("logistic", "tree")]
    report = ensemble(models, tiles=tiles, output=tmp_path / "e.safetensors")
    assert (report.combine, [member.model for member in report.members]) == ("mean", models)
    answers = []
    for at, path in enumerate([*models, report.model]):
        done = read_index(predict_tiles(tiles, model=path, output=tmp_path / f"{at}.parquet").output)
        answers.append(np.column_stack([done.column(f"probability.{name}") for name in ("a", "b")]))
    assert answers[2] == pytest.approx((answers[0] + answers[1]) / 2, abs=1e-6)
    index = read_index(tiles)
    val = index.column("split") == "val"
    for at, member in enumerate(report.members):
        by_hand = [average_precision_score(index.shares[val, c], answers[at][val, c]) for c in (0, 1)]
        assert member.average_precision == pytest.approx(np.mean(by_hand))
    # a mean is not fitted, so its scores are those of the file itself
    by_hand = [average_precision_score(index.shares[val, c], answers[2][val, c]) for c in (0, 1)]
    assert report.scores.macro_average_precision == pytest.approx(np.mean(by_hand), abs=1e-6)


def test_models_of_other_classes_become_one_with_all(tiles: Path, shown: np.ndarray, tmp_path: Path):
    region = tiles.parent / "region.tif"
    weather = np.stack([shown[:, 0], 1 - shown[:, 0]])
    apart = [
        write_tiles(
            region, {"clear": weather[0], "cloudy": weather[1]}, name="sky.parquet", groups=("sky", "sky"), scheme="sky"
        ),
        write_tiles(region, {"b": shown[:, 1]}, name="land.parquet", scheme="land"),
    ]
    whole = write_tiles(
        region,
        {"b": shown[:, 1], "clear": weather[0], "cloudy": weather[1]},
        name="all.parquet",
        groups=("", "sky", "sky"),
        scheme="all",
    )
    models = [train(path, model="logistic", output=tmp_path / path.stem).model for path in apart]
    report = ensemble(models, tiles=whole, output=tmp_path / "e.safetensors")
    card = read_card(report.model)
    assert [(head.kind, head.classes) for head in card.heads] == [("softmax", ("clear", "cloudy")), ("sigmoid", ("b",))]
    assert set(Scheme.from_json(card.scheme).names) == {"clear", "cloudy", "b"}
    assert [member.classes for member in report.members] == [2, 1]
    index = read_index(whole)
    chips = load_chips(index, np.arange(TILES), whole.parent, tmp_path)
    told = load_predictor(report.model, CPU)(chips.pixels, chips.valid)
    alone = [load_predictor(path, CPU)(chips.pixels, chips.valid) for path in models]
    assert told == pytest.approx(np.hstack(alone), abs=1e-5)
    assert len(report.scores.confusions) == 1


@pytest.mark.parametrize("combine", ["ridge", "chain"])
def test_one_model_alone_learns_which_labels_go_together(
    combine: Any, write_raster: WriteRaster, tmp_path: Path, shown: np.ndarray
):
    # b goes with a, but the labels that the model learned b from were drawn by chance
    together = np.where(np.random.default_rng(8).random(TILES) < 0.9, shown[:, 0], 1 - shown[:, 0])
    region = write_region(write_raster, shown[:, :1], doubt=5)
    tiles = write_tiles(region, {"a": shown[:, 0], "b": together})
    index = read_index(tiles)
    train_rows = index.column("split") == "train"
    chance = np.random.default_rng(6).permutation(together)
    wrong = write_tiles(region, {"a": shown[:, 0], "b": np.where(train_rows, chance, together)}, name="wrong.parquet")
    model = train(wrong, model="logistic", output=tmp_path / "run").model
    report = ensemble([model], tiles=tiles, combine=combine, output=tmp_path / "e.safetensors")
    test = np.flatnonzero(index.column("split") == "test")
    chips = load_chips(index, test, tiles.parent, tmp_path)
    before, after = (
        average_precision_score(together[test], load_predictor(path, CPU)(chips.pixels, chips.valid)[:, 1])
        for path in (model, report.model)
    )
    assert after > before + 0.2


def test_thresholds_and_scores_are_of_answers_that_were_not_fitted(tiles: Path, tmp_path: Path):
    # ridge on labels that are chance: fitted on its own tiles it would seem to know them
    index = read_index(tiles)
    noise = np.random.default_rng(5).random((TILES, 2)) < 0.5
    chance = write_tiles(tiles.parent / "region.tif", {"a": noise[:, 0], "b": noise[:, 1]}, name="chance.parquet")
    models = [train(tiles, model=kind, output=tmp_path / kind).model for kind in ("logistic", "tree", "knn")]
    report = ensemble(models, tiles=chance, combine="ridge", output=tmp_path / "e.safetensors")
    assert report.scores.macro_auc < 0.65
    assert report.val_tiles == int((index.column("split") == "val").sum())


def test_decisions_are_stored_as_asked(tiles: Path, tmp_path: Path):
    models = [train(tiles, model=kind, output=tmp_path / kind).model for kind in ("logistic", "tree")]
    report = ensemble(
        models, tiles=tiles, aim="recall=.95", calibrate="temperature", abstain=0.2, output=tmp_path / "e.safetensors"
    )
    card = read_card(report.model)
    assert all(row.recall >= 0.75 for row in report.scores.classes)  # some are left undecided
    assert card.calibration is not None
    assert all(low < high for low, high in card.abstain.values())
    assert card.scores["val"]["classes"][0]["name"] == "a"
    assert card.trained_on["options"]["combine"] == "mean"
    assert [one["options"]["model"] for one in card.trained_on["members"]] == ["logistic", "tree"]


def test_a_member_that_knows_the_val_tiles_is_told_of(tiles: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    models = [train(tiles, model=kind, output=tmp_path / kind).model for kind in ("logistic", "tree")]
    ensemble(models, tiles=tiles, output=tmp_path / "e.safetensors")
    assert "split otherwise" not in caplog.text
    index = read_index(tiles)
    write_index(tiles, replace(index, split={**(index.split or {}), "seed": 77}), overwrite=True)
    ensemble(models, tiles=tiles, output=tmp_path / "f.safetensors")
    assert "split otherwise" in caplog.text


def card(**changes: Any) -> ModelCard:
    names = changes.pop("names", ("a", "b"))
    scheme = Scheme.from_json({"name": "s", "classes": [{"name": name} for name in names]})
    plain: dict[str, Any] = {
        "architecture": "small-cnn",
        "heads": (Head("classes", "sigmoid", names),),
        "scheme": scheme.to_json(),
        "bands": tuple(BandContract(name, 1, 0, 100, 10) for name in ("red", "green")),
        "dtype": "uint8",
        "gsd_m": 10.0,
        "tile_px": (16, 16),
        "presence": dict.fromkeys(names, 0.1),
        "thresholds": dict.fromkeys(names, 0.5),
        "attribution": ("© one",),
        "licence": "MIT",
    }
    return ModelCard(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bands": (BandContract("nir", 1, 0, 1, 1),)}, "two: bands nir, but one: red, green"),
        ({"dtype": "uint16"}, "two: type uint16, but one: uint8"),
        ({"tile_px": (32, 16)}, "two: tile size 32 × 16 px, but one: 16 × 16 px"),
        ({"gsd_m": 30.0}, "two: pixels of 30.00 m, but one: 10.00 m"),
        ({"presence": {"a": 0.3, "b": 0.1}}, "two: a is present from a share of 0.3 on, but one: from 0.1"),
        ({"scheme": {"name": "t", "classes": [{"name": "a"}]}}, "two: a of the scheme t 1, but one: of s 1"),
        ({"heads": (Head("x", "softmax", ("a", "b")),)}, "two: tells a as one of a, b, but one as independent"),
        ({"architecture": "ensemble"}, "two: is an ensemble already"),
    ],
)
def test_models_that_do_not_fit_each_other_are_refused_with_both_values(changes: dict[str, Any], told: str):
    with pytest.raises(ContractError, match=told):
        joint_card({Path("one"): card(), Path("two"): card(**changes)})


def test_cards_are_joined_class_by_class():
    other = card(names=("b", "c"), attribution=("© one", "© two"), gsd_m=None, presence={"b": 0.1, "c": 0.4})
    found = joint_card({Path("one"): card(gsd_m=None), Path("two"): other, Path("three"): card(gsd_m=9.0)})
    assert found.heads == (Head("classes", "sigmoid", ("a", "b", "c")),)
    assert found.presence == {"a": 0.1, "b": 0.1, "c": 0.4}
    assert found.attribution == ("© one", "© two")
    assert (found.licence, found.gsd_m) == ("MIT", 9.0)


def test_what_cannot_be_combined_is_refused(tiles: Path, tmp_path: Path):
    model = train(tiles, model="logistic", output=tmp_path / "run").model
    with pytest.raises(OptionError, match="needs two models"):
        ensemble([model], tiles=tiles, output=tmp_path / "e.safetensors")
    with pytest.raises(OptionError, match="given twice"):
        ensemble([model, model], tiles=tiles, output=tmp_path / "e.safetensors")
    index = read_index(tiles)
    write_index(tmp_path / "one.parquet", index.without(["label.b"]), overwrite=True)
    with pytest.raises(ContractError, match="no labels for b"):
        ensemble([model], tiles=tmp_path / "one.parquet", combine="ridge", output=tmp_path / "e.safetensors")
    write_index(tmp_path / "one.parquet", replace(index, split=None), overwrite=True)
    with pytest.raises(TileIndexError, match="not split"):
        ensemble([model], tiles=tmp_path / "one.parquet", combine="ridge", output=tmp_path / "e.safetensors")
    keep = index.column("split") != "val"
    write_index(tmp_path / "one.parquet", replace(index, table=index.table.filter(keep)), overwrite=True)
    with pytest.raises(EmptyError, match="no labelled tile in val"):
        ensemble([model], tiles=tmp_path / "one.parquet", combine="ridge", output=tmp_path / "e.safetensors")
    assert not (tmp_path / "e.safetensors").exists()
