"""Explanations of tiles and of a region: in their place, seamless, and pointing at what was planted."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from PIL import Image

from geolabel.errors import EmptyError, ModelError, OptionError, TileIndexError
from geolabel.learn.explain import Settings
from geolabel.learn.explain import explain as explain_chip
from geolabel.learn.forward import make_classifier, start_network
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.model import Head
from geolabel.steps.explain import ExplainReport, explain
from geolabel.steps.explaining import trial
from geolabel.steps.explaining.report import detected_where
from geolabel.steps.explaining.trial import ExplainPlan
from geolabel.steps.train import train
from geolabel.tiling.index import read_index, write_index
from tests.steps.explaining.planted import BANDS, COLS, SIZE, Planted, plant

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.model import ModelCard

pytest.importorskip("captum")
CPU = torch.device("cpu")
WIDE, HIGH = 6, 5
"""Of the region, tiles."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def model(planted: Planted) -> Path:
    return train(planted.tiles, model="logistic", output=planted.tiles.parent / "run").model


@pytest.fixture(scope="module")
def explained(planted: Planted, model: Path) -> ExplainReport:
    report = explain(model, planted.tiles, classes=["square"], count=6, output=planted.tiles.parent / "explained")
    assert isinstance(report, ExplainReport)
    return report


@pytest.fixture(scope="module")
def region(planted: Planted) -> Path:
    """The upper left of the raster."""
    path = planted.raster.with_name("region.tif")
    with rasterio.open(planted.raster) as source:
        size = {"width": WIDE * SIZE, "height": HIGH * SIZE}
        with rasterio.open(path, "w", **{**source.profile, **size}) as part:
            part.write(source.read(window=((0, HIGH * SIZE), (0, WIDE * SIZE))))
            part.descriptions = BANDS
    return path


def window_of(tile: int) -> tuple[slice, slice]:
    row, col = tile // COLS * SIZE, tile % COLS * SIZE
    return slice(row, row + SIZE), slice(col, col + SIZE)


def on_raster(layer: Path, raster: Path, band: int = 1) -> np.ndarray:
    """A band of a layer on the whole grid of a raster, NaN beyond; their grids must be one."""
    with rasterio.open(layer) as found, rasterio.open(raster) as source:
        assert found.crs == source.crs
        assert np.isnan(found.nodata)
        window = rasterio.windows.from_bounds(*found.bounds, source.transform)
        whole = np.full(source.shape, np.nan)
        row, col = round(window.row_off), round(window.col_off)
        assert (window.row_off, window.col_off) == pytest.approx((row, col))
        whole[row : row + found.height, col : col + found.width] = found.read(band)
    return whole


def table(report: ExplainReport) -> list[dict[str, str]]:
    with (report.output / "checks.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_relevance_lies_where_the_tile_lies(planted: Planted, model: Path, explained: ExplainReport):
    whole = on_raster(explained.layers[0], planted.raster)
    with rasterio.open(planted.raster) as source:
        pixels = source.read()
    predictor = load_predictor(model, CPU)
    left = np.isfinite(whole)
    assert left.sum() == explained.tiles * SIZE * SIZE
    for row in table(explained):
        here = window_of(int(row["tile"]))
        chip, valid = pixels[:, *here], np.ones((SIZE, SIZE), dtype=bool)
        wanted = explain_chip(predictor, chip, valid, [0], "occlusion", Settings())[0]
        assert whole[here] == pytest.approx(wanted, abs=1e-4)


def test_it_points_at_what_was_planted(planted: Planted, explained: ExplainReport):
    whole = on_raster(explained.layers[0], planted.raster)
    rows = [row for row in table(explained) if row["kind"] == "right detection"]
    assert len(rows) == 6
    hits = 0
    for row in rows:
        here = window_of(int(row["tile"]))
        hits += bool(planted.squares[here].flat[whole[here].argmax()])
        assert planted.there[int(row["tile"])]
        assert row["label"] == "1"
        assert float(row["area"]) < float(row["random_area"])
    assert hits >= 5
    in_tiles = np.isfinite(whole)
    positive = np.nan_to_num(whole).clip(0)
    assert positive[planted.squares].sum() > 0.6 * positive.sum()
    assert planted.squares[in_tiles].mean() < 0.15


def test_the_folder_is_whole(explained: ExplainReport, model: Path):
    record = json.loads((explained.output / "run.json").read_text())
    assert record["command"] == "explain"
    assert record["inputs"]["model"]["path"] == str(model)
    stems = {f"tile-{row['tile']}.square.occlusion" for row in table(explained)}
    assert {path.stem for path in (explained.output / "curves").glob("*.svg")} == stems
    for path in (explained.output / "pictures").iterdir():
        assert path.stem in stems
        with Image.open(path) as picture:
            assert min(picture.size) > 400
    assert 'value="0" alpha="0"' in explained.layers[0].with_suffix(".qml").read_text()
    page = explained.page.read_text()
    assert page.count("<article") == explained.tiles
    assert "<script" not in page


def test_the_same_input_gives_the_same_bytes(planted: Planted, model: Path, explained: ExplainReport):
    again = explain(model, planted.tiles, classes=["square"], count=6, output=explained.output.with_name("again"))
    assert isinstance(again, ExplainReport)
    for path in sorted(explained.output.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (again.output / path.relative_to(explained.output)).read_bytes(), path


def test_tiles_by_number_are_explained_for_what_is_detected(planted: Planted, model: Path, tmp_path: Path):
    tile = int(np.flatnonzero(planted.there)[0])
    report = explain(
        model, planted.tiles, tiles=[tile], methods=["lime", "occlusion"], samples=60, output=tmp_path / "e"
    )
    assert isinstance(report, ExplainReport)
    assert {row["tile"] for row in table(report)} == {str(tile)}
    with rasterio.open(report.layers[0]) as layer:
        assert layer.descriptions[:2] == ("square, lime", "square, occlusion")
        assert layer.shape == (SIZE, SIZE)


def test_a_region_has_no_seams(planted: Planted, region: Path, model: Path, tmp_path: Path):
    """Against tiles cut, explained and averaged one by one, with the weights written out."""
    report = explain(model, region, classes=["square"], output=tmp_path / "e")
    assert isinstance(report, ExplainReport)
    found = on_raster(report.layers[0], region)
    with rasterio.open(region) as source:
        pixels = source.read()
        with rasterio.open(report.layers[0]) as layer:
            assert layer.bounds == source.bounds
            assert layer.descriptions == ("square",)
    predictor = load_predictor(model, CPU)
    threshold = predictor.card.thresholds["square"]
    height, width = pixels.shape[1:]
    sums, weights, pasted = np.zeros((3, height, width))
    near = 1 - np.abs(np.arange(SIZE) + 0.5 - SIZE / 2) / (SIZE / 2)
    fade, valid = np.outer(near, near), np.ones((SIZE, SIZE), dtype=bool)
    explained = 0
    for row in range(0, height - SIZE + 1, SIZE // 2):
        for col in range(0, width - SIZE + 1, SIZE // 2):
            here = slice(row, row + SIZE), slice(col, col + SIZE)
            weights[here] += fade
            if predictor(pixels[None, :, *here], valid[None])[0, 0] >= threshold:
                told = explain_chip(predictor, pixels[:, *here], valid, [0], "occlusion", Settings())[0]
                sums[here] += fade * told
                pasted[here] = told
                explained += 1
    assert report.tiles == explained
    np.testing.assert_allclose(found, sums / weights, rtol=0, atol=2e-3)
    blended, seams = (
        np.array([np.abs(np.diff(layer, axis=1))[:, at :: SIZE // 2].mean() for at in range(SIZE // 2)])
        for layer in (found, pasted)
    )
    assert blended[-1] <= blended[:-1].max()  # from tile to tile no more than from column to column within them
    assert seams[-1] > 1.5 * seams[:-1].max()
    squares = planted.squares[:height, :width]
    assert found[squares].mean() > 5 * np.abs(found[~squares]).mean()


def test_an_area_of_interest_and_nodata_are_kept(region: Path, model: Path, tmp_path: Path):
    bare = tmp_path / "bare.tif"
    with rasterio.open(region) as source, rasterio.open(bare, "w", **source.profile) as part:
        pixels = source.read()
        pixels[:, :, :30] = 0
        part.write(pixels)
        part.descriptions = BANDS
    area = _box(3.0, 49.640, 3.012, 49.648, tmp_path)
    some, all_ = (
        explain(model, bare, classes=["square"], aoi=aoi, output=tmp_path / name)
        for aoi, name in ((area, "some"), (None, "all"))
    )
    assert isinstance(some, ExplainReport)
    assert isinstance(all_, ExplainReport)
    few, whole = (on_raster(report.layers[0], bare) for report in (some, all_))
    assert np.array_equal(np.isnan(whole), (pixels == 0).all(axis=0))
    asked = np.isfinite(few)
    assert 0.1 < asked.mean() < 0.9
    np.testing.assert_allclose(few[asked], whole[asked], atol=2e-3)  # what is asked for does not change answers


def _box(west: float, south: float, east: float, north: float, folder: Path) -> Path:
    path = folder / "aoi.geojson"
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_a_dry_run_writes_nothing(region: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "_SECONDS", 0.5)
    plan = explain(model, region, classes=["square"], output=tmp_path / "e", dry_run=True)
    assert isinstance(plan, ExplainPlan)
    assert plan.tiles == (WIDE * 2 - 1) * (HIGH * 2 - 1)
    assert 0 < plan.found < plan.tiles
    assert plan.seconds > plan.found * plan.seconds_a_tile > 0
    assert not (tmp_path / "e").exists()


def test_a_dry_run_on_tiles_reckons_what_it_would_explain(planted: Planted, model: Path, tmp_path: Path):
    plan = explain(model, planted.tiles, classes=["square"], count=6, output=tmp_path / "e", dry_run=True)
    named = explain(model, planted.tiles, tiles=[0, 5, 7], classes=["square"], output=tmp_path / "e", dry_run=True)
    assert isinstance(plan, ExplainPlan)
    assert isinstance(named, ExplainPlan)
    assert (plan.tiles, plan.found) == (30, 6)
    assert plan.seconds > plan.found * plan.seconds_a_tile > 0
    assert (named.tiles, named.found) == (3, 3)
    assert not (tmp_path / "e").exists()


def test_classes_of_one_group_have_no_threshold_on_the_page():
    heads = (Head("alone", "sigmoid", ("a",)), Head("one of", "softmax", ("b", "c")))
    names = ("a", "b", "c")
    card = cast("ModelCard", SimpleNamespace(heads=heads, classes=names, thresholds=dict.fromkeys(names, 0.4)))
    told = [detected_where(card, at) for at in range(3)]
    assert told == ["from 0.400 on", *["where it is the likeliest of its group"] * 2]


def test_a_region_is_whatever_makes_one(planted: Planted, region: Path, model: Path, tmp_path: Path):
    """A folder with two halves of the raster is the raster."""
    halves = tmp_path / "halves"
    halves.mkdir()
    cut = HIGH * SIZE // 2
    with rasterio.open(region) as source:
        for name, (first, last) in {"a": (0, cut), "b": (cut, source.height)}.items():
            window = rasterio.windows.Window(0, first, source.width, last - first)
            place = {"height": last - first, "transform": source.transform @ Affine.translation(0, first)}
            with rasterio.open(halves / f"{name}.tif", "w", **{**source.profile, **place}) as part:
                part.write(source.read(window=window))
                part.descriptions = BANDS
    whole, parts = (
        explain(model, str(each), classes=["square"], output=tmp_path / name)
        for each, name in ((region, "whole"), (halves, "parts"))
    )
    assert isinstance(whole, ExplainReport)
    assert isinstance(parts, ExplainReport)
    one, other = (on_raster(report.layers[0], region) for report in (whole, parts))
    np.testing.assert_array_equal(one, other)
    assert "on halves" in parts.page.read_text()
    assert {row["source"] for row in table(parts)} == {"halves"}


def test_networks_have_gradients(planted: Planted, model: Path, tmp_path: Path):
    card = replace(load_predictor(model, CPU).card, architecture="small-cnn", settings={}, calibration=None)
    network = tmp_path / "network.safetensors"
    save_predictor(network, make_classifier(card, start_network(card, "none", 0, None), CPU))
    report = explain(
        network,
        planted.tiles,
        tiles=[0, 5],
        classes=["dull"],
        methods=["grad-cam", "integrated-gradients"],
        output=tmp_path / "e",
    )
    assert isinstance(report, ExplainReport)
    assert [row.method for row in report.methods] == ["grad-cam", "integrated-gradients"]
    assert report.methods[0].tiles == 2


def test_chips_without_a_place_have_no_layer(planted: Planted, model: Path, tmp_path: Path):
    index = read_index(planted.tiles)
    at = index.table.column_names.index("geometry")
    bare = replace(index, table=index.table.set_column(at, "geometry", [[None] * len(index)]), crs=None, split=None)
    moved = bare.moved(planted.tiles, tmp_path / "bare.parquet")
    write_index(tmp_path / "bare.parquet", moved)
    report = explain(model, tmp_path / "bare.parquet", count=1, output=tmp_path / "e")
    assert isinstance(report, ExplainReport)
    assert report.layers == ()
    assert not list(report.output.glob("*.tif"))


def test_what_is_refused(planted: Planted, model: Path, tmp_path: Path):
    out = tmp_path / "e"

    def refused(error: type[Exception], words: str, source: Path = planted.tiles, **options: object) -> None:
        with pytest.raises(error, match=words) as caught:
            explain(model, source, output=out, **options)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        assert not out.exists()

    refused(ModelError, "has no class lake; its classes are square, dull", classes=["lake"])
    refused(OptionError, "--tile 9999: .* has no such tile; it has 120", tiles=[9999])
    refused(OptionError, "--method magic: is none; choose of lime, grad-cam", methods=["magic"])
    refused(ModelError, "logistic is none; use lime or occlusion", methods=["grad-cam"])
    refused(EmptyError, "no tile in 'summer'; --split can be test, train, val", split="summer")
    refused(OptionError, "is a tile index; --scale only serve rasters", scale=2.0)
    refused(OptionError, "is a raster; --tile only serve tile indexes", planted.raster, tiles=[1])
    refused(OptionError, "leave one of them away", tiles=[1], split="val")
    refused(OptionError, "--count must be 1 or more", count=0)
    bare = replace(read_index(planted.tiles), split=None).moved(planted.tiles, tmp_path / "b.parquet")
    write_index(tmp_path / "b.parquet", bare)
    refused(TileIndexError, "is not split; leave --split away", tmp_path / "b.parquet", split="test")
    with rasterio.open(planted.raster) as source:
        profile = source.profile
    with rasterio.open(tmp_path / "plain.tif", "w", **profile) as plain:
        plain.write(np.full((3, *plain.shape), 90, np.uint8))
        plain.descriptions = BANDS
    refused(EmptyError, "square is found in none of .* tiles", tmp_path / "plain.tif", classes=["square"])
