"""The words of rules: read, refused with a remedy, written and read again."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.errors import SchemeError
from geolabel.labels.rules import Condition, OsmRule, Rules

words = st.from_regex(r"[A-Za-z][A-Za-z0-9_:.\-]{0,8}", fullmatch=True)
values = st.lists(st.from_regex(r"[^\s=|*!]{1,8}", fullmatch=True), min_size=1, max_size=3).map("|".join)
wanted = st.builds("{}={}".format, words, values | st.just("*"))
others = st.builds("{}{}{}".format, words, st.sampled_from(["=", "!="]), values | st.just("*"))
osm_rules = st.builds(
    OsmRule,
    st.builds(lambda first, rest: " ".join([first, *rest]), wanted, st.lists(others, max_size=3)),
    st.none() | st.floats(0.1, 1e4),
)
texts = st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple)
rules = st.builds(
    Rules,
    st.lists(osm_rules, max_size=3).map(tuple),
    st.lists(st.integers(1, 999), max_size=3).map(tuple),
    st.lists(st.integers(-5, 300), max_size=3).map(tuple),
    texts,
    texts,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("landuse=quarry", Condition("landuse", ("quarry",), negated=False)),
        ("natural=wood|scrub", Condition("natural", ("wood", "scrub"), negated=False)),
        ("landuse=*", Condition("landuse", (), negated=False)),
        ("landuse=*|quarry", Condition("landuse", (), negated=False)),
        ("water!=river", Condition("water", ("river",), negated=True)),
        ("water!=river|canal", Condition("water", ("river", "canal"), negated=True)),
        ("water!=*", Condition("water", (), negated=True)),
        ("plant:source=solar", Condition("plant:source", ("solar",), negated=False)),
        ("addr.x-y=1.5", Condition("addr.x-y", ("1.5",), negated=False)),
        ("name=Böschung", Condition("name", ("Böschung",), negated=False)),
    ],
)
def test_conditions(text: str, wanted: Condition) -> None:
    assert Condition.parse(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "landuse", "=quarry", "landuse=", "landuse=a=b", "a||b", "landuse=a|", "9=a", "!a=b"]
)
def test_what_is_no_condition_is_named(text: str) -> None:
    with pytest.raises(SchemeError, match=re.escape(repr(text)) + ".*write key=value, key=a|b"):
        Condition.parse(text)


def test_all_conditions_of_a_rule_are_kept_in_order() -> None:
    rule = OsmRule.parse("  landuse=industrial   industrial!=mine ")
    assert [found.key for found in rule.conditions] == ["landuse", "industrial"]
    assert rule.width_m is None
    assert OsmRule.parse({"tags": "waterway=river", "width_m": 30}) == OsmRule("waterway=river", 30.0)
    assert OsmRule.parse({"tags": "waterway=river"}) == OsmRule("waterway=river")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "needs a tag that must be there"),
        ("water!=river", "needs a tag that must be there, such as landuse=quarry"),
        ("landuse quarry", "'landuse' is no condition"),
        ({"tags": "waterway=river", "width_m": 0}, "width_m must be more than 0, got 0"),
        ({"tags": "waterway=river", "width_m": -3.5}, "width_m must be more than 0, got -3.5"),
        ({"tags": "waterway=river", "width_m": float("nan")}, "width_m must be more than 0, got nan"),
        ({"tags": "waterway=river", "width_m": "30"}, "is no OSM rule; write"),
        ({"tags": "waterway=river", "width_m": True}, "is no OSM rule; write"),
        ({"tags": "waterway=river", "width": 30}, "is no OSM rule; write"),
        ({"width_m": 30}, "is no OSM rule; write"),
        ({"tags": ["waterway=river"]}, "is no OSM rule; write"),
        (7, "7 is no OSM rule; write"),
    ],
)
def test_what_is_no_osm_rule_is_named(value: object, says: str) -> None:
    with pytest.raises(SchemeError, match=re.escape(says)):
        OsmRule.parse(value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"osm": "landuse=quarry"}, "osm must be a list, in [ ], got 'landuse=quarry'"),
        ({"clc": 131}, "clc must be a list, in [ ], got 131"),
        ({"clc": ["131"]}, "clc must hold whole numbers, got '131'"),
        ({"clc": [True]}, "clc must hold whole numbers, got True"),
        ({"raster": [3.0]}, "raster must hold whole numbers, got 3.0"),
        ({"clc": [0]}, "0 is no CORINE code; write 131, or 13 or 1 for all below it"),
        ({"clc": [131, 1310]}, "1310 is no CORINE code"),
        ({"tags": [5]}, "tags must hold names in quotes, got 5"),
        ({"vector": [None]}, "vector must hold names in quotes, got None"),
    ],
)
def test_what_are_no_rules_is_named(value: dict[str, object], says: str) -> None:
    with pytest.raises(SchemeError, match=re.escape(says)):
        Rules.parse(value)


@given(rules)
def test_rules_survive_json(found: Rules) -> None:
    written = json.loads(json.dumps(found.to_json()))
    assert all(written.values())
    assert Rules.parse(written) == found
