"""Folders of chips: Kaggle's form, one column a class, class sub-folders; the whole way over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pytest
from PIL import Image

from geolabel.errors import InputError, TableError, TileIndexError
from geolabel.steps.evaluate import evaluate
from geolabel.steps.label import label
from geolabel.steps.split import split
from geolabel.steps.tile import tile
from geolabel.steps.train import train
from geolabel.tiling import read_index

if TYPE_CHECKING:
    from collections.abc import Sequence


def write_chip(path: Path, color: Sequence[int], seed: int, side: int = 24) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 12, (side, side, 3))
    Image.fromarray(np.clip(np.array(color) + noise, 0, 255).astype("uint8")).save(path)


def test_kaggle_form_with_missing_tags_and_places(tmp_path: Path):
    for name in ("train_0", "train_1", "train_2", "train_3"):
        write_chip(tmp_path / "jpg" / f"{name}.png", (20, 80, 30), 1)
    (tmp_path / "tags.csv").write_text(
        "image_name,tags,set,lon,lat\ntrain_0,clear primary,a,-60.1,-3.2\n"
        "train_1,haze water primary,a,,\ntrain_2,,b,-60.2,-3.3\n"
    )
    report = tile(images=tmp_path / "jpg", tags=tmp_path / "tags.csv", gsd=3.7, output=tmp_path / "t.parquet")
    assert report.tiles == 4
    assert report.images_untagged == 1
    index = read_index(tmp_path / "t.parquet")
    assert index.class_names == ("clear", "haze", "primary", "water")
    assert index.shares[0].tolist() == [1, 0, 1, 0]
    assert index.shares[1].tolist() == [0, 1, 1, 1]
    assert np.isnan(index.shares[2:]).all()
    assert index.column("known").tolist() == [1, 1, 0, 0]
    assert index.column("set").tolist() == ["a", "a", "b", None]
    assert index.has_place().tolist() == [True, False, True, False]
    assert index.sources[0].gsd_m == 3.7
    assert index.sources[0].bands == ("red", "green", "blue")
    frame = geopandas.read_parquet(tmp_path / "t.parquet")
    assert frame.crs == "EPSG:4326"
    assert frame.geometry[0].x == pytest.approx(-60.1)


def test_one_column_a_class_keeps_nan(tmp_path: Path):
    for name in "abc":
        write_chip(tmp_path / "chips" / f"{name}.png", (90, 90, 90), 2)
    (tmp_path / "t.csv").write_text("image;mine;road;note\na;1;0;first\nb;0;;second\nc;;1;third\n")
    tile(images=tmp_path / "chips", tags=tmp_path / "t.csv", output=tmp_path / "t.parquet")
    index = read_index(tmp_path / "t.parquet")
    assert index.class_names == ("mine", "road")
    assert np.array_equal(index.shares, np.array([[1, 0], [0, np.nan], [np.nan, 1]], np.float32), equal_nan=True)
    assert index.column("note").tolist() == ["first", "second", "third"]


def test_tags_may_come_later(tmp_path: Path):
    for name in "ab":
        write_chip(tmp_path / "chips" / f"{name}.png", (90, 90, 90), 2)
    tile(images=tmp_path / "chips", output=tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("image,tags\na,mine\nb,forest\n")
    report = label(tmp_path / "t.parquet", tags=tmp_path / "t.csv")
    assert {one.name: one.tiles for one in report.classes} == {"forest": 1, "mine": 1}
    with pytest.raises(TileIndexError, match="--tags"):
        label(tmp_path / "t.parquet", vector=[_polygon(tmp_path)], field="c")


def _polygon(folder: Path) -> Path:
    import shapely

    path = folder / "v.gpkg"
    geopandas.GeoDataFrame({"c": ["x"]}, geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4326").to_file(path)
    return path


def test_class_folders_become_one_exclusive_group_and_train_a_softmax(tmp_path: Path):
    for name, color in {"forest": (30, 80, 30), "mine": (200, 180, 140), "water": (30, 40, 90)}.items():
        for number in range(30):
            write_chip(tmp_path / "chips" / name / f"{number}.png", color, number)
    tile(images=tmp_path / "chips", output=tmp_path / "t.parquet")
    with pytest.raises(TileIndexError, match="--by set.*--random"):
        split(tmp_path / "t.parquet")
    report = split(tmp_path / "t.parquet", random=True, val=0.2, test=0.2)
    assert "not how well new places" in report.meaning
    done = train(tmp_path / "t.parquet", output=tmp_path / "run", epochs=3, batch=16)
    assert done.scores.macro_average_precision > 0.95
    scores = evaluate(done.model, tmp_path / "t.parquet", output=tmp_path / "e").scores
    assert scores.macro_f1 > 0.9
    from geolabel.model import read_card

    card = read_card(done.model)
    assert [(head.kind, head.classes) for head in card.heads] == [("softmax", ("forest", "mine", "water"))]


def test_chips_of_other_bands_are_named(tmp_path: Path):
    write_chip(tmp_path / "chips" / "a.png", (90, 90, 90), 2)
    Image.new("L", (24, 24)).save(tmp_path / "chips" / "b.png")
    with pytest.raises(InputError, match=r"b\.png.*chips of one kind"):
        tile(images=tmp_path / "chips", output=tmp_path / "t.parquet")


def test_splitting_by_a_column_keeps_groups_whole(tmp_path: Path):
    rows = ["image,mine,set"]
    for number in range(60):
        write_chip(tmp_path / "chips" / f"{number}.png", (90, 90, 90), 2, side=8)
        rows.append(f"{number},{number % 2},s{number // 6}")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    tile(images=tmp_path / "chips", tags=tmp_path / "t.csv", output=tmp_path / "t.parquet")
    report = split(tmp_path / "t.parquet", by="set", val=0.2, test=0.2, folds=5)
    index = read_index(tmp_path / "t.parquet")
    sets, parts = index.column("set"), index.column("split")
    assert all(len(set(parts[sets == name])) == 1 for name in set(sets))
    assert report.tiles == {"train": 36, "val": 12, "test": 12, "buffer": 0}


def test_names_that_fit_two_files_are_named(tmp_path: Path):
    for folder in ("one", "two"):
        write_chip(tmp_path / "chips" / folder / "a.png", (90, 90, 90), 2)
    (tmp_path / "t.csv").write_text("image,tags\na,mine\n")
    with pytest.raises(TableError, match=r"a: fits one/a\.png and two/a\.png"):
        tile(images=tmp_path / "chips", tags=tmp_path / "t.csv", output=tmp_path / "t.parquet")


def test_a_scheme_keeps_only_its_classes_of_a_table(tmp_path: Path):
    write_chip(tmp_path / "chips" / "a.png", (90, 90, 90), 2)
    tile(images=tmp_path / "chips", output=tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("image,tags\na,mine road\n")
    (tmp_path / "s.toml").write_text('[[class]]\nname = "mine"\n')
    label(tmp_path / "t.parquet", tags=tmp_path / "t.csv", scheme=tmp_path / "s.toml")
    assert read_index(tmp_path / "t.parquet").class_names == ("mine",)


def test_palette_pictures_are_refused(tmp_path: Path):
    (tmp_path / "chips").mkdir()
    Image.new("RGB", (24, 24), (10, 200, 30)).convert("P").save(tmp_path / "chips" / "a.png")
    with pytest.raises(InputError, match=r"palette.*gdal_translate -expand rgb"):
        tile(images=tmp_path / "chips", output=tmp_path / "t.parquet")


def test_a_column_of_parts_is_taken_as_it_is_and_gaps_take_no_part(tmp_path: Path):
    rows = ["image,mine,part"]
    for number, part in enumerate(["train", "train", "val", "test", ""]):
        write_chip(tmp_path / "chips" / f"{number}.png", (90, 90, 90), 2, side=8)
        rows.append(f"{number},1,{part}")
    write_chip(tmp_path / "chips" / "5.png", (90, 90, 90), 2, side=8)
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    tile(images=tmp_path / "chips", tags=tmp_path / "t.csv", output=tmp_path / "t.parquet")
    split(tmp_path / "t.parquet", by="part")
    parts = read_index(tmp_path / "t.parquet").column("split").tolist()
    assert parts[:4] == ["train", "train", "val", "test"]
    assert parts[5] == "buffer"
    assert parts[4] == "buffer"
