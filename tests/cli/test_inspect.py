"""`geolabel inspect` on what each command makes: every kind is told by its content, and its figures agree."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from PIL import Image

from tests.cli.change_scene import write_dates
from tests.cli.conftest import BANDS, SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way


@pytest.fixture
def told(cli: Callable[..., Done]) -> Callable[..., Any]:
    """What inspect says of a file, as JSON; and that it leaves nothing beside it."""

    def run(path: object, *words: object) -> Any:
        before = _listing(Path(str(path)))
        done = cli("inspect", path, *words, "--json")
        assert done.code == 0, done.err
        assert _listing(Path(str(path))) == before
        return done.json

    return run


def _listing(path: Path) -> dict[str, int]:
    inside = [*path.parent.iterdir(), *(path.iterdir() if path.is_dir() else ())] if path.parent.is_dir() else []
    return {str(entry): entry.stat().st_mtime_ns for entry in inside if not entry.is_dir()}


def test_a_raster(way: Way, told: Callable[..., Any]) -> None:
    found = told(way.region)
    with rasterio.open(way.region) as dataset:
        pixels = dataset.read(masked=True)
    assert (found["kind"], found["size_px"], found["crs"]) == (
        "raster",
        [SIDE, SIDE],
        "WGS 84 / UTM zone 19S (EPSG:32719)",
    )
    assert found["gsd_m"] == pytest.approx([10, 10], rel=0.002)
    assert found["area_km2"] == pytest.approx((SIDE / 100) ** 2, rel=0.004)
    assert found["valid_share"] == pytest.approx((SIDE - 20) / SIDE)
    assert [row["band"] for row in found["bands"]] == list(BANDS)
    for row, band in zip(found["bands"], pixels, strict=True):
        values = band.compressed()
        expected = [values.min(), np.percentile(values, 2), values.mean(), np.percentile(values, 98), values.max()]
        assert [row[key] for key in ("min", "p2", "mean", "p98", "max")] == pytest.approx(expected)


def test_bands_can_be_named_and_chosen(way: Way, cli: Callable[..., Done], told: Callable[..., Any]) -> None:
    assert [row["band"] for row in told(way.region, "--bands", "nir,red")["bands"]] == ["nir", "red"]
    wrong = cli("inspect", way.region, "--bands", "nir,swir")
    assert (wrong.code, wrong.err.count("\n")) == (1, 1)
    assert "swir" in wrong.err
    assert "is no raster" in cli("inspect", way.tiles, "--bands", "red").err


def test_a_tile_index(way: Way, told: Callable[..., Any]) -> None:
    found = told(way.tiles)
    content = found["content"]
    table = pq.read_table(way.tiles)
    assert (found["kind"], content["tiles"], content["size_px"]) == ("tile index", table.num_rows, [16, 16])
    parts = np.array(table["split"].to_pylist(), dtype=object)
    for row in content["classes"]:
        share = table[f"label.{row['name']}"].to_numpy()
        known, there = ~np.isnan(share), np.nan_to_num(share) > 0
        assert row["share"] == pytest.approx(share[known].mean(), rel=1e-5)
        assert (row["tiles"], row["known"]) == (there.sum(), known.sum())
        for part in ("train", "val", "test"):
            assert row[part] == (there & (parts == part)).sum()
        assert row["train"] + row["val"] + row["test"] + row["no_part"] == row["tiles"]
    assert sum(row["tiles"] for row in content["parts"]) == table.num_rows
    assert content["sources"][0]["source"] == "region.tif"
    assert content["sources"][0]["here"]


def test_a_model_and_one_that_comes_with_geolabel(way: Way, told: Callable[..., Any]) -> None:
    found = told(way.model)
    assert (found["kind"], found["architecture"], found["tile_px"]) == ("classifier", "small-cnn", [16, 16])
    assert found["parameters"] >= way.said["train"]["parameters"]
    assert [row["name"] for row in found["classes"]] == ["bare", "forest"]
    assert found["recipe"]["epochs"] == "3"
    assert {row["part"] for row in found["scores"]} == {"val"}
    own = told("amazon-mining-rgb")
    assert (own["built_in"], own["gsd_m"], own["calibration"]) == ("amazon-mining-rgb", 10, "temperature")


def test_a_prediction(way: Way, told: Callable[..., Any]) -> None:
    found, said = told(way.prediction), way.said["predict"]
    with rasterio.open(way.prediction / "classes.tif") as dataset:
        codes = dataset.read(1)
    seen = codes[codes != 255]
    assert found["kind"] == "prediction"
    assert found["seen_km2"] == pytest.approx(said["valid_km2"])
    assert found["nodata_share"] == pytest.approx(20 / SIDE)
    for number, row in enumerate(found["classes"][:2], start=1):
        assert row["share"] == pytest.approx((seen == number).mean())
        assert row["detected_ha"] == said["area_ha"][row["name"]]
        assert row["detections"] == said["detections"][row["name"]]
        assert row["threshold"] is not None
    assert sum(row["share"] for row in found["classes"]) == pytest.approx(1)
    assert {row["input"]: row["now"] for row in found["inputs"]} == {"raster": "the same", "model": "not here"}


def test_an_input_that_changed_since_is_told(way: Way, told: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(way.prediction, tmp_path / "region.geolabel")
    shutil.copy(way.model, tmp_path / "model.safetensors")
    (tmp_path / "region.tif").write_bytes(way.region.read_bytes() + b" ")
    found = told(tmp_path / "region.geolabel")
    assert {row["input"]: row["now"] for row in found["inputs"]} == {"raster": "another", "model": "the same"}
    assert any("region.tif" in line for line in found["to_mind"])


def test_a_run_finished_and_stopped(way: Way, told: Callable[..., Any], tmp_path: Path) -> None:
    run = way.model.parent
    found = told(run)
    assert (found["kind"], found["made_by"], found["state"]) == ("training run", "geolabel train", "finished")
    assert (found["epochs"], found["best_epoch"]) == (3, way.said["train"]["best_epoch"])
    assert told(run / "run.json") == found
    shutil.copytree(run, tmp_path / "stopped")
    (tmp_path / "stopped" / "metrics.json").unlink()
    assert "--resume" in told(tmp_path / "stopped")["state"]


def test_an_evaluation_and_a_report_on_labels(
    way: Way, cli: Callable[..., Done], told: Callable[..., Any], tmp_path: Path
) -> None:
    done = cli("evaluate", way.model, way.tiles, "-o", tmp_path / "evaluation", "--json")
    assert done.code == 0, done.err
    found = told(tmp_path / "evaluation")
    assert (found["kind"], found["split"], found["tiles"]) == ("evaluation", "test", done.json["tiles"])
    assert found["macro_f1"] == done.json["scores"]["macro_f1"]
    words = ("label", way.tiles, "--vector", way.places, "--field", "landuse", "-o", tmp_path / "labelled.parquet")
    done = cli(*words, "--report", tmp_path / "labels", "--json")
    assert done.code == 0, done.err
    labels = told(tmp_path / "labels")
    assert (labels["kind"], labels["tiles"]) == ("label report", way.said["tile"]["tiles"])
    assert {row["name"] for row in labels["classes"]} == {"bare", "forest"}


def test_alerts_as_folder_and_as_layer(cli: Callable[..., Done], told: Callable[..., Any], tmp_path: Path) -> None:
    write_dates(tmp_path)
    done = cli("change", tmp_path / "2019.tif", tmp_path / "2020.tif", "-o", tmp_path / "2020.alerts", "--json")
    assert done.code == 0, done.err
    found = told(tmp_path / "2020.alerts")
    assert (found["kind"], found["alerts"], found["withdrawn"]) == ("alerts", done.json["alerts"], 0)
    assert sum(row["area_ha"] for row in found["totals"]) == pytest.approx(done.json["area_ha"], abs=0.01)
    assert [row["date"] for row in found["images"]] == [row["date"] for row in done.json["images"]]
    alone = told(tmp_path / "2020.alerts" / "alerts.gpkg")
    assert (alone["kind"], alone["totals"]) == ("alerts", found["totals"])


def test_layers_and_schemes(way: Way, told: Callable[..., Any], tmp_path: Path) -> None:
    found = told(way.places)
    assert (found["kind"], found["layers"][0]["features"]) == ("vector layers", 64)
    assert [row["field"] for row in found["fields"]] == ["landuse"]
    odd = tmp_path / "no-ending"
    odd.write_text('[[class]]\nname = "mine"\n', encoding="utf-8")
    assert (told(odd)["kind"], told(odd)["scheme"]["classes"][0]["name"]) == ("scheme", "mine")


def test_content_counts_not_names(way: Way, told: Callable[..., Any], tmp_path: Path) -> None:
    for source, kind in (
        (way.region, "raster"),
        (way.tiles, "tile index"),
        (way.model, "classifier"),
        (way.places, "vector layers"),
    ):
        renamed = tmp_path / f"{kind.replace(' ', '-')}.dat"
        shutil.copy(source, renamed)
        assert told(renamed)["kind"] == kind


def test_every_kind_has_a_screen_that_is_not_too_wide(way: Way, cli: Callable[..., Done]) -> None:
    for path in (way.region, way.tiles, way.model, way.prediction, way.model.parent, way.places, "amazon-mining-rgb"):
        done = cli("inspect", path)
        assert done.code == 0, done.err
        assert max(map(len, done.out.splitlines())) <= 100
        assert not done.err
        assert "\x1b" not in done.out


def test_class_balance_has_bars(way: Way, cli: Callable[..., Done]) -> None:
    lines = [line for line in cli("inspect", way.tiles).out.splitlines() if re.match(r"\s+(bare|forest)\s", line)]
    assert len(lines) == 2
    assert all(re.search(r"\d+\.\d % [█▏▎▍▌▋▊▉]+", line) for line in lines)


def test_a_picture_is_written_and_never_by_mistake(way: Way, cli: Callable[..., Done], tmp_path: Path) -> None:
    for name, path in {"raster": way.region, "tiles": way.tiles, "prediction": way.prediction}.items():
        target = tmp_path / f"{name}.png"
        assert cli("inspect", path, "--picture", target).code == 0
        with Image.open(target) as image:
            assert image.size[0] >= 300
        again = cli("inspect", path, "--picture", target)
        assert (again.code, "--overwrite" in again.err) == (1, True)
    done = cli("inspect", way.model, "--picture", tmp_path / "model.png")
    assert (done.code, "has no picture" in done.err) == (1, True)
    assert not (tmp_path / "model.png").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.tif", b"", "empty"),
        ("table.csv", b"a,b\n1,2\n", "table of text"),
        ("note.txt", b"hello\n", "plain text"),
        ("some.json", b'{"a": 1}', "is JSON, but"),
        ("broken.json", b'{"a": ', "not JSON"),
        ("other.toml", b"a = 1\n", "no scheme"),
        ("wrong.toml", b"a ==", "not TOML"),
        ("page.html", b"<!DOCTYPE html><p>", "page (HTML)"),
        ("cut.tif", b"II*\0\x08\0\0\0", "truncated"),
        ("cut.parquet", b"PAR1" + bytes(50), "truncated"),
        ("cut.safetensors", (10**6).to_bytes(8, "little") + b'{"a":', "truncated"),
        ("weights.pt", b"\x80\x02}q\0.", "pickle"),
        ("cut.gpkg", b"SQLite format 3\0" + bytes(100), "vector file"),
        ("noise.bin", bytes(range(128, 256)), "no file of a kind"),
    ],
)
def test_what_cannot_be_told_is_one_line(
    cli: Callable[..., Done], tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = cli("inspect", path)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert says in done.err
    assert "fault of geolabel" not in done.err


def test_names_that_are_nothing(cli: Callable[..., Done], tmp_path: Path) -> None:
    for name in (tmp_path / "nothing.tif", tmp_path / "*.tif", tmp_path, "x" * 5000):
        done = cli("inspect", name)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert "fault of geolabel" not in done.err


def test_files_that_were_cut_off(way: Way, cli: Callable[..., Done], tmp_path: Path) -> None:
    for source in (way.region, way.tiles, way.model, way.places):
        whole = source.read_bytes()
        for part in (0.1, 0.5, 0.9):
            path = tmp_path / source.name
            path.write_bytes(whole[: int(len(whole) * part)])
            done = cli("inspect", path)
            assert (done.code, done.err.count("\n")) == (1, 1), (path, part, done.out)
            assert "fault of geolabel" not in done.err


def test_a_damaged_manifest_is_told(way: Way, cli: Callable[..., Done], tmp_path: Path) -> None:
    folder = tmp_path / "region.geolabel"
    shutil.copytree(way.prediction, folder)
    record = json.loads((folder / "run.json").read_text())
    for key in ("inputs", "counts", "decision", "grid"):
        (folder / "run.json").write_text(json.dumps(record | {key: "?"}))
        done = cli("inspect", folder)
        assert (done.code, "damaged" in done.err) == (1, True)
