"""The commands end to end on a region whose truth is known, and what other programs read in their outputs."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate
from safetensors import safe_open

from tests.cli.conftest import BANDS, FIELD, SIDE, fields
from tests.cli.records import untitled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way


def test_tiles_are_a_partition_less_what_is_nodata(way: Way):
    assert (
        way.said["tile"]["tiles"] == 20 * 20 - 20
    )  # the uppermost row of tiles is nodata, the second only to a quarter
    frame = geopandas.read_parquet(way.tiles)
    assert frame.crs == "EPSG:32719"
    assert frame.geometry.area.sum() == pytest.approx(380 * 160 * 160)
    assert frame["valid"].min() == pytest.approx(0.75)


def test_labels_are_the_shares_of_the_fields(way: Way):
    frame = geopandas.read_parquet(way.tiles)
    bare = fields()
    truth = [bare[r : r + 16, c : c + 16].mean() for r, c in zip(frame["row_off"], frame["col_off"], strict=True)]
    assert np.abs(frame["label.bare"] - truth).max() <= 0.01
    assert np.abs(frame["label.bare"] + frame["label.forest"] - frame["known"]).max() <= 1e-5


def test_the_model_file_carries_its_contract_and_no_pickle(way: Way):
    with safe_open(way.model, "numpy") as file:
        card = json.loads(file.metadata()["geolabel"])
    assert [band["name"] for band in card["bands"]] == list(BANDS)
    assert card["dtype"] == "uint16"
    assert card["gsd_m"] == pytest.approx(10, rel=0.01)
    assert set(card["thresholds"]) == {"bare", "forest"}
    with rasterio.open(way.region) as dataset:
        pixels = dataset.read(masked=True)
    assert card["bands"][3]["mean"] == pytest.approx(float(pixels[3].mean()), rel=0.1)


def test_a_simple_task_is_learned_on_unseen_blocks(way: Way, cli: Callable[..., Done], tmp_path: Path):
    done = cli("evaluate", way.model, way.tiles, "--split", "test", "-o", tmp_path / "scores", "--json")
    assert done.json["scores"]["macro_average_precision"] > 0.95
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["tiles"] == done.json["tiles"]


def test_the_map_agrees_with_the_truth_and_keeps_nodata(way: Way):
    with rasterio.open(way.prediction / "classes.tif") as dataset:
        classes = dataset.read(1)
        assert dataset.nodata == 255
        assert dataset.colormap(1)[1] != dataset.colormap(1)[2]
    assert (classes[:20] == 255).all()
    assert (classes[20:] != 255).all()
    centres = np.arange(SIDE // FIELD) * FIELD + FIELD // 2
    centres = centres[centres > 40]
    truth = fields()[np.ix_(centres, centres)]
    assert ((classes[np.ix_(centres, centres)] == 1) == truth).mean() > 0.9


def test_probabilities_are_scaled_bytes_with_named_bands(way: Way):
    with rasterio.open(way.prediction / "probabilities.tif") as dataset:
        assert dataset.descriptions == ("bare", "forest")
        assert dataset.dtypes == ("uint8", "uint8")
        assert dataset.scales == pytest.approx((0.004, 0.004))
        stored = dataset.read()
    assert stored[stored != 255].max() <= 250


@pytest.mark.parametrize("name", ["classes.tif", "probabilities.tif"])
def test_rasters_are_valid_cogs(way: Way, name: str):
    valid, errors, warnings = cog_validate(way.prediction / name, quiet=True)
    assert valid, errors
    assert not warnings


def test_detections_have_the_area_of_the_map(way: Way):
    frame = geopandas.read_file(way.prediction / "detections.gpkg", layer="detections")
    assert set(frame["class"]) == {"bare", "forest"}
    assert frame.geometry.is_valid.all()
    with rasterio.open(way.prediction / "probabilities.tif") as dataset:
        stored = dataset.read(1)
    with safe_open(way.model, "numpy") as file:
        threshold = json.loads(file.metadata()["geolabel"])["thresholds"]["bare"]
    pixels = ((stored != 255) & (stored * np.float32(0.004) >= np.float32(threshold))).sum()
    bare = frame[frame["class"] == "bare"]
    assert bare["pixels"].sum() == pixels
    assert bare["area_ha"].sum() == pytest.approx(pixels / 100, rel=0.01)  # 10 m pixels; UTM stretches by .1 %
    assert bare["probability"].between(threshold - 0.01, 1).all()


def test_geojson_is_by_the_rfc(way: Way):
    content = json.loads((way.prediction / "detections.geojson").read_text())
    assert "crs" not in content
    lon, lat = content["features"][0]["geometry"]["coordinates"][0][0][0]
    assert -70.1 < lon < -69.8
    assert -12.8 < lat < -12.5


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="gdalinfo is not here: apt install gdal-bin")
def test_gdal_own_tools_read_the_outputs(way: Way):
    info = json.loads(
        subprocess.run(["gdalinfo", "-json", way.prediction / "classes.tif"], capture_output=True, check=True).stdout
    )
    band = info["bands"][0]
    assert band["noDataValue"] == 255
    assert band["colorTable"]["count"] == 256
    assert "COG" in info["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"]
    text = subprocess.run(["gdalinfo", way.prediction / "classes.tif"], capture_output=True, check=True, text=True)
    assert "0: none\n" in text.stdout
    assert "1: Bare\n" in text.stdout
    assert not text.stderr
    for name, layer in (("detections.gpkg", "detections"), ("detections.geojson", "detections")):
        read = subprocess.run(
            ["ogrinfo", "-so", way.prediction / name, layer], capture_output=True, check=True, text=True
        )
        assert f"Feature Count: {sum(way.said['predict']['detections'].values())}" in read.stdout
        assert not read.stderr


def test_the_manifest_names_inputs_options_and_counts(way: Way):
    record = json.loads((way.prediction / "run.json").read_text())
    assert set(record["inputs"]) == {"raster", "model"}
    assert record["counts"]["detections"] == way.said["predict"]["detections"]
    assert record["versions"]["geolabel"]


def test_the_same_input_gives_the_same_bytes(way: Way, cli: Callable[..., Done], tmp_path: Path):
    done = cli("predict", way.region, "--model", way.model, "-o", tmp_path / "again.geolabel", "--json")
    assert done.code == 0
    for name in (
        "classes.tif",
        "probabilities.tif",
        "detections.geojson",
        "detections.gpkg",
        "classes.tif.aux.xml",
    ):
        assert (tmp_path / "again.geolabel" / name).read_bytes() == (way.prediction / name).read_bytes(), name
    assert untitled(tmp_path / "again.geolabel") == untitled(way.prediction)


def test_an_area_of_interest_is_kept_to(way: Way, cli: Callable[..., Done], tmp_path: Path):
    places = geopandas.read_file(way.places).iloc[[60]]
    places.to_file(tmp_path / "aoi.gpkg")
    out = tmp_path / "part.geolabel"
    done = cli("predict", way.region, "--model", way.model, "--aoi", tmp_path / "aoi.gpkg", "-o", out, "--json")
    assert done.code == 0, done.err
    with rasterio.open(out / "classes.tif") as dataset:
        seen = int((dataset.read(1) != 255).sum())
    assert seen == pytest.approx(FIELD * FIELD, abs=2 * FIELD)


def test_another_gsd_is_resampled_to_the_models(way: Way, cli: Callable[..., Done], tmp_path: Path):
    with rasterio.open(way.region) as dataset:
        pixels = dataset.read()
        profile = dataset.profile | {"width": SIDE * 2, "height": SIDE * 2}
        profile["transform"] = dataset.transform @ dataset.transform.scale(0.5)
    with rasterio.open(tmp_path / "fine.tif", "w", **profile) as dataset:
        dataset.write(pixels.repeat(2, axis=1).repeat(2, axis=2))
        dataset.descriptions = BANDS
    done = cli("predict", tmp_path / "fine.tif", "--model", way.model, "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert done.json["resampled"]
    with rasterio.open(tmp_path / "out" / "classes.tif") as fine, rasterio.open(way.prediction / "classes.tif") as own:
        assert abs(fine.width - own.width) <= 1
        assert fine.res == pytest.approx(own.res, rel=0.01)
        rows, cols = min(fine.height, own.height), min(fine.width, own.width)
        same = fine.read(1)[:rows, :cols] == own.read(1)[:rows, :cols]
    assert same.mean() > 0.97


def test_a_dry_run_writes_nothing(way: Way, cli: Callable[..., Done], tmp_path: Path):
    done = cli("predict", way.region, "--model", way.model, "-o", tmp_path / "x", "--dry-run", "--json")
    assert done.code == 0
    assert done.json["tiles"] == way.said["predict"]["tiles"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("to", "ending"), [("gpkg", ".gpkg"), ("geojson", ".geojson"), ("geoparquet", ".parquet"), ("flatgeobuf", ".fgb")]
)
def test_export_filters_and_simplifies(way: Way, cli: Callable[..., Done], tmp_path: Path, to: str, ending: str):
    out = tmp_path / f"small{ending}"
    done = cli("export", way.prediction, "--to", to, "--min-area", "5ha", "--simplify", "15m", "-o", out, "--json")
    assert done.code == 0, done.err
    read = geopandas.read_parquet if to == "geoparquet" else geopandas.read_file
    whole = geopandas.read_file(way.prediction / "detections.gpkg", layer="detections")
    part = read(out, layer="detections") if to == "gpkg" else read(out)
    assert len(part) == (whole["area_ha"] >= 5).sum() == done.json["features"]
    assert done.json["vertices_after"] < 0.8 * done.json["vertices_before"]
    hectares = part.to_crs("EPSG:32719").area.sum() / 10_000
    assert hectares == pytest.approx(part["area_ha"].sum(), rel=0.03)


def test_history_is_kept_as_csv_and_for_tensorboard(way: Way):
    lines = (way.folder / "run" / "history.csv").read_text().splitlines()
    assert len(lines) == 1 + 3
    assert lines[0].startswith("epoch,lr,train_loss,val_loss")
    assert list((way.folder / "run" / "tensorboard").iterdir())
    assert "# places" in (way.folder / "run" / "MODEL_CARD.md").read_text()


def test_an_index_written_elsewhere_still_finds_its_raster(way: Way, cli: Callable[..., Done], tmp_path: Path):
    moved = tmp_path / "sub" / "folder" / "t.parquet"
    assert cli("split", way.tiles, "--block", "400m", "--buffer", 0, "-o", moved).code == 0
    done = cli("evaluate", way.model, moved, "-o", tmp_path / "e", "--json")
    assert done.code == 0, done.err
    relabelled = tmp_path / "l.parquet"
    assert cli("label", moved, "--vector", way.places, "--field", "landuse", "-o", relabelled).code == 0
    assert cli("evaluate", way.model, relabelled, "-o", tmp_path / "f").code == 0


def test_an_area_of_interest_changes_no_answer_inside_it(way: Way, cli: Callable[..., Done], tmp_path: Path):
    geopandas.read_file(way.places).iloc[[27, 28]].to_file(tmp_path / "aoi.gpkg")
    out = tmp_path / "part.geolabel"
    assert cli("predict", way.region, "--model", way.model, "--aoi", tmp_path / "aoi.gpkg", "-o", out).code == 0
    with rasterio.open(out / "probabilities.tif") as part, rasterio.open(way.prediction / "probabilities.tif") as whole:
        found, wanted = part.read(), whole.read()
    inside = found[0] != 255
    assert 0.015 < inside.mean() < 0.05
    assert (found[:, inside] == wanted[:, inside]).all()


def test_names_with_brackets_and_blanks(way: Way, cli: Callable[..., Done], tmp_path: Path):
    folder = tmp_path / "my [bold] files ü"
    folder.mkdir()
    region = shutil.copy(way.region, folder / "a region [1].tif")
    done = cli("tile", region, "--size", 16, "-o", folder / "t [red].parquet")
    assert done.code == 0
    assert "t [red].parquet" in done.out.replace("\n", "")
    assert cli("predict", region, "--model", way.model, "-o", folder / "out").code == 0


def test_a_border_that_was_nodata_in_training_is_not_predicted_as_ground(
    way: Way, cli: Callable[..., Done], tmp_path: Path
):
    with rasterio.open(way.region) as dataset:
        pixels, profile = dataset.read(), dataset.profile
    with rasterio.open(tmp_path / "undeclared.tif", "w", **(profile | {"nodata": None})) as dataset:
        pixels[:, :60, :60] = 0
        dataset.write(pixels)
        dataset.descriptions = BANDS
    done = cli("predict", tmp_path / "undeclared.tif", "--model", way.model, "-o", tmp_path / "out")
    assert done.code == 1
    assert "gdal_edit.py -a_nodata 0" in done.err


def test_attribution_reaches_every_output(cli, way, tmp_path: Path):
    """From the index through the model to all that is made with it, read back by GDAL's own tools."""
    words = "© OpenStreetMap contributors, Open Database License (ODbL) 1.0, openstreetmap.org/copyright"
    places = tmp_path / "osm.geojson"
    frame = geopandas.read_file(way.places)
    frame.to_file(places)
    scheme = tmp_path / "two.toml"
    values = sorted(set(frame["landuse"]))
    scheme.write_text("".join(f'[[class]]\nname = "{name}"\nosm = ["landuse={name}"]\n' for name in values))
    tiles, run, out = tmp_path / "t.parquet", tmp_path / "run", tmp_path / "region.geolabel"
    assert cli("label", way.tiles, "--osm", places, "--scheme", scheme, "-o", tiles).code == 0
    assert cli("train", tiles, "-o", run, "--epochs", 1).code == 0
    assert words in (run / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert cli("predict", way.region, "--model", run / "model.safetensors", "-o", out, "--threshold", 0.01).code == 0
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["attribution"] == [words]
    for name in ("classes.tif", "probabilities.tif"):
        assert words in subprocess.run(["gdalinfo", out / name], capture_output=True, text=True, check=True).stdout
    with sqlite3.connect(out / "detections.gpkg") as database:
        assert database.execute("SELECT description FROM gpkg_contents").fetchone() == (words,)
    assert json.loads((out / "detections.geojson").read_text(encoding="utf-8"))["description"] == words
    for form, ending in (("gpkg", "gpkg"), ("geojson", "geojson"), ("geoparquet", "parquet"), ("flatgeobuf", "fgb")):
        target = tmp_path / f"export.{ending}"
        assert cli("export", out, "--to", form, "-o", target).code == 0
        assert words.encode() in target.read_bytes().replace(b"\\/", b"/")  # JSON may write a slash so
