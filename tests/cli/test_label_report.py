"""`label --report` as it is typed: what is printed, what is written, and what is refused in one line."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from tests.cli.conftest import write_fields, write_region
from tests.cli.test_bad_input import fails, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done


@pytest.fixture
def words(cli: Callable[..., Done], tmp_path: Path) -> tuple[object, ...]:
    """A region that is tiled, with two label sources that differ in a corner."""
    write_region(tmp_path / "region.tif")
    write_fields(tmp_path / "places.gpkg")
    with rasterio.open(tmp_path / "region.tif") as dataset:
        profile = dataset.profile | {"count": 1, "dtype": "uint8", "nodata": 0}
        soil = dataset.read(1) > 1_000
    codes = np.where(soil, 2, 1).astype("uint8")
    codes[:80, :80] = 1
    with rasterio.open(tmp_path / "cover.tif", "w", **profile) as dataset:
        dataset.write(codes, 1)
    (tmp_path / "legend.csv").write_text("code,name\n1,forest\n2,bare\n", encoding="utf-8")
    done = cli("tile", tmp_path / "region.tif", "--size", 16, "-o", tmp_path / "tiles.parquet")
    assert done.code == 0, done.err
    sources = ("--vector", tmp_path / "places.gpkg", "--field", "landuse", "--raster", tmp_path / "cover.tif")
    return ("label", tmp_path / "tiles.parquet", *sources, "--legend", tmp_path / "legend.csv")


def test_the_report_is_written_and_named(cli: Callable[..., Done], tmp_path: Path, words: tuple[object, ...]):
    report = tmp_path / "report"
    done = cli(*words, "--report", report, "--json")
    assert done.code == 0, done.err
    assert done.json["report"] == str(report)
    names = {"balance.csv", "confusion.csv", "disagreement.gpkg", "doubts.csv", "doubts.gpkg", "report.html"}
    assert {path.name for path in report.iterdir()} == names | {"summary.json", "run.json"}
    summary = json.loads((report / "summary.json").read_text(encoding="utf-8"))
    assert summary["tiles"] == done.json["tiles"] == 400
    for found, said in zip(summary["classes"], done.json["classes"], strict=True):
        assert (found["name"], found["tiles"]) == (said["name"], said["tiles"])
        assert found["share"] == pytest.approx(said["share"], abs=1e-4)
    record = json.loads((report / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "label"
    assert {"cleanlab", "scikit-learn"} <= set(record["versions"])
    again = cli(*words, "--report", report, "--overwrite")
    assert again.code == 0, again.err


def test_the_index_is_the_same_with_and_without(cli: Callable[..., Done], tmp_path: Path, words: tuple[object, ...]):
    for name, more in (("plain", ()), ("reported", ("--report", tmp_path / "report"))):
        assert cli(*words, "-o", tmp_path / f"{name}.parquet", *more).code == 0
    assert (tmp_path / "plain.parquet").read_bytes() == (tmp_path / "reported.parquet").read_bytes()


def test_what_is_refused(
    cli: Callable[..., Done], tmp_path: Path, words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
):
    report = tmp_path / "report"
    report.mkdir()
    (report / "mine.txt").write_text("precious", encoding="utf-8")
    before = (tmp_path / "tiles.parquet").read_bytes()
    fails(cli, tmp_path, *words, "--report", report, says=("report", "exists already", "--overwrite"))
    fails(cli, tmp_path, *words, "--report", report, "--overwrite", says=("report", "did not make"))
    fails(cli, tmp_path, *words, "--report", tmp_path, "--overwrite", says=("input",))
    monkeypatch.setitem(sys.modules, "cleanlab.rank", None)
    new = ("-o", tmp_path / "new" / "labelled.parquet", "--report", tmp_path / "new" / "report")
    fails(cli, tmp_path, *words, *new, says=("cleanlab", 'pip install "geolabel[trust]"'))
    assert (tmp_path / "tiles.parquet").read_bytes() == before
    assert cli(*words).code == 0  # without a report it is not needed


def test_a_report_on_a_full_disk(cli: Callable[..., Done], tmp_path: Path, words: tuple[object, ...], small_disk: Path):
    (small_disk / "filler").write_bytes(bytes(900_000))
    before = tree(small_disk)
    done = cli(*words, "--report", small_disk / "report")
    assert done.code == 1
    assert "disk is full" in done.err
    assert "Traceback" not in done.err
    assert tree(small_disk) == before
