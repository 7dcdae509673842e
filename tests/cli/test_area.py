"""`geolabel area`: a sample is drawn, answered and judged; what is wrong is told in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.steps.area.maps_to_sample import answer, change, chequered, write_map

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

    Cli = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_map(tmp_path / "classes.tif", chequered())
    return tmp_path


@pytest.fixture
def sample(cli: Cli, folder: Path) -> Path:
    """Drawn, and every tenth point answered otherwise than the map says."""
    done = cli("area", "sample", folder, "--points", 200, "--minimum", 20, "-o", folder / "sample.gpkg")
    assert done.code == 0, done.err

    def say(number: int, name: str) -> tuple[str, str]:
        return ("none" if number % 10 == 0 or name == "undecided" else name), "unsure" if number % 7 == 0 else "sure"

    answer(folder / "sample.gpkg", say)
    return folder / "sample.gpkg"


@pytest.mark.parametrize("word", ["sample", "estimate"])
def test_help_has_an_example(cli: Cli, word: str) -> None:
    done = cli("area", word, "--help")
    assert done.code == 0
    assert f"geolabel area {word}" in done.out
    assert "Example" in done.out


def test_the_whole_way(cli: Cli, folder: Path, sample: Path) -> None:
    done = cli("area", "estimate", sample, "-o", folder / "areas", "--json")
    assert done.code == 0, done.err
    said = done.json
    assert (said["answered"], said["unanswered"]) == (200, 0)
    assert 0.8 < said["overall_accuracy"] < 1
    assert [row["name"] for row in said["areas"]] == ["none", "Forest & <wood>", 'Mine "pit"']
    assert len(said["areas_by_sure_answers"]) == 3
    assert sum(row["estimated_ha"] for row in said["areas"]) == pytest.approx(said["total_ha"])
    assert sum(cell["points"] for row in said["matrix"] for cell in row["seen"]) == 200
    assert (folder / "areas" / "area.json").is_file()
    out = cli("area", "estimate", sample).out
    assert "estimated ha" in out
    assert "ha (95 %)" in " ".join(out.split())


def test_an_error_says_how_many_points(cli: Cli, folder: Path) -> None:
    words = ("area", "sample", folder, "-o", folder / "s.gpkg", "--minimum", 30)
    coarse = cli(*words, "--error", ".05", "--json").json
    fine = cli(*words, "--error", ".03", "--expect", "none=.6", "--overwrite", "--json").json
    assert coarse["points"] < fine["points"]
    assert fine["expected_standard_error"] <= 0.03
    done = cli(*words)
    assert done.code == 1
    assert "exists already; give --overwrite" in done.err


def test_a_raster_with_a_legend(cli: Cli, tmp_path: Path, write_raster: Callable[..., Path]) -> None:
    codes = np.tile(np.array([3, 15, 30], np.uint8), (1, 60, 20))
    path = write_raster("mapbiomas.tif", codes)
    words = ("area", "sample", path, "--points", 60, "--minimum", 10, "-o", tmp_path / "s.gpkg")
    done = cli(*words)
    assert done.code == 1
    assert "mapbiomas.tif: does not say what its codes mean; give --legend CSV (columns code, name)" in done.err
    legend = tmp_path / "legend.csv"
    legend.write_text("code,name\n3,forest\n15,pasture\n")
    assert "nobody says what the codes 30 mean" in cli(*words, "--legend", legend).err
    legend.write_text("code,name\n3,forest\n")
    assert "has only the class 'forest'" in cli(*words, "--legend", legend).err
    legend.write_text("code,name\n3,forest\n15,pasture\n30,mine\n31,lake\n")
    said = cli(*words, "--legend", legend, "--json").json
    assert [row["name"] for row in said["strata"]] == ["forest", "pasture", "mine"]
    assert not (tmp_path / "s.gpkg.draft").exists()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "UPDATE sample SET reference = 'wood' WHERE id = 5",
            "point 5 is answered 'wood', which is no class; there are",
        ),
        ("UPDATE sample SET confidence = 'maybe' WHERE id = 5", "point 5: confidence is sure or unsure, not 'maybe'"),
        ("UPDATE sample SET id = 6 WHERE id = 5", "point 6 stands in several rows of the layer; keep one of them"),
        ("UPDATE sample SET id = 999 WHERE id = 5", "a row with the id 999, which was never drawn; delete the row"),
        ("UPDATE sample SET id = NULL WHERE id = 5", "a row without an id, which was never drawn; delete the row"),
        ("UPDATE sample SET reference = NULL", "fewer than two points are answered"),
        ("DROP TABLE drawn", "is no sample that geolabel area sample wrote"),
        ("DELETE FROM drawn", "is no sample that geolabel area sample wrote (it says of no point what was drawn)"),
    ],
)
def test_a_sample_that_was_changed_by_hand(cli: Cli, sample: Path, sql: str, says: str) -> None:
    change(sample, sql)
    done = cli("area", "estimate", sample, "-q")
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_files_that_are_none(cli: Cli, folder: Path) -> None:
    assert "classes.tif: is no sample" in cli("area", "estimate", folder / "classes.tif").err
    assert "no such file" in cli("area", "estimate", folder / "none.gpkg").err
    (folder / "empty").mkdir()
    done = cli("area", "sample", folder / "empty")
    assert "holds none of classes.tif, loss.tif, gain.tif, change.tif; give the class raster itself" in done.err
    assert "ends in .gpkg" in cli("area", "sample", folder, "-o", folder / "sample.shp").err
    assert "no such file" in cli("area", "sample", folder / "none.tif", "-o", folder / "s.gpkg").err


def test_nothing_but_nodata(cli: Cli, tmp_path: Path) -> None:
    path = write_map(tmp_path / "classes.tif", np.full((100, 120), 255, np.uint8))
    done = cli("area", "sample", path, "-o", tmp_path / "s.gpkg")
    assert done.code == 1
    assert "holds nodata only; nothing can be drawn" in done.err


def test_mapbiomas_of_amapa(cli: Cli, tmp_path: Path, shared_data: Path) -> None:
    """Six thousand pixels a side; mapped areas are pixel counts times 900 m², as UTM has them."""
    folder = shared_data / "mapbiomas-amapa"
    if not folder.is_dir():
        pytest.skip("mapbiomas-amapa is not here")
    (legend,) = folder.glob("*.csv")
    raster = folder / "utm_cover_AP_rio_2020.tif"
    done = cli("area", "sample", raster, "--legend", legend, "-o", tmp_path / "s.gpkg", "--json")
    assert done.code == 0, done.err
    import rasterio

    with rasterio.open(raster) as dataset:
        pixels, side = dataset.read(1), abs(dataset.transform.a * dataset.transform.e)
    mines = next(row for row in done.json["strata"] if row["name"] == "Mining")
    assert mines["mapped_ha"] == pytest.approx((pixels == 30).sum() * side / 1e4, rel=0.0015)
    assert done.json["expected_standard_error"] <= 0.02
