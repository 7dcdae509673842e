"""The folder of `label --report`: hectares that can be counted pixel by pixel, and a layer of the disagreement."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.enums import Resampling
from rasterio.features import rasterize
from rasterio.vrt import WarpedVRT
from sklearn.metrics import cohen_kappa_score

from geolabel.errors import InstallError, OutputError
from geolabel.steps.label import label
from geolabel.steps.tile import tile
from geolabel.tiling import read_index
from tests.steps.label_region import NAMES, SIDE, TILE, Region, read_csv, read_layer, summary


def test_confusion_is_the_cross_table_of_the_pixels(region: Region):
    report = region.label()
    table = {row["class"]: row for row in read_csv(report / "confusion.csv")}
    names = ["(unknown)", *NAMES[1:]]
    counts = np.zeros((4, 4))
    np.add.at(counts, (region.one, region.other), 1)
    for row, name in enumerate(names):
        for column, other in enumerate(names):
            assert float(table[name][other]) == pytest.approx(counts[row, column] * region.pixel_ha, rel=1e-4, abs=1e-4)
        assert float(table[name]["(total)"]) == pytest.approx(counts[row].sum() * region.pixel_ha, rel=1e-4)
    both = counts[1:, 1:]
    assert float(table["forest"]["(agreement)"]) == pytest.approx(both[0, 0] / both[0].sum(), abs=1e-5)
    assert float(table["(agreement)"]["water"]) == pytest.approx(both[1, 1] / both[:, 1].sum(), abs=1e-5)
    spoken = (region.one > 0) & (region.other > 0)
    kappa = cohen_kappa_score(region.one[spoken], region.other[spoken])
    assert float(table["(kappa)"]["(agreement)"]) == pytest.approx(kappa, abs=1e-5)
    (told,) = summary(report)["confusion"]
    assert told["sources"] == ["first", "Second"]
    assert told["kappa"] == pytest.approx(kappa, abs=1e-5)
    assert told["agreement"] == pytest.approx(np.trace(both) / both.sum(), abs=1e-5)
    off = both - np.diag(np.diag(both))
    assert told["disputes"][0]["ha"] == pytest.approx(off.max() * region.pixel_ha, rel=1e-4)


def test_balance_counts_what_the_labels_say(region: Region):
    report = region.label()
    merged = np.where(region.one > 0, region.one, region.other)
    blocks = merged.reshape(SIDE // TILE, TILE, SIDE // TILE, TILE).swapaxes(1, 2).reshape(-1, TILE * TILE)
    known = (blocks > 0).mean(axis=1)
    told = known >= 0.25
    for row in read_csv(report / "balance.csv"):
        share = (blocks == NAMES.index(row["class"])).mean(axis=1)
        assert float(row["share"]) == pytest.approx(share[told].mean(), abs=1e-5)
        assert float(row["ha"]) == pytest.approx(share[told].sum() * TILE**2 * region.pixel_ha, rel=1e-4)
        assert (int(row["tiles"]), int(row["tiles_known"])) == ((share[told] > 0).sum(), told.sum())
        assert float(row["unknown_share"]) == pytest.approx(1 - told.mean(), abs=1e-5)
    whole = summary(report)
    assert whole["unknown_share"] == pytest.approx(1 - known.mean(), abs=1e-5)
    assert whole["area_ha"] == pytest.approx(SIDE**2 * region.pixel_ha, rel=1e-5)


def test_the_layer_of_disagreement(region: Region):
    report = region.label()
    frame = read_layer(report, "disagreement")
    assert frame.crs == "EPSG:32631"
    dispute = (region.one != region.other) & (region.one > 0) & (region.other > 0)
    by_tile = dispute.reshape(SIDE // TILE, TILE, SIDE // TILE, TILE).sum(axis=(1, 3))
    assert set(frame["tile"]) == set(np.flatnonzero(by_tile))
    assert frame["disagree_ha"].is_monotonic_decreasing
    found = summary(report)["disagreement"]
    assert found["tiles"] == len(frame) == (by_tile > 0).sum()
    assert found["ha"] == pytest.approx(dispute.sum() * region.pixel_ha, rel=1e-3)
    rows = read_index(region.tiles)
    for entry in frame.head(20).to_dict("records"):
        row, col = divmod(int(entry["tile"]), SIDE // TILE)
        here = np.s_[row * TILE : (row + 1) * TILE, col * TILE : (col + 1) * TILE]
        both = ((region.one > 0) & (region.other > 0))[here].sum()
        assert entry["agree"] == pytest.approx(1 - by_tile[row, col] / both, abs=1e-3)
        assert entry["disagree_ha"] == pytest.approx(by_tile[row, col] * region.pixel_ha, abs=2e-4)
        for name, codes in (("first", region.one), ("Second", region.other)):
            counts = np.bincount(codes[here].ravel(), minlength=4)[1:]
            assert entry[f"{name}.share"] == pytest.approx(counts.max() / TILE**2, abs=1e-3)
            assert counts[NAMES.index(entry[f"{name}.class"]) - 1] == counts.max()
        assert entry["geometry"].equals(geometry_of(rows, int(entry["tile"])))
    with closing(sqlite3.connect(report / "disagreement.gpkg")) as database:
        styled = database.execute("SELECT f_table_name, useAsDefault, styleQML FROM layer_styles").fetchall()
    assert [(name, default) for name, default, _ in styled] == [("disagreement", 1)]
    assert 'attr="disagree"' in styled[0][2]


def geometry_of(index: Any, row: int) -> Any:
    return shapely.from_wkb(index.column("geometry")[row])


def test_merge_separate_tells_the_sources_apart(region: Region):
    report = region.label(merge="separate")
    frame = read_layer(report, "disagreement")
    assert set(frame["first.class"]) <= {"forest", "water", "mine"}
    assert {row["class"] for row in read_csv(report / "balance.csv")} == {
        f"{source}.{name}" for source in ("first", "Second") for name in NAMES[1:]
    }


def test_the_same_input_gives_the_same_files(region: Region):
    first = {path.name: path.read_bytes() for path in region.label().iterdir()}
    again = {path.name: path.read_bytes() for path in region.label(overwrite=True).iterdir()}
    assert first == again


def test_without_cleanlab_nothing_is_begun(region: Region, monkeypatch: pytest.MonkeyPatch):
    before = region.tiles.read_bytes()
    monkeypatch.setitem(sys.modules, "cleanlab.rank", None)
    with pytest.raises(InstallError, match=r'pip install "geolabel\[trust\]"'):
        region.label()
    assert region.tiles.read_bytes() == before
    assert not region.report.exists()


def test_folders_that_are_not_the_reports_are_refused(region: Region):
    region.label()
    with pytest.raises(OutputError, match="exists already"):
        region.label()
    with pytest.raises(OutputError, match="lies in the folder of the report"):
        region.label(output=region.report / "t.parquet", overwrite=True)
    (region.report / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match="did not make"):
        region.label(overwrite=True)


def test_corine_as_polygons_and_as_a_raster(shared_data: Path, tmp_path: Path):
    """Two editions of one map: nearly of one mind, and as much of it as two other programs count."""
    grid = {"crs": "EPSG:25830", "transform": Affine(10, 0, 453_240, 0, -10, 4_099_640), "width": 1184, "height": 1862}
    polygons = geopandas.read_file(shared_data / "clc-granada" / "clc.gpkg", layer="clc")
    shapes = zip(polygons.geometry, polygons["CODE_18"].astype(int), strict=True)
    size = (grid["height"], grid["width"])
    one = rasterize(shapes, size, transform=grid["transform"], dtype="int32")
    with (
        rasterio.open(shared_data / "clc-granada" / "clc.tif") as source,
        WarpedVRT(source, **grid, resampling=Resampling.nearest) as view,
    ):
        other = view.read(1).astype("int64")
    rng = np.random.default_rng(0)
    spectra = rng.uniform(200, 3_000, (3, 1_000))
    with rasterio.open(tmp_path / "image.tif", "w", driver="GTiff", count=3, dtype="uint16", **grid) as dataset:
        dataset.write((spectra[:, one] + rng.normal(0, 200, (3, *one.shape))).clip(1, 9_999).astype("uint16"))
    tiles = tmp_path / "tiles.parquet"
    tile([tmp_path / "image.tif"], output=tiles, size=64)
    sources = [shared_data / "clc-granada" / name for name in ("clc.gpkg", "clc.tif")]
    label(tiles, clc=sources, report=tmp_path / "report")
    both = (one > 0) & np.isin(other, np.unique(one[one > 0]))
    (told,) = summary(tmp_path / "report")["confusion"]
    assert told["sources"] == ["clc", "clc_2"]
    assert told["agreement"] == pytest.approx((one == other)[both].mean(), abs=0.005)
    assert told["kappa"] == pytest.approx(cohen_kappa_score(one[both], other[both]), abs=0.005)
    assert told["both_ha"] == pytest.approx(both.sum() / 100, rel=2e-3)  # UTM's metres are a little long here
    disagreement = summary(tmp_path / "report")["disagreement"]
    assert disagreement["ha"] == pytest.approx(told["both_ha"] - told["agree_ha"], rel=1e-3)
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    for words in ("CORINE Land Cover 2018", "European Environment Agency", "Sclerophyllous"):
        assert words in page
    frame = read_layer(tmp_path / "report", "doubts")
    assert frame["differs"].mean() < 0.1  # the picture was made from the polygons
