"""From attributes to class numbers: 0 unknown, 1 … n the classes of a scheme, n + 1 known to be none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geolabel import vector
from geolabel.labels.rules import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from geolabel.labels.rules import Condition, OsmRule
    from geolabel.labels.scheme import Scheme

ONE_COLUMN = "fclass"
"""Extracts as shapefiles have one column of values instead of one a key."""
OTHER_TAGS = "other_tags"
"""GDAL's column of the tags that have no column of their own: "key"=>"value",…"""


@dataclass(frozen=True, slots=True)
class Classified:
    """What n features are."""

    number: NDArray[np.uint8]
    """(groups, n): class number within each group of the scheme."""
    width_m: NDArray[np.float64]
    """(n,): how wide a line or point is to be, metres, the widest where groups differ; NaN where it is to be none."""
    unknown: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Values that are no class, with the features that have them: (n,)."""


class Classifier(Protocol):
    """Tells what a feature is by its attributes."""

    @property
    def reach_m(self) -> float:
        """How far a line or point reaches beyond itself at the most, metres."""

    def classify(self, table: pa.Table, thin: NDArray[np.bool_]) -> Classified:
        """Classify the rows of a table; `thin` (n,): which of them are lines or points."""


@dataclass(frozen=True, slots=True)
class ByValue:
    """One attribute names the class."""

    field: str
    """The attribute."""
    number: Mapping[str, tuple[int, ...]]
    """Class number in each group, by value."""
    others: tuple[int, ...]
    """What any other value is in each group; 0 unknown."""

    @classmethod
    def of(cls, field: str, scheme: Scheme) -> ByValue:
        """By the `vector` rules of a scheme, and its classes' own names."""
        groups = scheme.groups().values()
        known = len(scheme.classes) + 1
        values = {text for found in scheme.classes for text in (found.name, *found.rules.vector)}
        background = set(scheme.background.vector)
        rest = [next((at + 1 for at in members if ANY in scheme.classes[at].rules.vector), 0) for members in groups]
        others = [one or known * (ANY in background) for one in rest]
        number = {}
        for text in (values | background) - {ANY}:
            otherwise = [known] * len(rest) if text in background else others
            named = [_class_of(text, scheme, members) for members in groups]
            number[text] = tuple(one or other for one, other in zip(named, otherwise, strict=True))
        return cls(field, number, tuple(others))

    @property
    def reach_m(self) -> float:
        """Nowhere: a value gives no width."""
        return 0.0

    def classify(self, table: pa.Table, thin: NDArray[np.bool_]) -> Classified:  # noqa: ARG002 - tags need it
        """Each different value is looked up once."""
        texts, place = vector.distinct(table[self.field])
        by_text = np.array([self.number.get(text, self.others) for text in texts], dtype=np.uint8)
        by_text = np.concatenate([by_text.reshape(-1, len(self.others)), np.zeros((1, len(self.others)), np.uint8)])
        number = np.ascontiguousarray(by_text[place].T)
        strange = [at for at, text in enumerate(texts) if text not in self.number and not by_text[at].any()]
        unknown = {f"{self.field}={texts[at]}": place == at for at in strange}
        return Classified(number, np.full(len(place), np.nan), unknown)


@dataclass(frozen=True, slots=True)
class ByTags:
    """The OSM rules of a scheme."""

    rules: tuple[tuple[tuple[OsmRule, int], ...], ...]
    """By group: rules with the number that each gives, the ones that win first."""

    @classmethod
    def of(cls, scheme: Scheme) -> ByTags:
        """Classes of a higher priority first, then as they stand; the background last."""
        background = [(rule, len(scheme.classes) + 1) for rule in scheme.background.osm]
        rules = []
        for members in scheme.groups().values():
            order = sorted(members, key=lambda at: -scheme.classes[at].priority)
            own = [(rule, at + 1) for at in order for rule in scheme.classes[at].rules.osm]
            rules.append(tuple(own + background) if own else ())
        return cls(tuple(rules))

    def _all(self) -> list[OsmRule]:
        return list(dict.fromkeys(rule for group in self.rules for rule, _ in group))

    def keys(self) -> list[str]:
        """Keys of tags that the rules look at."""
        return list(dict.fromkeys(condition.key for rule in self._all() for condition in rule.conditions))

    def areas(self) -> list[str]:
        """Tags that make an area of a closed way: `key`, or `key=value`."""
        found: dict[str, None] = {}
        for rule in self._all():
            if rule.width_m is None:
                first = next(condition for condition in rule.conditions if not condition.negated)
                found.update(dict.fromkeys([f"{first.key}={value}" for value in first.values] or [first.key]))
        return list(found)

    @property
    def reach_m(self) -> float:
        """Half the largest width; 0 where no rule gives lines or points one."""
        return max((rule.width_m or 0.0 for rule in self._all()), default=0.0) / 2

    def classify(self, table: pa.Table, thin: NDArray[np.bool_]) -> Classified:
        """The first rule that holds, of lines and points the first with a width; every condition is looked at once."""
        held: dict[Condition, NDArray[np.bool_]] = {}
        number = np.zeros((len(self.rules), table.num_rows), dtype=np.uint8)
        width = np.full(table.num_rows, np.nan)
        for group, rules in enumerate(self.rules):
            for rule, value in rules:
                found = number[group] == 0
                if rule.width_m is None:
                    found &= ~thin
                for condition in rule.conditions:
                    if condition not in held:
                        held[condition] = _holds(condition, table)
                    found &= held[condition]
                number[group, found] = value
                if rule.width_m is not None:
                    width[found] = np.fmax(width[found], rule.width_m)
        return Classified(number, width)


def _class_of(text: str, scheme: Scheme, members: Sequence[int]) -> int:
    """Number of the class that a value names; 0 where none of the group's."""
    for at in members:
        if text in scheme.classes[at].rules.vector:
            return at + 1
    return next((at + 1 for at in members if scheme.classes[at].name == text), 0)


def _holds(condition: Condition, table: pa.Table) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _tag(condition.key, table)
    if values is None:
        return np.full(table.num_rows, condition.negated)
    if condition.values:
        found = pc.is_in(values, value_set=pa.array(condition.values, pa.string()))
    else:
        found = pc.not_equal(values, "")  # null where there is no value
    mask: NDArray[np.bool_] = found.fill_null(False).to_numpy()
    return ~mask if condition.negated else mask


def _tag(key: str, table: pa.Table) -> Any:
    """Values of a tag (n,), null or empty where a feature has none; None where the table does not know the key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if key in table.column_names:
        return table[key].cast(pa.string())
    if OTHER_TAGS in table.column_names:
        pattern = f'(?:^|,)"{re.escape(key)}"=>"(?P<value>(?:[^"\\\\]|\\\\.)*)"'
        return pc.struct_field(pc.extract_regex(table[OTHER_TAGS].cast(pa.string()), pattern), "value")
    if ONE_COLUMN in table.column_names:
        return table[ONE_COLUMN].cast(pa.string())
    return None
