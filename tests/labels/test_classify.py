"""What a feature is by its attributes: tables to be read by hand, and the rules row by row in plain Python."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.labels.classify import ByTags, ByValue, Classified
from geolabel.labels.rules import OsmRule, Rules
from geolabel.labels.scheme import LabelClass, Scheme


def osm(name: str, *rules: object, group: str = "", priority: int = 0) -> LabelClass:
    parsed = tuple(OsmRule.parse(rule) for rule in rules)
    return LabelClass(name, group=group, priority=priority, rules=Rules(osm=parsed))


def table(rows: list[dict[str, str | None]], *keys: str) -> pa.Table:
    """A column a key."""
    return pa.table({key: pa.array([row.get(key) for row in rows], pa.string()) for key in keys})


def tagged(scheme: Scheme, rows: list[dict[str, str | None]], *, thin: bool = False) -> Classified:
    keys = ByTags.of(scheme).keys()
    return ByTags.of(scheme).classify(table(rows, *keys), np.full(len(rows), thin))


def test_a_table_of_tags_to_be_read_by_hand() -> None:
    scheme = Scheme(
        "s",
        (
            osm("mine", "landuse=quarry|mine natural!=water", "resource=*"),
            osm("water", "natural=water water!=river|pond"),
        ),
        background=Rules(osm=(OsmRule("landuse=* landuse!=military"),)),
    )
    expected = [
        ({"landuse": "quarry"}, 1),
        ({"landuse": "mine", "natural": "rock"}, 1),
        ({"landuse": "quarry", "natural": "water"}, 2),
        ({"resource": "gold"}, 1),
        ({"resource": "gold", "natural": "water"}, 1),
        ({"natural": "water", "water": "lake"}, 2),
        ({"natural": "water", "water": "pond"}, 0),
        ({"landuse": "forest"}, 3),
        ({"landuse": "military"}, 0),
        ({"landuse": "Quarry"}, 3),
        ({"landuse": ""}, 0),
        ({}, 0),
    ]
    found = tagged(scheme, [row for row, _ in expected])
    assert found.number.tolist() == [[number for _, number in expected]]
    assert found.unknown == {}


def test_the_higher_priority_has_it_then_the_first_then_the_background() -> None:
    classes = (osm("a", "k=x", priority=-1), osm("b", "k=x"), osm("c", "k=x", "j=y"), osm("d", "j=y", priority=1))
    background = Rules(osm=(OsmRule("k=*"),))
    rows = [{"k": "x"}, {"k": "x", "j": "y"}, {"j": "y"}, {"k": "z"}]
    assert tagged(Scheme("s", classes, background=background), rows).number.tolist() == [[2, 4, 4, 5]]
    assert tagged(Scheme("s", classes[:1], background=background), rows).number.tolist() == [[1, 1, 0, 2]]


def test_groups_do_not_compete_and_one_that_osm_cannot_tell_stays_silent() -> None:
    scheme = Scheme(
        "s",
        (
            osm("mine", "landuse=quarry"),
            osm("forest", "landuse=forest|quarry", group="cover"),
            LabelClass("cloudy", group="weather", rules=Rules(clc=(1,))),
        ),
        background=Rules(osm=(OsmRule("landuse=*"),)),
    )
    rows = [{"landuse": "quarry"}, {"landuse": "forest"}, {"landuse": "meadow"}, {}]
    assert tagged(scheme, rows).number.tolist() == [[1, 4, 4, 0], [2, 2, 4, 0], [0, 0, 0, 0]]


def test_lines_and_points_are_of_the_first_rule_with_a_width() -> None:
    scheme = Scheme(
        "s",
        (
            osm("wood", "natural=tree_row|wood"),
            osm("row", {"tags": "natural=tree_row", "width_m": 8}),
            osm("river", {"tags": "waterway=river", "width_m": 30}, group="water"),
            osm("wet", {"tags": "waterway=*", "width_m": 5}, "natural=*", group="wet"),
        ),
    )
    rows = [{"natural": "tree_row"}, {"natural": "wood"}, {"waterway": "river"}, {"waterway": "ditch"}]
    areas, lines = tagged(scheme, rows), tagged(scheme, rows, thin=True)
    assert areas.number.tolist() == [[1, 1, 0, 0], [0, 0, 3, 0], [4, 4, 4, 4]]
    assert lines.number.tolist() == [[2, 0, 0, 0], [0, 0, 3, 0], [0, 0, 4, 4]]
    np.testing.assert_array_equal(lines.width_m, [8, np.nan, 30, 5])
    assert ByTags.of(scheme).reach_m == 15
    assert ByTags.of(Scheme("s", (osm("a", "k=x"),))).reach_m == 0


def test_which_tags_are_looked_at_and_which_make_areas() -> None:
    rules = ByTags.of(
        Scheme(
            "s",
            (
                osm("a", "landuse=quarry|mine natural!=water", {"tags": "man_made=adit", "width_m": 9}),
                osm("b", "leisure!=track sport=* area=yes", "landuse=quarry"),
            ),
            background=Rules(osm=(OsmRule("building=*"),)),
        )
    )
    assert rules.keys() == ["landuse", "natural", "man_made", "leisure", "sport", "area", "building"]
    assert rules.areas() == ["landuse=quarry", "landuse=mine", "sport", "building"]


def hstore(row: dict[str, str | None]) -> str | None:
    """Tags as GDAL writes them into other_tags."""
    cells = {key: value for key, value in row.items() if value is not None}
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in cells.items()}
    return ",".join(f'"{key}"=>"{value}"' for key, value in quoted.items()) or None


@pytest.mark.parametrize("own", [(), ("landuse",), ("landuse", "resource")])
def test_tags_without_a_column_are_found_among_the_others(own: tuple[str, ...]) -> None:
    scheme = Scheme("s", (osm("mine", "landuse=quarry resource!=sand", "addr.x:y-z=1"), osm("any", "resource=*")))
    rows: list[dict[str, str | None]] = [
        {"landuse": "quarry"},
        {"landuse": "quarry", "resource": "sand"},
        {"name": 'no "landuse"=>"quarry" here, it says', "resource": "gold"},
        {"name": "ends with a backslash \\", "landuse": "quarry"},
        {"old_landuse": "quarry", "landuse:was": "quarry"},
        {"addr.x:y-z": "1"},
        {"addr_x:y-z": "1"},
        {"description": "a,b, c", "landuse": "quarry", "resource": "iron ore"},
        {},
    ]
    rest = [{key: value for key, value in row.items() if key not in own} for row in rows]
    attributes = table(rows, *own, "note").append_column("other_tags", pa.array(map(hstore, rest), pa.string()))
    found = ByTags.of(scheme).classify(attributes, np.zeros(len(rows), bool))
    assert found.number.tolist() == [[1, 2, 2, 1, 0, 1, 0, 1, 0]]


def test_one_column_of_values_stands_for_every_key() -> None:
    scheme = Scheme("s", (osm("mine", "landuse=quarry natural!=water"), osm("water", "natural=water", "waterway=dock")))
    attributes = pa.table({"osm_id": ["1", "2", "3", "4", "5"], "fclass": ["quarry", "water", "dock", "park", None]})
    assert ByTags.of(scheme).classify(attributes, np.zeros(5, bool)).number.tolist() == [[1, 2, 2, 0, 0]]


def test_a_key_that_the_table_does_not_have_is_a_tag_that_nobody_gave() -> None:
    scheme = Scheme("s", (osm("a", "k=x j!=y"), osm("b", "i=*")))
    found = ByTags.of(scheme).classify(table([{"k": "x"}, {"k": "y"}], "k"), np.zeros(2, bool))
    assert found.number.tolist() == [[1, 0]]


def test_numbers_in_a_column_of_tags() -> None:
    scheme = Scheme("s", (osm("high", "levels=10|11"),))
    for values in (pa.array([10, 9, None]), pa.array([10.0, 9.0, None]), pa.array([10, 9, None], pa.uint8())):
        found = ByTags.of(scheme).classify(pa.table({"levels": values}), np.zeros(3, bool))
        assert found.number.tolist() == [[1, 0, 0]]


KEYS, VALUES = ("a", "b:c", "d.e"), ("x", "y", "z")
CONDITIONS = st.builds(
    lambda key, sign, values: f"{key}{sign}{'|'.join(values)}",
    st.sampled_from(KEYS),
    st.sampled_from(("=", "=", "!=")),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True) | st.just(["*"]),
)
OSM_RULES = st.builds(
    lambda words, width: " ".join(words) if width is None else {"tags": " ".join(words), "width_m": width},
    st.lists(CONDITIONS, min_size=1, max_size=3).filter(lambda words: any("!=" not in word for word in words)),
    st.sampled_from((None, None, 5, 20)),
)
ROWS = st.lists(st.fixed_dictionaries({}, optional={key: st.sampled_from((*VALUES, "")) for key in KEYS}), max_size=12)


@st.composite
def schemes(draw) -> Scheme:
    classes = [
        osm(f"c{at}", *rules, group=draw(st.sampled_from(("", "g"))), priority=draw(st.integers(-1, 1)))
        for at, rules in enumerate(draw(st.lists(st.lists(OSM_RULES, max_size=3), min_size=1, max_size=4)))
    ]
    background = tuple(OsmRule.parse(rule) for rule in draw(st.lists(OSM_RULES, max_size=2)))
    return Scheme("s", tuple(classes), background=Rules(osm=background))


def holds(rule: OsmRule, row: dict[str, str], *, thin: bool) -> bool:
    """The rule by the letter of docs/formats.md."""
    if thin and rule.width_m is None:
        return False
    for word in rule.tags.split():
        key, _, wanted = word.partition("!=" if "!=" in word else "=")
        value = row.get(key) or None
        found = value is not None if "*" in wanted else value in wanted.split("|")
        if found == ("!=" in word):
            return False
    return True


def by_hand(scheme: Scheme, row: dict[str, str], *, thin: bool) -> tuple[list[int], float]:
    """Class number by group, and the width."""
    numbers, widths = [], [math.nan]
    for members in scheme.groups().values():
        speaking = [at for at in members if scheme.classes[at].rules.osm]
        ranked = sorted(speaking, key=lambda at: (-scheme.classes[at].priority, at))
        candidates = [(rule, at + 1) for at in ranked for rule in scheme.classes[at].rules.osm]
        if speaking:
            candidates += [(rule, len(scheme.classes) + 1) for rule in scheme.background.osm]
        rule, number = next((pair for pair in candidates if holds(pair[0], row, thin=thin)), (None, 0))
        numbers.append(number)
        if rule and rule.width_m is not None:
            widths.append(rule.width_m)
    return numbers, np.nanmax(widths) if len(widths) > 1 else math.nan


@given(schemes(), ROWS, st.sampled_from(("columns", "others", "some of each")), st.randoms())
def test_tags_row_by_row(scheme: Scheme, rows: list[dict[str, str]], form: str, random) -> None:
    rules = ByTags.of(scheme)
    own = {"columns": KEYS, "others": (), "some of each": KEYS[:1]}[form]
    attributes = table(rows, *own) if own else pa.table({"osm_id": [str(at) for at in range(len(rows))]})
    if form != "columns":
        rest = [hstore({key: value for key, value in row.items() if key not in own}) for row in rows]
        attributes = attributes.append_column("other_tags", pa.array(rest, pa.string()))
    thin = np.array([random.random() < 0.5 for _ in rows], dtype=bool)
    found = rules.classify(attributes, thin)
    expected = [by_hand(scheme, row, thin=bool(line)) for row, line in zip(rows, thin, strict=True)]
    assert found.number.T.tolist() == [numbers for numbers, _ in expected]
    np.testing.assert_array_equal(found.width_m, np.array([width for _, width in expected]))
    assert found.number.dtype == np.uint8


def vector(name: str, *values: str, group: str = "") -> LabelClass:
    return LabelClass(name, group=group, rules=Rules(vector=values))


def test_a_table_of_values_to_be_read_by_hand() -> None:
    scheme = Scheme(
        "s", (vector("mine", "garimpo", "Mine (gold)"), vector("water")), background=Rules(vector=("city",))
    )
    values = ["garimpo", "water", " mine ", "Mine (gold)", "city", "sand", None, "", "sand"]
    found = ByValue.of("use", scheme).classify(pa.table({"use": values}), np.zeros(9, bool))
    assert found.number.tolist() == [[1, 2, 1, 1, 3, 0, 0, 0, 0]]
    assert {value: np.flatnonzero(mask).tolist() for value, mask in found.unknown.items()} == {"use=sand": [5, 8]}
    assert np.isnan(found.width_m).all()


def test_any_other_value_is_a_class_or_background() -> None:
    rows = pa.table({"use": ["mine", "sand", None]})
    background = Scheme("s", (vector("mine"),), background=Rules(vector=("*",)))
    rest = Scheme("s", (vector("mine"), vector("rest", "*")))
    for scheme in (background, rest):
        found = ByValue.of("use", scheme).classify(rows, np.zeros(3, bool))
        assert found.number.tolist() == [[1, 2, 0]]
        assert not found.unknown


def test_a_rule_goes_before_a_name() -> None:
    """A value that is one class's name and another's rule is of the class with the rule."""
    scheme = Scheme("s", (vector("forest"), vector("young", "forest")))
    found = ByValue.of("use", scheme).classify(pa.table({"use": ["forest", "young"]}), np.zeros(2, bool))
    assert found.number.tolist() == [[2, 2]]


def test_codes_as_numbers_are_read_as_they_are_written() -> None:
    scheme = Scheme("s", (vector("wood", "311"), vector("half", "0.5")))
    for values in (pa.array([311, None, 12]), pa.array([311.0, np.nan, 12.0]), pa.array([311, None, 12], pa.int16())):
        found = ByValue.of("code", scheme).classify(pa.table({"code": values}), np.zeros(3, bool))
        assert found.number.tolist() == [[1, 0, 0]]
        assert list(found.unknown) == ["code=12"]
    found = ByValue.of("code", scheme).classify(pa.table({"code": [0.5, 3.25]}), np.zeros(2, bool))
    assert (found.number.tolist(), list(found.unknown)) == ([[2, 0]], ["code=3.25"])


def test_a_code_that_a_scheme_leaves_out_on_purpose_is_not_unknown() -> None:
    rules = ByValue("code", {"311": (1,), "131": (0,)}, (0,))
    found = rules.classify(pa.table({"code": ["311", "131", "999"]}), np.zeros(3, bool))
    assert found.number.tolist() == [[1, 0, 0]]
    assert list(found.unknown) == ["code=999"]


WORDS = ("a", "b", "c", "d", "e")


@given(
    st.lists(st.tuples(st.sampled_from(("", "g")), st.lists(st.sampled_from((*WORDS, "*")), unique=True)), max_size=3),
    st.lists(st.sampled_from((*WORDS, "*")), unique=True, max_size=2),
    st.lists(st.sampled_from((*WORDS, "z", "", None))),
)
def test_values_row_by_row(described, background: list[str], values: list[str | None]) -> None:
    classes = (LabelClass("a"), *(vector(f"c{at}", *words, group=group) for at, (group, words) in enumerate(described)))
    taken: set[tuple[str, str]] = set()
    kept = []
    for entry in classes:  # in a group a value may stand in one class only
        words = tuple(word for word in entry.rules.vector if (entry.group, word) not in taken)
        taken |= {(entry.group, word) for word in words}
        kept.append(replace(entry, rules=Rules(vector=words)))
    scheme = Scheme("s", tuple(kept), background=Rules(vector=tuple(background)))
    found = ByValue.of("v", scheme).classify(
        pa.table({"v": pa.array(values, pa.string())}), np.zeros(len(values), bool)
    )
    known = len(kept) + 1
    for row, value in enumerate(values):
        for group, members in enumerate(scheme.groups().values()):
            fits = [at + 1 for at in members if value in kept[at].rules.vector and value]
            fits += [at + 1 for at in members if kept[at].name == value]
            rest = [at + 1 for at in members if "*" in kept[at].rules.vector]
            if not value:
                expected = 0
            elif fits or (rest and value not in background):
                expected = (fits + rest)[0]
            else:
                expected = known * (value in background or "*" in background)  # another group's word says nothing here
            assert found.number[group, row] == expected
    assert set(found.unknown) == {f"v={v}" for row, v in enumerate(values) if v and not found.number[:, row].any()}
