"""Classes that contradict each other are refused; colours and titles are filled in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import InputError, SchemeError
from geolabel.labels.given import raster_source
from geolabel.labels.rules import Rules
from geolabel.labels.scheme import LabelClass, Scheme, complete, legend_scheme, merge
from geolabel.labels.scheme_file import read_scheme
from tests.conftest import WriteRaster

names = st.lists(st.text("abcdefg_", min_size=1, max_size=6), min_size=1, max_size=8, unique=True)


@given(names)
def test_json_round_trip_and_completion(found: list[str]) -> None:
    scheme = complete(Scheme("s", tuple(LabelClass(name) for name in found)))
    assert Scheme.from_json(scheme.to_json()) == scheme
    assert complete(scheme) == scheme
    assert all(re.fullmatch("#[0-9a-f]{6}", one.color) and one.title for one in scheme.classes)
    assert len({one.color for one in scheme.classes}) == len(found)


@given(names, names)
def test_a_merge_holds_each_name_once_the_first_ones_before(first: list[str], second: list[str]) -> None:
    one, two = (Scheme("s", tuple(LabelClass(name) for name in group)) for group in (first, second))
    assert merge(one, two).names == (*first, *(name for name in second if name not in first))


def test_a_merge_describes_a_class_as_the_first_does() -> None:
    one = Scheme("a", (LabelClass("mine", "Mine", "#000000", rules=Rules(raster=(3,))),))
    two = Scheme("b", (LabelClass("mine", "Other", "#ffffff", rules=Rules(raster=(4,))), LabelClass("forest")))
    assert merge(one, two).classes[0] == one.classes[0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LabelClass(""), "needs a name without blanks around it, got ''"),
        (lambda: LabelClass(" mine"), "needs a name without blanks"),
        (lambda: LabelClass("mine", color="red"), "'mine': colour 'red' is not of the form #rrggbb"),
        (lambda: LabelClass("mine", color="#FF0000"), "not of the form #rrggbb"),
        (lambda: Scheme("s", ()), "'s': 0 classes; 1 to 253 fit"),
        (lambda: Scheme("s", tuple(LabelClass(str(n)) for n in range(255))), "255 classes; 1 to 253 fit"),
        (lambda: Scheme("s", (LabelClass("a"), LabelClass("b"), LabelClass("a"))), "two classes are named a; rename"),
        (lambda: Scheme.from_json({"name": "s"}), "description of the classes is damaged"),
        (lambda: Scheme.from_json({"name": "s", "classes": [{"nam": "a"}]}), "description of the classes is damaged"),
        (lambda: Scheme.from_json(None), "description of the classes is damaged"),
    ],
)
def test_what_contradicts_itself_is_refused(make, says: str) -> None:
    with pytest.raises(SchemeError, match=says):
        make()


def test_a_subset_in_the_order_named_makes_what_is_unknown() -> None:
    scheme = Scheme("s", (LabelClass("a", color="#111111"), LabelClass("b", color="#222222")))
    subset = scheme.subset(["b", "new"])
    assert subset.names == ("b", "new")
    assert subset.classes[0].color == "#222222"


def test_codes_of_one_name_are_one_class() -> None:
    legend = {3: LabelClass("forest", color="#00ff00"), 4: LabelClass("forest"), 30: LabelClass("mine")}
    scheme = legend_scheme("s", legend)
    assert scheme.names == ("forest", "mine")
    assert [found.rules.raster for found in scheme.classes] == [(3, 4), (30,)]


TOML = """name = "two"
[[class]]
name = "forest"
title = "Wald"
color = "#1f8d49"
[[class]]
name = "mine"
group = "use"
parent = "bare"
raster = [30]
"""


def test_a_scheme_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(TOML, encoding="utf-8")
    scheme = read_scheme(path)
    assert (scheme.name, scheme.names) == ("two", ("forest", "mine"))
    assert scheme.classes[0].title == "Wald"
    assert (scheme.classes[1].title, scheme.classes[1].group, scheme.classes[1].rules.raster) == ("Mine", "use", (30,))
    path.write_text(TOML.split("\n", 1)[1], encoding="utf-8")
    assert read_scheme(path).name == "s"


def test_a_scheme_says_whose_maps_its_codes_are_of(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('attribution = "© Us, 2024"\n' + TOML, encoding="utf-8")
    scheme = read_scheme(path)
    assert scheme.attribution == "© Us, 2024"
    assert Scheme.from_json(scheme.to_json()) == scheme
    assert scheme.subset(["mine"]).attribution == "© Us, 2024"
    path.write_text(TOML, encoding="utf-8")
    assert read_scheme(path).attribution == ""
    assert "attribution" not in read_scheme(path).to_json()


def test_a_raster_read_by_a_scheme_owes_its_attribution(tmp_path: Path, write_raster: WriteRaster) -> None:
    path, legend = write_raster("cover.tif", np.full((1, 4, 4), 30, np.uint8)), tmp_path / "legend.csv"
    legend.write_text("code,name\n30,mine\n")
    bare = Scheme("s", (LabelClass("mine", rules=Rules(raster=(30,))),))
    scheme = replace(bare, attribution="© Us, 2024")

    def owed(legend: Path | None, scheme: Scheme | None) -> object:
        return raster_source(path, legend, scheme).describe(tmp_path / "tiles.parquet")["attribution"]

    assert owed(None, scheme) == "© Us, 2024"
    assert owed(None, bare) is None
    assert owed(legend, scheme) is None  # the legend explains the codes: another map than the scheme's
    assert owed(legend, None) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "is not TOML"),
        ('name = "a"', r"has no classes; write one \[\[class\]\] table"),
        ('class = "forest"', r"has no classes; write one \[\[class\]\] table"),
        ('class = ["forest"]', r"has no classes; write one \[\[class\]\] table"),
        ('[[class]]\nname = "a"\ncolour = "#000000"', "unknown keys colour; a class has clc, color, group"),
        ('[[class]]\nname = "a"\n[[class]]\nname = "a"', "two classes are named a"),
        ('[[class]]\nname = "a"\ncolor = "red"', "colour 'red' is not of the form #rrggbb"),
        ("[[class]]\nname = 7", "name"),
        ('[[class]]\ntitle = "a"', "name"),
    ],
)
def test_a_scheme_that_is_none_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(SchemeError, match=rf"s\.toml: .*{says}"):
        read_scheme(path)


def test_a_scheme_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"s\.toml: no such file; a scheme \(TOML\) was expected"):
        read_scheme(tmp_path / "s.toml")
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SchemeError, match=r"s\.toml: is not TOML"):
        read_scheme(tmp_path / "s.toml")


@pytest.mark.parametrize("name", ["known", "none"])
def test_names_that_tables_of_labels_need_themselves(name: str) -> None:
    with pytest.raises(SchemeError, match=rf"a class cannot be called '{name}', which is reserved; name it otherwise"):
        LabelClass(name)
