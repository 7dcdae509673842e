"""The doubts of `label --report`: wrong labels are found, and what cannot be judged is a line, not a failure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from geolabel.steps import label_doubts
from geolabel.steps.label import label
from geolabel.steps.label_doubts import draw_evenly
from geolabel.steps.split import split
from geolabel.steps.tile import tile
from geolabel.steps.tile_pixels import read_tiles
from geolabel.tiling import read_index
from tests.steps.label_region import SIDE, TILE, Region, read_csv, read_layer, summary


def test_doubts_find_tiles_whose_label_is_not_what_is_seen(region: Region):
    rng = np.random.default_rng(0)
    wrong = rng.choice(SIDE // TILE * (SIDE // TILE - 2), 12, replace=False) + 2 * (SIDE // TILE)
    for number in wrong:
        row, col = divmod(int(number), SIDE // TILE)
        here = np.s_[row * TILE : (row + 1) * TILE, col * TILE : (col + 1) * TILE]
        with rasterio.open(region.paths[0], "r+") as dataset:
            codes = dataset.read(1)
            codes[here] = 3 if (codes[here] == 3).mean() < 0.1 else 1
            dataset.write(codes, 1)
    label(region.tiles, raster=region.paths[:1], legend=region.legend, report=region.report)
    rows = read_csv(region.report / "doubts.csv")
    assert len({int(row["tile"]) for row in rows[:24]} & set(wrong.tolist())) >= 10
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores)
    index = read_index(region.tiles)
    for row in rows[:10]:
        share = index.share(row["doubted"])[int(row["tile"])]
        assert float(row["given_share"]) == pytest.approx(share, abs=1e-3)
        assert (row["doubted"] in row["given"].split("|")) == (share >= 0.1)
    frame = read_layer(region.report, "doubts")
    assert frame["tile"].tolist() == [int(row["tile"]) for row in rows]
    assert frame["score"].tolist() == pytest.approx(scores)
    assert not (region.report / "disagreement.gpkg").exists()
    assert not (region.report / "confusion.csv").exists()
    assert "nothing to disagree with" in summary(region.report)["disagreement"]["skipped"]


def test_folds_of_a_split_are_kept(region: Region):
    region.label()
    assert "folds by blocks of" in summary(region.report)["doubts"]["about"]
    split(region.tiles, block_m=400, buffer_m=0, folds=3)
    region.label(overwrite=True)
    assert "3 folds by the blocks of the split" in summary(region.report)["doubts"]["about"]


def test_only_so_many_tiles_are_looked_at(region: Region, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(label_doubts, "MOST_TILES", 100)
    region.label()
    told = summary(region.report)["doubts"]
    assert (told["looked_at"], told["judged"]) == (100, 100)
    assert "100 of 210 known tiles, drawn evenly (seed 0)" in told["about"]
    drawn = draw_evenly(np.arange(10_007), 500, 1)
    assert len(set(drawn.tolist())) == 500
    assert (np.diff(drawn) > 0).all()
    assert np.diff(drawn).max() < 2 * 10_007 / 500 + 1


def test_pixels_are_those_of_the_tiles(region: Region):
    index = read_index(region.tiles)
    rows = np.array([3, 200, 17, 18, 224, 16])
    with rasterio.open(region.image) as dataset:
        image = dataset.read()
    seen = {}
    for part in read_tiles(index, rows, region.folder):
        for row, values, valid in zip(part.row.tolist(), part.values, part.valid, strict=True):
            top, left = (index.column(name)[row] for name in ("row_off", "col_off"))
            np.testing.assert_array_equal(values, image[:, top : top + TILE, left : left + TILE])
            assert valid.all()
            seen[row] = part.bands
    assert seen == dict.fromkeys(rows.tolist(), ("red", "green", "blue", "nir"))


def test_too_few_tiles_is_a_line_not_a_failure(tmp_path: Path, region: Region):
    few = tmp_path / "few.parquet"
    tile([region.image], output=few, size=80)
    label(few, raster=region.paths, legend=region.legend, report=region.report)
    told = summary(region.report)["doubts"]
    assert told["skipped"] == "too few tiles are known to doubt any: 9 of 40"
    assert told["skipped"] in (region.report / "report.html").read_text(encoding="utf-8")
    assert not (region.report / "doubts.csv").exists()


def test_one_class_only_is_a_line_not_a_failure(region: Region):
    with rasterio.open(region.paths[0], "r+") as dataset:
        dataset.write(np.full((1, SIDE, SIDE), 1, "uint8"))
    label(region.tiles, raster=region.paths[:1], legend=region.legend, report=region.report)
    assert "the labels say the same" in summary(region.report)["doubts"]["skipped"]


def write_chips(folder: Path, count: int, places: bool) -> tuple[Path, Path]:
    rng = np.random.default_rng(4)
    lines = ["image,tags" + (",lon,lat" if places else "")]
    for number in range(count):
        mine = number % 3 == 0
        color = (210, 180, 140) if mine else (30, 90, 40)
        pixels = np.clip(np.array(color) + rng.normal(0, 15, (20, 20, 3)), 0, 255).astype("uint8")
        (folder / "chips").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / "chips" / f"{number}.png")
        says = mine != (number in (30, 61))
        place = f",{-60 + number % 12 * 0.1},{-3 - number // 12 * 0.1}" if places else ""
        lines.append(f"{number},{'mine' if says else 'forest'}{place}")
    (folder / "tags.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "chips", folder / "tags.csv"


@pytest.mark.parametrize("places", [True, False])
def test_chips(tmp_path: Path, places: bool):
    chips, tags = write_chips(tmp_path, 120, places)
    tile(images=chips, output=tmp_path / "t.parquet")
    label(tmp_path / "t.parquet", tags=tags, report=tmp_path / "report")
    report = tmp_path / "report"
    rows = read_csv(report / "doubts.csv")
    assert {row["source"] for row in rows[:2]} == {"chips/30.png", "chips/61.png"}
    assert {(row["given"], row["model"]) for row in rows[:2]} == {("forest", "mine"), ("mine", "forest")}
    assert (report / "doubts.gpkg").exists() == places
    if places:
        frame = read_layer(report, "doubts")
        assert set(frame.geom_type) == {"Point"}
        assert frame.crs == "EPSG:4326"
    balance = {row["class"]: row for row in read_csv(report / "balance.csv")}
    assert balance["mine"]["tiles"] == "40"
    assert balance["mine"]["ha"] == ""
    about = summary(report)["doubts"]["about"]
    assert ("have no place" in about) != places
