"""Tables people have, as they have them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import InputError, TableError
from geolabel.labels.table import folder_tags, match_images, read_legend, read_tags


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding=encoding)
    return path


tags = st.sampled_from(["clear", "primary", "agriculture", "mine"])


@given(st.lists(st.sets(tags), min_size=1, max_size=12).filter(any), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_kaggle_s_form_comes_back(tmp_path_factory, rows, delimiter: str, bom: bool) -> None:
    path = tmp_path_factory.mktemp("tags") / "t.csv"
    with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["image_name", "tags"])
        writer.writerows([f"train_{number}", " ".join(sorted(row))] for number, row in enumerate(rows))
    table = read_tags(path)
    assert table.images == tuple(f"train_{number}" for number in range(len(rows)))
    assert table.classes == tuple(sorted(set().union(*rows)))
    for row, labels in zip(rows, table.labels, strict=True):
        if row:
            assert {name for name, value in zip(table.classes, labels, strict=True) if value == 1} == row
            assert set(labels.tolist()) <= {0.0, 1.0}
        else:
            assert np.isnan(labels).all(), "an image without tags is unknown, not empty"


def test_tags_by_hand(tmp_path: Path) -> None:
    table = read_tags(write(tmp_path, 'image_name,tags,set\na,haze primary,x\nb,"clear, primary",y\nc,NaN,z\n'))
    assert table.classes == ("clear", "haze", "primary")
    np.testing.assert_array_equal(table.labels, np.array([[0, 1, 1], [1, 0, 1], [np.nan] * 3], dtype=np.float32))
    assert table.attributes["set"].tolist() == ["x", "y", "z"]
    assert table.lon_lat is None


def test_one_column_a_class(tmp_path: Path) -> None:
    table = read_tags(
        write(tmp_path, "Chip;Mine;Forest;date;lon;lat\na;1;0.25;2020;-60.5;-3\nb;;0;2021;;\nc;0;n/a;2022;7;8\n")
    )
    assert table.classes == ("Mine", "Forest")
    np.testing.assert_array_equal(table.labels, np.array([[1, 0.25], [np.nan, 0], [0, np.nan]], dtype=np.float32))
    assert list(table.attributes) == ["date"]
    np.testing.assert_array_equal(table.lon_lat, [[-60.5, -3], [np.nan, np.nan], [7, 8]])


def test_the_first_column_names_the_image_where_none_is_called_so(tmp_path: Path) -> None:
    assert read_tags(write(tmp_path, "tile,mine\na,1\nb,0\n")).images == ("a", "b")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,tags\na,x\nb,y\na,z\n", r"1 images stand in several rows \(a\); keep one row each"),
        ("image,date\na,2020\n", r"no tags: a column 'tags', or one column of 0 and 1 a class, was expected"),
        ("image,mine\na,\nb,\n", "no tags"),
        ("image,tags\n", "a header and at least one row"),
        ("image\na\n", "a header and at least one row with two columns"),
        ("\n\n", "a header and at least one row"),
        ("image,mine,mine\na,1,0\n", "two columns have the same name; rename one"),
        ("image,tags\na,forest,water\n", r"line 2: more cells than the header's 2; .*quotes"),
        ("image;mine;lon;lat\na;1;7,5;47,1\n", r"lon must be numbers of degrees with a decimal point .*7,5"),
    ],
)
def test_a_table_that_does_not_say_what_it_should(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TableError, match=rf"t\.csv.*{says}"):
        read_tags(write(tmp_path, text))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"t\.csv: is not UTF-8 text; save it as CSV UTF-8"):
        read_tags(write(tmp_path, "image,tags\na,é\n", encoding="latin-1"))
    with pytest.raises(InputError, match=r"none\.csv: no such file; a table \(CSV\) was expected"):
        read_tags(tmp_path / "none.csv")
    with pytest.raises(TableError, match=r"t\.csv, line 1: .*is a quote opened and never closed\?"):
        read_tags(write(tmp_path, 'image,tags\na,"' + "x " * 100_000))


def test_a_trailing_delimiter_is_no_column(tmp_path: Path) -> None:
    table = read_tags(write(tmp_path, "image,tags,\na,x,\nb,y,\n"))
    assert (table.images, table.classes) == (("a", "b"), ("x", "y"))


def test_rows_that_end_early_are_unknown(tmp_path: Path) -> None:
    table = read_tags(write(tmp_path, "image,mine,forest\na,1\nb,0,1\n"))
    np.testing.assert_array_equal(table.labels, np.array([[1, np.nan], [0, 1]], dtype=np.float32))


def test_images_are_found_by_name_with_or_without_ending_and_folder() -> None:
    paths = ["a/one.tif", "a/two.png", "b/three.x.tif"]
    assert match_images(["one", "one.tif", "a/one", "a/two.png", "three.x", "four"], paths).tolist() == [
        0,
        0,
        0,
        1,
        2,
        -1,
    ]


def test_class_folders_are_tags() -> None:
    table = folder_tags(["mine/1.png", "forest/2.png", "mine/3.png"])
    assert table is not None
    assert table.classes == ("forest", "mine")
    np.testing.assert_array_equal(table.labels, [[0, 1], [1, 0], [0, 1]])
    assert folder_tags(["1.png", "mine/2.png"]) is None
    assert folder_tags(["mine/1.png", "mine/2.png"]) is None


LEGENDS = {
    "code,name,color\n3,forest,#1f8d49\n30,mine,\n": {3: ("forest", "#1f8d49"), 30: ("mine", "")},
    "VALUE;Class;R;G;B\n1;Wald;0;128;255\n": {1: ("Wald", "#0080ff")},
    "\ufeffClass_ID\tDescription\tColor\n3\tForest Formation\t#1F8D49\n": {3: ("Forest Formation", "#1f8d49")},
}


@pytest.mark.parametrize("text", list(LEGENDS))
def test_legends_in_the_forms_they_come_in(tmp_path: Path, text: str) -> None:
    legend = read_legend(write(tmp_path, text))
    assert {code: (found.name, found.color) for code, found in legend.items()} == LEGENDS[text]
    assert all(found.rules.raster == (code,) for code, found in legend.items())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("code,label\n1,a\n", r": no column name \(nor class, description\); it has code, label"),
        ("id,name\n1,a\n", r": no column code \(nor value, class_id, grid_code\)"),
        ("code,name\n1,a\nx,b\n", r", line 3: code and colour must be whole numbers"),
        ("code,name\n1,a\n1,b\n", r", line 3: the code 1 stands twice"),
        ("code,name\n1,\n", r", line 2: a class needs a name"),
        ("code,name,color\n1,a,red\n", r", line 2: .*colour 'red' is not of the form #rrggbb"),
        ("code,name,r,g,b\n1,a,300,0,0\n", r", line 2: .*colour"),
    ],
)
def test_legends_that_are_none(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TableError, match=rf"t\.csv{says}"):
        read_legend(write(tmp_path, text))


def rows_of(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def test_real_legends(shared_data: Path) -> None:
    folder = shared_data.parent / "legends"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder}")
    clc = read_legend(folder / "clc_legend.csv")
    assert {code: found.name for code, found in clc.items()} == {
        int(row["grid_code"]): row["name"] for row in rows_of(folder / "clc_legend.csv")
    }
    assert clc[1].color == "#e6004d"
    osm = read_legend(folder / "osmlanduse_legend.csv")
    assert {code: found.name for code, found in osm.items()} == {
        int(row["code"]): row["name"] for row in rows_of(folder / "osmlanduse_legend.csv")
    }


def test_the_real_legend_of_mapbiomas(shared_data: Path) -> None:
    path = shared_data / "mapbiomas-amapa" / "Codigos-da-legenda-colecao-8.csv"
    legend = read_legend(path)
    expected = {
        int(row["Class_ID"]): (row["Description"].strip(), row["Color"].strip().lower()) for row in rows_of(path, ";")
    }
    assert {code: (found.name, found.color) for code, found in legend.items()} == expected
    assert legend[30].name.endswith("Mining")


def test_the_real_tags_of_the_amazon_chips(shared_data: Path) -> None:
    path = shared_data / "amazon-mining" / "chips.csv"
    table = read_tags(path)
    rows = rows_of(path)
    assert len(table.images) == len(rows) == 10_315
    assert "mine" in table.classes
    assert table.labels[:, table.classes.index("mine")].sum() == 2_637
    assert table.lon_lat is not None
    assert np.isfinite(table.lon_lat).all(axis=1).sum() == 1_544
