"""`embed evaluate`: an encoder that sees the classes is told from one that does not, and from what is as good."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from geolabel.errors import ContractError, ModelError, OptionError, OutputError, TileIndexError
from geolabel.files import fingerprint
from geolabel.learn.chips import load_chips
from geolabel.learn.encoder import load_encoder
from geolabel.steps.embed.evaluate import evaluate
from geolabel.steps.label import label
from geolabel.steps.split import split
from geolabel.steps.tile import tile
from geolabel.steps.train import train
from geolabel.tiling.index import read_index, write_index
from tests.steps.embed.planted import TILES, UNKNOWN, planted_tiles, with_split, write_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


@pytest.fixture
def tiles(write_raster: WriteRaster) -> Path:
    return planted_tiles(write_raster)


@pytest.fixture
def model(tiles: Path, tmp_path: Path) -> Path:
    return write_encoder(tmp_path / "model.safetensors", tiles)


def test_scores_are_those_of_scikit_learn_on_the_same_vectors(tiles: Path, model: Path, tmp_path: Path):
    found = evaluate(model, tiles, output=tmp_path / "e", repeats=1, class_mix="natural", baselines=("none",))
    index = read_index(tiles)
    known = np.isfinite(index.shares).all(axis=1)
    part = index.column("split").astype(str)
    rows = {name: np.flatnonzero(known & (part == name)) for name in ("train", "test")}
    assert found.tiles == {name: len(own) for name, own in rows.items()}
    assert found.unlabelled == int((~known & (part != "val")).sum()) > 0
    assert TILES // UNKNOWN > 20
    encoder, vectors = load_encoder(model, torch.device("cpu")), {}
    for name, own in rows.items():
        chips = load_chips(index, own, tiles.parent, tmp_path)
        vectors[name] = encoder(chips.pixels, chips.valid)
    labels = {name: index.shares[own].argmax(axis=1) for name, own in rows.items()}
    told = KNeighborsClassifier(5).fit(vectors["train"], labels["train"]).predict(vectors["test"])
    row = found.labels[0]
    assert (row.encoder, row.mix) == ("model", "natural")
    assert row.accuracy.mean == pytest.approx(accuracy_score(labels["test"], told))
    assert row.balanced_accuracy.mean == pytest.approx(balanced_accuracy_score(labels["test"], told))
    shares = {name: index.shares[own] for name, own in rows.items()}
    guess = KNeighborsRegressor(5).fit(vectors["train"], shares["train"]).predict(vectors["test"])
    assert found.shares[0].summed_error.mean == pytest.approx(
        np.abs(guess - shares["test"]).sum(axis=1).mean(), abs=1e-6
    )
    chance = found.labels[-1]
    counts = np.bincount(labels["train"])
    assert chance.accuracy.mean == pytest.approx((labels["test"] == counts.argmax()).mean())
    mean = shares["train"].mean(axis=0)
    assert found.shares[-1].summed_error.mean == pytest.approx(
        np.abs(mean - shares["test"]).sum(axis=1).mean(), abs=1e-6
    )


def test_an_encoder_that_sees_nothing_is_beaten_and_the_report_says_so(tiles: Path, tmp_path: Path):
    blind = write_encoder(tmp_path / "blind.safetensors", tiles, mean=1e12)
    seeing = write_encoder(tmp_path / "seeing.safetensors", tiles)
    options = {"repeats": 2, "validation_tiles": 60, "baselines": ("pixels", "colour", "pca")}
    good = evaluate(seeing, tiles, output=tmp_path / "good", **options)
    bad = evaluate(blind, tiles, output=tmp_path / "bad", **options)
    by_name = {(row.encoder, row.mix): row for row in bad.labels}
    assert list(by_name) == [
        (name, mix) for mix in ("natural", "balanced") for name in ("model", "pixels", "pca", "colour", "chance")
    ]
    for mix in ("natural", "balanced"):
        assert by_name["model", mix].accuracy.mean < 0.8
        assert by_name["colour", mix].accuracy.mean > 0.9
        assert good.labels[mix == "balanced"].accuracy.mean > 0.9
        assert good.labels[mix == "balanced"].map_at_r.mean > by_name["chance", mix].map_at_r.mean + 0.2
        assert any(f"on the {mix} mix" in line for line in bad.verdicts if line.startswith("Raw pixels"))
    assert [line.split(" do")[0] for line in bad.verdicts][:2] == ["Raw pixels", "Principal components of the pixels"]
    assert not any("Chance" in line for line in good.verdicts)
    page = (tmp_path / "bad" / "report.html").read_text(encoding="utf-8")
    assert "Raw pixels do better than the model in accuracy" in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_folder_holds_all_repeats(tiles: Path, model: Path, tmp_path: Path):
    found = evaluate(
        model,
        tiles,
        output=tmp_path / "e",
        repeats=3,
        validation_tiles=30,
        single=("dt", "knn"),
        multi=("knn", "dt"),
        baselines=("untrained",),
        compat=True,
    )
    told = json.loads((tmp_path / "e" / "metrics.json").read_text(encoding="utf-8"))
    assert len(told["outcomes"]) == 3 * 2 * 3  # encoders, mixes, repeats
    rows = [
        one["scores"]["accuracy.dt"] for one in told["outcomes"] if (one["encoder"], one["mix"]) == ("model", "natural")
    ]
    assert found.labels[0].accuracy.mean == pytest.approx(np.mean(rows))
    assert found.labels[0].accuracy.deviation == pytest.approx(np.std(rows, ddof=1))
    assert {row.probe for row in found.by_probe} == {"dt", "knn"}
    assert len(found.compat) == len(found.labels) == 6
    with (tmp_path / "e" / "scores.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == sum(len(one["scores"]) for one in told["outcomes"])
    record = json.loads((tmp_path / "e" / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "embed evaluate"
    again = evaluate(
        model,
        tiles,
        output=tmp_path / "e2",
        repeats=3,
        validation_tiles=30,
        single=("dt", "knn"),
        multi=("knn", "dt"),
        baselines=("untrained",),
        compat=True,
    )
    assert (again.labels, again.shares) == (found.labels, found.shares)
    assert (tmp_path / "e" / "scores.csv").read_bytes() == (tmp_path / "e2" / "scores.csv").read_bytes()


def test_the_features_of_a_classifier_are_a_baseline(tiles: Path, model: Path, tmp_path: Path):
    other = train(tiles, epochs=1, output=tmp_path / "run").model
    found = evaluate(
        model, tiles, output=tmp_path / "e", repeats=1, supervised=other, baselines=("none",), class_mix="natural"
    )
    assert [row.encoder for row in found.labels] == ["model", "classifier", "chance"]
    assert not any("The supervised classifier was trained" in line for line in found.doubts)
    record = json.loads((tmp_path / "e" / "run.json").read_text(encoding="utf-8"))
    assert record["inputs"]["supervised_fingerprint"] == fingerprint(other)
    with_split(tiles, {"method": "blocks", "seed": 9})
    found = evaluate(
        model, tiles, output=tmp_path / "e1", repeats=1, supervised=other, baselines=("none",), class_mix="natural"
    )
    assert any("The supervised classifier was trained on these images under another" in line for line in found.doubts)
    with pytest.raises(ModelError, match="--supervised wants a classifier"):
        evaluate(model, tiles, output=tmp_path / "e2", supervised=model)


def test_tiles_that_taught_the_model_under_another_split_are_told(tiles: Path, tmp_path: Path):
    source = read_index(tiles).sources[0]
    known = [{"path": source.path, "fingerprint": source.fingerprint}]
    for told, leaks in ((read_index(tiles).split, False), ({"method": "blocks"}, True), (None, True)):
        model = write_encoder(tmp_path / "m.safetensors", tiles, sources=known, split=told)
        found = evaluate(
            model, tiles, output=tmp_path / "e", repeats=1, baselines=("none",), class_mix="natural", overwrite=True
        )
        assert any("trained on these images under another split" in line for line in found.doubts) == leaks
        assert any("Parts were drawn at random" in line for line in found.doubts)


def test_what_cannot_be_judged_is_refused(tiles: Path, model: Path, tmp_path: Path):
    for options, told in (
        ({"repeats": 0}, "--repeats"),
        ({"validation_tiles": 1}, "--validation-tiles"),
        ({"single_class_threshold": 1.5}, "--single-class-threshold"),
        ({"class_mix": "even"}, "--class-mix"),
        ({"single": ("knn", "tree")}, "--single-class-classifiers tree"),
        ({"multi": ()}, "--multi-class-classifiers"),
        ({"baselines": ("noise",)}, "--baselines noise"),
        ({"baselines": ("all", "pca")}, "stand alone"),
        ({"baselines": ("classifier",)}, "--supervised"),
    ):
        with pytest.raises(OptionError, match=told):
            evaluate(model, tiles, output=tmp_path / "e", **options)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(OutputError, match="did not make"):
        evaluate(model, tiles, output=tmp_path / "other", overwrite=True)
    narrow = write_encoder(tmp_path / "n.safetensors", tiles)
    with_split(tiles, None)
    with pytest.raises(TileIndexError, match="run geolabel split"):
        evaluate(narrow, tiles, output=tmp_path / "e")


def test_tiles_that_break_the_contract_are_refused(tiles: Path, model: Path, tmp_path: Path):
    index = read_index(tiles)
    write_index(tiles, replace(index, sources=(replace(index.sources[0], gsd_m=30.0),)), overwrite=True)
    with pytest.raises(ContractError, match=r"30\.00 m"):
        evaluate(model, tiles, output=tmp_path / "e")


def test_a_real_region_is_told_by_its_colours(shared_data: Path, tmp_path: Path):
    """Landsat over Pará: bands and polygons that somebody else drew; most of it is unknown, and never a class."""
    folder = shared_data / "para-landsat"
    tiles = tmp_path / "para.parquet"
    tile([folder / "landsat5_1988_para.tif"], output=tiles, size=8)
    label(tiles, vector=[folder / "training_lsat.geojson"], field="class")
    split(tiles, block_m=1500, test=0.3, val=0)
    model = write_encoder(tmp_path / "model.safetensors", tiles)
    found = evaluate(model, tiles, output=tmp_path / "e", repeats=2, baselines=("colour",))
    index = read_index(tiles)
    known, part = np.isfinite(index.shares).any(axis=1), index.column("split").astype(str)
    assert found.tiles == {name: int((known & (part == name)).sum()) for name in ("train", "test")}
    assert found.unlabelled == int((~known & np.isin(part, ("train", "test"))).sum()) > 1000
    assert set(found.classes) == {"cleared", "forest", "water"}
    by_name = {row.encoder: row for row in found.labels if row.mix == "natural"}
    assert by_name["colour"].accuracy.mean > by_name["chance"].accuracy.mean
    assert any("Classes were not balanced" in line for line in found.doubts)


def test_shares_are_judged_where_all_classes_are_known(tiles: Path, model: Path, tmp_path: Path):
    """Of half of the tiles one class is unknown: their labels are judged, their shares are not."""
    index = read_index(tiles)
    shares = index.share("dark").copy()
    half = np.arange(len(index)) % 2 == 0
    bright = index.share("bright") == 1  # so much is known that it is the label
    options = {"repeats": 1, "baselines": ("none",), "class_mix": "natural"}
    shares[half & bright] = np.nan
    write_index(tiles, index.with_columns({"label.dark": pa.array(shares)}), overwrite=True)
    found = evaluate(model, tiles, output=tmp_path / "half", **options)
    part, known = index.column("split").astype(str), np.isfinite(index.share("bright"))
    assert found.tiles == {name: int((known & (part == name)).sum()) for name in ("train", "test")}
    whole = known & np.isfinite(shares)
    left_out = int((known & ~whole & np.isin(part, ("train", "test"))).sum())
    assert any(line.startswith(f"{left_out:,} tiles count by their label only") for line in found.doubts)
    truth = np.column_stack([index.share("bright"), shares])
    mean = truth[whole & (part == "train")].mean(axis=0)
    expected = np.abs(mean - truth[whole & (part == "test")]).sum(axis=1).mean()
    assert found.shares[-1].summed_error.mean == pytest.approx(expected, abs=1e-6)
    nobody = pa.array(np.full(len(index), np.nan, np.float32))
    write_index(tiles, index.with_columns({"label.other": nobody}), overwrite=True)
    found = evaluate(model, tiles, output=tmp_path / "none", compat=True, **options)
    assert found.labels[0].accuracy.mean > 0.5
    for row in found.shares:
        assert np.isnan([row.soft_map_at_r.mean, row.gsil.mean, row.summed_error.mean]).all()
    assert np.isnan(found.compat[0].map_at_1_compat.mean)
    assert any(line.startswith("Shares are not judged") for line in found.doubts)
