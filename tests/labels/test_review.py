"""What is allowed in a scheme, but hardly meant."""

from __future__ import annotations

import pytest

from geolabel.labels.review import warnings
from geolabel.labels.rules import OsmRule, Rules
from geolabel.labels.scheme import LabelClass, Scheme

FAR = ("#000000", "#ffffff", "#ff0000", "#00ff00")
CLC = Rules(clc=(131,))


def with_osm(*rules: str | OsmRule, group: str = "", priorities: tuple[int, ...] = (0, 0, 0)) -> Scheme:
    """Classes a, b, … with one rule each."""
    return Scheme(
        "own",
        tuple(
            LabelClass(name, color=color, group=group, priority=priority, rules=Rules(osm=(OsmRule.parse(rule),)))
            for name, color, priority, rule in zip(
                "abc", FAR, priorities, (_plain(rule) for rule in rules), strict=False
            )
        ),
    )


def _plain(rule: str | OsmRule) -> object:
    return rule if isinstance(rule, str) else rule.to_json()


def test_a_scheme_that_is_in_order_is_not_warned_of() -> None:
    assert warnings(with_osm("landuse=quarry", "landuse=forest")) == ()


def test_classes_without_rules() -> None:
    scheme = Scheme("own", (LabelClass("a", color=FAR[0]), LabelClass("b", color=FAR[1], rules=CLC)))
    assert warnings(scheme) == ("no rules: a; found by name only, in attributes (--vector) and tables (--tags)",)


def test_colours_too_much_alike() -> None:
    scheme = Scheme(
        "own", (LabelClass("a", color="#102030", rules=CLC), LabelClass("b", color="#102133", rules=Rules(clc=(2,))))
    )
    assert warnings(scheme) == ("colours hardly to be told apart: a #102030, b #102133",)


def test_codes_that_corine_does_not_have() -> None:
    found = LabelClass("a", color=FAR[0], rules=Rules(clc=(131, 145, 14, 1, 6)))
    assert warnings(Scheme("own", (found,), background=Rules(clc=(2, 31, 512)))) == (
        "clc codes that CORINE does not have: 145, 6 of a; see geolabel schemes show clc-3",
    )
    (said,) = warnings(Scheme("own", (LabelClass("a", color=FAR[0], rules=CLC),), background=Rules(clc=(99,))))
    assert said.startswith("clc codes that CORINE does not have: 99 of background;")


@pytest.mark.parametrize(
    ("parents", "parent", "says"),
    [
        ("clc-2", "forests", None),
        ("clc-2", "wood", "parents that clc-2 does not have: a in wood; it has urban_fabric, "),
        ("clc-2", "", "no parent: a; they belong to no class of clc-2"),
        ("", "forests", 'parents without their scheme: a has one; name it at the top with parents = "SCHEME"'),
        ("clc-4", "forests", "the scheme of the parents cannot be read: no scheme 'clc-4'; there are "),
    ],
)
def test_parents(parents: str, parent: str, says: str | None) -> None:
    found = warnings(Scheme("own", (LabelClass("a", color=FAR[0], parent=parent, rules=CLC),), parents=parents))
    assert len(found) == (0 if says is None else 1)
    assert says is None or found[0].startswith(says)


@pytest.mark.parametrize(
    ("first", "second", "dead"),
    [
        ("landuse=quarry", "landuse=quarry", ["landuse=quarry"]),
        ("landuse=quarry|pit", "landuse=forest|pit", ["landuse=pit"]),
        ("landuse=*", "landuse=forest|pit", ["landuse=forest", "landuse=pit"]),
        ("landuse=*", "landuse=*", ["landuse=*"]),
        ("landuse=pit", "landuse=*", []),
        ("landuse=pit", "natural=pit", []),
        ("landuse=pit", "landuse=pit resource=gold", ["landuse=pit resource=gold"]),
        ("landuse=pit resource=gold", "landuse=pit", []),
        ("landuse=pit resource!=gold", "landuse=pit resource=gold", []),
        ("landuse=pit resource!=gold", "landuse=pit resource=coal", ["landuse=pit resource=coal"]),
        ("landuse=pit resource!=gold", "landuse=pit resource=*", []),
        ("landuse=pit resource!=gold", "landuse=pit", []),
        ("landuse=pit resource!=gold", "landuse=pit resource!=gold|coal", ["landuse=pit resource!=gold|coal"]),
        ("landuse=pit resource!=gold|coal", "landuse=pit resource!=gold", []),
        ("landuse=pit resource!=*", "landuse=pit resource!=gold", []),
        ("landuse=pit resource!=gold", "landuse=pit resource!=*", ["landuse=pit resource!=*"]),
        (OsmRule("man_made=adit"), OsmRule("man_made=adit", 30), []),
        (OsmRule("man_made=adit", 30), OsmRule("man_made=adit"), ["man_made=adit"]),
        (OsmRule("man_made=adit", 30), OsmRule("man_made=adit", 60), ["man_made=adit"]),
    ],
)
def test_rules_that_never_win(first: str | OsmRule, second: str | OsmRule, dead: list[str]) -> None:
    for group in ("", "landcover"):
        wanted = [f"an OSM rule that never wins: {tags} of b, which a takes first" for tags in dead]
        assert list(warnings(with_osm(first, second, group=group))) == wanted


def test_priority_comes_before_order_and_groups_do_not_compete() -> None:
    raised = with_osm("landuse=pit", "landuse=pit", priorities=(0, 1))
    assert warnings(raised) == ("an OSM rule that never wins: landuse=pit of a, which b takes first",)
    one, other = with_osm("landuse=pit").classes[0], with_osm("natural=wood", "landuse=pit", group="cover").classes[1]
    assert warnings(Scheme("own", (one, other))) == ()
