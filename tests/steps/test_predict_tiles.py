"""Tiles without labels get those of a model: the same numbers as by hand, null where it does not decide."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image

from geolabel.errors import ContractError, OptionError, OutputError
from geolabel.labels.table import read_tags
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.steps import predict_tiles as room
from geolabel.steps.predict_tiles import predict_tiles
from geolabel.steps.tile import tile
from geolabel.steps.train import train
from geolabel.tiling.index import read_index, write_index
from tests.steps.lesson import BANDS, SIZE, TILES, draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

CPU = torch.device("cpu")


@pytest.fixture
def model(write_raster: WriteRaster, tmp_path: Path) -> Path:
    shown = draw_classes(2)
    tiles = write_tiles(write_region(write_raster, shown), {"a": shown[:, 0], "b": shown[:, 1]})
    return train(tiles, model="logistic", abstain=0.3, output=tmp_path / "run").model


@pytest.fixture
def bare(write_raster: WriteRaster) -> Path:
    """An index of another raster, without labels and without split."""
    other = write_region(write_raster, draw_classes(2, seed=7), name="other.tif")
    path = other.parent / "bare.parquet"
    tile([other], output=path, size=SIZE)
    return path


def by_hand(model: Path, raster: Path) -> np.ndarray:
    """Probabilities (tiles, classes) from the pixels as rasterio reads them, tile by tile."""
    with rasterio.open(raster) as dataset:
        pixels = dataset.read()
    rows, cols = (side // SIZE for side in pixels.shape[1:])
    chips = (
        pixels.reshape(len(BANDS), rows, SIZE, cols, SIZE).transpose(1, 3, 0, 2, 4).reshape(-1, len(BANDS), SIZE, SIZE)
    )
    return load_predictor(model, CPU)(chips, np.ones((len(chips), SIZE, SIZE), bool))


def test_probabilities_and_decisions_are_those_of_the_model(model: Path, bare: Path, tmp_path: Path):
    report = predict_tiles(bare, model=model, output=tmp_path / "done.parquet")
    assert (report.tiles, report.unlabelled) == (TILES, TILES)
    done, told = read_index(report.output), by_hand(model, bare.parent / "other.tif")
    card = load_predictor(model, CPU).card
    before = read_index(bare)
    assert done.table.select(before.table.column_names).equals(before.table)
    assert done.class_names == ()
    for at, name in enumerate(("a", "b")):
        probability = done.column(f"probability.{name}")
        assert probability == pytest.approx(told[:, at])
        level = np.rint(told[:, at].astype(np.float32) * 250)
        low, high = (round(end * 250) for end in card.abstain[name])
        predicted = done.table[f"predicted.{name}"].to_pylist()
        assert [value is None for value in predicted] == ((level >= low) & (level < high)).tolist()
        decided = np.array([value is not None for value in predicted])
        assert 0 < (~decided).sum() < TILES
        yes = np.array([bool(value) for value in predicted])
        assert (yes[decided] == (level >= high)[decided]).all()
        row = report.classes[at]
        assert (row.name, row.detected, row.undecided) == (name, int(yes.sum()), int((~decided).sum()))
    assert done.labelling["predicted"]["model"] == model.name
    assert done.history[-1] == "predict"


def test_a_threshold_decides_everything(model: Path, bare: Path, tmp_path: Path):
    report = predict_tiles(bare, model=model, threshold=0.25, output=tmp_path / "done.parquet")
    done = read_index(report.output)
    assert done.table["predicted.a"].null_count == 0
    assert (done.column("predicted.a") == (np.rint(done.column("probability.a") * 250) >= 62)).all()


def test_some_at_a_time_is_the_same_as_all_at_once(
    model: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = predict_tiles(bare, model=model, output=tmp_path / "whole.parquet")
    monkeypatch.setattr(room, "_AT_ONCE_BYTES", 7 * SIZE * SIZE * len(BANDS))
    parts = predict_tiles(bare, model=model, output=tmp_path / "parts.parquet")
    assert parts.classes == whole.classes
    tables = [read_index(one.output).table for one in (whole, parts)]
    assert tables[0].equals(tables[1])


def test_an_index_that_was_predicted_before_is_predicted_anew(model: Path, bare: Path, tmp_path: Path):
    first = predict_tiles(bare, model=model, output=tmp_path / "one.parquet")
    again = predict_tiles(first.output, model=model, output=tmp_path / "deeper" / "two.parquet")
    one, two = read_index(first.output), read_index(again.output)
    assert one.table.column_names == two.table.column_names
    assert (one.column("probability.a") == two.column("probability.a")).all()
    assert set(two.column("source")) == {"../other.tif"}


def test_the_default_name_is_the_index_predicted(
    model: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert predict_tiles(bare, model=model).output.name == "bare.predicted.parquet"
    assert (tmp_path / "bare.predicted.parquet").exists()


def test_chips_become_a_table_as_kaggle_wants_it(model: Path, tmp_path: Path):
    rng, shown = np.random.default_rng(3), draw_classes(2, seed=3)[:20]
    folder = tmp_path / "chips"
    (folder / "more").mkdir(parents=True)
    for number, there in enumerate(shown):
        level = 100 + 20 * np.array([there[0], there[1], 0]) + rng.normal(0, 5, (SIZE, SIZE, 3))
        name = f"test_{number}.png" if number else "more/test_1.png"
        Image.fromarray(level.clip(0, 255).astype("uint8")).save(folder / name)
    tile((), images=folder, output=tmp_path / "chips.parquet")
    report = predict_tiles(tmp_path / "chips.parquet", model=model, output=tmp_path / "submission.csv")
    index = predict_tiles(tmp_path / "chips.parquet", model=model, output=tmp_path / "p.parquet").output
    done = read_index(index)
    with report.output.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == ["image_name", "tags", "probability.a", "probability.b"]
    names = [line["image_name"] for line in lines]
    assert "test_5" in names
    assert {name for name in names if name.endswith("test_1.png")} == {"chips/more/test_1.png", "chips/test_1.png"}
    for at, line in enumerate(lines):
        wanted = [name for name in ("a", "b") if done.table[f"predicted.{name}"][at].as_py()]
        assert line["tags"].split() == wanted
        assert float(line["probability.a"]) == pytest.approx(done.column("probability.a")[at], abs=5e-5)
    assert read_tags(report.output).images == tuple(names)


def test_tiles_of_a_raster_are_named_by_their_number(model: Path, bare: Path, tmp_path: Path):
    report = predict_tiles(bare, model=model, output=tmp_path / "table.csv")
    with report.output.open(newline="") as stream:
        assert [int(line["image_name"]) for line in csv.DictReader(stream)] == read_index(bare).column("tile").tolist()


def test_another_scale_of_stored_values_is_taken_into_account(
    model: Path, bare: Path, write_raster: WriteRaster, tmp_path: Path
):
    with rasterio.open(bare.parent / "other.tif") as dataset:
        pixels = dataset.read()
    halved = write_raster("halved.tif", pixels // 2, descriptions=BANDS, scales=[2.0] * 3, offsets=[0.0] * 3)
    tile([halved], output=tmp_path / "halved.parquet", size=SIZE)
    there = read_index(predict_tiles(tmp_path / "halved.parquet", model=model, output=tmp_path / "h.parquet").output)
    told = by_hand(model, bare.parent / "other.tif")
    assert np.abs(there.column("probability.a") - told[:, 0]).mean() < 0.05


def test_tiles_that_break_the_contract_are_refused_with_both_values(model: Path, bare: Path, tmp_path: Path):
    index = read_index(bare)
    source = index.sources[0]
    for changed, told in (
        ({"sources": (replace(source, bands=("red", "green", "nir")),)}, "red, green, nir.*red, green, blue"),
        ({"sources": (replace(source, dtype="uint16"),)}, "uint16.*uint8"),
        ({"sources": (replace(source, gsd_m=30.0),)}, "30.00 m.* 10.0. m"),
        ({"tiling": {**index.tiling, "size": [32, 32]}}, "32 × 32 px.*16 × 16 px"),
    ):
        path = bare.parent / "wrong.parquet"
        write_index(path, replace(index, **changed), overwrite=True)
        with pytest.raises(ContractError, match=told):
            predict_tiles(path, model=model, output=tmp_path / "done.parquet")
    with pytest.raises(OptionError, match="--threshold"):
        predict_tiles(bare, model=model, threshold=1.0, output=tmp_path / "done.parquet")
    with pytest.raises(OptionError, match="parquet or a .csv"):
        predict_tiles(bare, model=model, output=tmp_path / "done.gpkg")
    with pytest.raises(OutputError, match="is, or holds, the input"):
        predict_tiles(bare, model=model, output=bare, overwrite=True)
    assert not (tmp_path / "done.parquet").exists()


def test_blanks_in_names_of_classes_are_no_ends_of_tags(model: Path, bare: Path, tmp_path: Path):
    predictor = load_predictor(model, CPU)
    card = predictor.card
    named = replace(
        card,
        heads=tuple(replace(head, classes=("bare ground", "b")) for head in card.heads),
        thresholds={"bare ground": 0.004, "b": 0.5},
        abstain={},
    )
    save_predictor(tmp_path / "named.safetensors", predictor.with_card(named))
    report = predict_tiles(bare, model=tmp_path / "named.safetensors", output=tmp_path / "table.csv")
    with report.output.open(newline="") as stream:
        first = next(csv.DictReader(stream))
    assert first["tags"].split()[0] == "bare_ground"
