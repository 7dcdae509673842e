"""What is allowed in a scheme, but hardly meant: things worth a warning."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from geolabel.errors import GeolabelError
from geolabel.labels.clc import below
from geolabel.labels.colour import rgb
from geolabel.labels.rules import NO_RULES, Condition, OsmRule
from geolabel.labels.scheme_file import find_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geolabel.labels.scheme import LabelClass, Scheme

_ALIKE = 16.0
"""Distance of two colours in the cube of 256 steps a side, below which a reader of a map takes one for the other."""


def warnings(scheme: Scheme) -> tuple[str, ...]:
    """One line each: classes without rules, lost parents, colours too much alike, rules that never hold or win."""
    return (
        *_without_rules(scheme),
        *_parents(scheme),
        *_colors(scheme),
        *_lost_codes(scheme),
        *_dead_rules(scheme),
    )


def _without_rules(scheme: Scheme) -> Iterator[str]:
    bare = [found.name for found in scheme.classes if found.rules == NO_RULES]
    if bare:
        yield f"no rules: {', '.join(bare)}; found by name only, in attributes (--vector) and tables (--tags)"


def _parents(scheme: Scheme) -> Iterator[str]:
    named = [found for found in scheme.classes if found.parent]
    if not scheme.parents:
        if named:
            yield f'parents without their scheme: {named[0].name} has one; name it at the top with parents = "SCHEME"'
        return
    try:
        coarse = find_scheme(scheme.parents)
    except GeolabelError as error:
        yield f"the scheme of the parents cannot be read: {error}"
        return
    lost = [f"{found.name} in {found.parent}" for found in named if found.parent not in coarse.names]
    if lost:
        yield f"parents that {coarse.name} does not have: {', '.join(lost)}; it has {', '.join(coarse.names)}"
    orphans = [found.name for found in scheme.classes if not found.parent]
    if orphans:
        yield f"no parent: {', '.join(orphans)}; they belong to no class of {coarse.name}"


def _colors(scheme: Scheme) -> Iterator[str]:
    for one, other in combinations(scheme.classes, 2):
        if _distance(one.color, other.color) < _ALIKE:
            yield f"colours hardly to be told apart: {one.name} {one.color}, {other.name} {other.color}"


def _distance(one: str, other: str) -> float:
    """Between two "#rrggbb": 0 the same, 442 black and white."""
    steps = [a - b for a, b in zip(rgb(one), rgb(other), strict=True)]
    return float(sum(step * step for step in steps) ** 0.5)


def _lost_codes(scheme: Scheme) -> Iterator[str]:
    for name, rules in [*((found.name, found.rules) for found in scheme.classes), ("background", scheme.background)]:
        lost = [str(code) for code in rules.clc if not below(code)]
        if lost:
            yield f"clc codes that CORINE does not have: {', '.join(lost)} of {name}; see geolabel schemes show clc-3"


def _dead_rules(scheme: Scheme) -> Iterator[str]:
    """Rules all of whose features another class of the group takes first: the one of higher priority, or before."""
    for members in scheme.groups().values():
        order = sorted((scheme.classes[at] for at in members), key=lambda found: -found.priority)
        for place, loser in enumerate(order):
            for rule in loser.rules.osm:
                for single in _singles(rule):
                    winner = _taken(single, order[:place])
                    if winner:
                        yield f"an OSM rule that never wins: {single.tags} of {loser.name}, which {winner} takes first"


def _singles(rule: OsmRule) -> Iterator[OsmRule]:
    """The rule with one value each where it names several."""
    choices = [
        [f"{found.key}={value}" for value in found.values] if found.values and not found.negated else [word]
        for found, word in zip(rule.conditions, rule.tags.split(), strict=True)
    ]
    for words in product(*choices):
        yield OsmRule(" ".join(words), rule.width_m)


def _taken(rule: OsmRule, classes: list[LabelClass]) -> str:
    """The first of the classes with a rule that holds wherever this one does; empty where there is none."""
    return next((found.name for found in classes if any(_covers(other, rule) for other in found.rules.osm)), "")


def _covers(wide: OsmRule, narrow: OsmRule) -> bool:
    """Whether `wide` holds wherever `narrow` does; a rule for areas says nothing of lines and points."""
    if wide.width_m is None and narrow.width_m is not None:
        return False
    return all(any(_follows(known, found) for known in narrow.conditions) for found in wide.conditions)


def _follows(known: Condition, found: Condition) -> bool:
    """Whether `found` holds wherever `known` does. Without values, a condition is about any value."""
    if known.key != found.key or (known.negated and not found.negated):
        return False
    ours, theirs = set(known.values), set(found.values)
    if known.negated:  # what is ruled out here holds all that is ruled out there
        return not ours or (bool(theirs) and theirs <= ours)
    if found.negated:
        return bool(ours and theirs) and not ours & theirs
    return not theirs or (bool(ours) and ours <= theirs)
