"""Rules: what a source must say for a place to be of a class; the same words in every scheme file.

An OSM rule is a list of conditions that must all hold, with blanks between them: `natural=wetland wetland=bog|fen`.
`key=a|b` any of the values · `key=*` any value · `key!=a` another value, or none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geolabel.errors import SchemeError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "*"
_CONDITION = re.compile(r"([A-Za-z][\w:.\-]*)(!?=)([^\s=|]+(?:\|[^\s=|]+)*)")
_CLC_CODES = 999
_WIDEST_M = 100_000
_FAR = 1 << 32
"""Beyond any whole number of a raster of classes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a feature's tags, and what it must be."""

    key: str
    values: tuple[str, ...]
    """Any of them; empty: whatever value."""
    negated: bool

    @classmethod
    def parse(cls, text: str) -> Condition:
        """`natural=water|wetland`, `resource=*`, `water!=river`. Raises SchemeError."""
        match = _CONDITION.fullmatch(text)
        if not match:
            raise SchemeError(f"{text[:60]!r} is no condition on a tag; write key=value, key=a|b, key=* or key!=value")
        values = tuple(match[3].split("|"))
        return cls(match[1], () if ANY in values else values, match[2] == "!=")


@dataclass(frozen=True, slots=True)
class OsmRule:
    """Tags that an OSM feature must have."""

    tags: str
    """Conditions with blanks between them."""
    width_m: float | None = None
    """Lines become as wide, and points as wide a disc, metres; None: the rule is for areas only."""
    conditions: tuple[Condition, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        conditions = tuple(Condition.parse(word) for word in self.tags.split())
        if not any(not condition.negated for condition in conditions):
            raise SchemeError(f"the OSM rule {self.tags!r} needs a tag that must be there, such as landuse=quarry")
        if self.width_m is not None and not self.width_m > 0:
            raise SchemeError(f"the OSM rule {self.tags!r}: width_m must be more than 0, got {self.width_m:g}")
        if self.width_m is not None and self.width_m > _WIDEST_M:
            raise SchemeError(f"the OSM rule {self.tags!r}: width_m must be {_WIDEST_M:,} at the most")
        object.__setattr__(self, "conditions", conditions)

    @classmethod
    def parse(cls, value: Any) -> OsmRule:
        """From a string, or a table with `tags` and `width_m`. Raises SchemeError."""
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, dict) and isinstance(value.get("tags"), str) and set(value) <= {"tags", "width_m"}:
            width = value.get("width_m")
            if width is None:
                return cls(value["tags"])
            if isinstance(width, float):
                return cls(value["tags"], width)
            if isinstance(width, int) and not isinstance(width, bool):
                return cls(value["tags"], float(max(-_FAR, min(width, _FAR))))  # TOML's integers have no end
        raise SchemeError(
            f'{value!r:.80} is no OSM rule; write "landuse=quarry" or {{tags = "waterway=river", width_m = 30}}'
        )

    def to_json(self) -> Any:
        """As a scheme file has it."""
        return self.tags if self.width_m is None else {"tags": self.tags, "width_m": self.width_m}


@dataclass(frozen=True, slots=True)
class Rules:
    """What each kind of source must say for a place to be of a class; empty where a kind of source cannot say it."""

    osm: tuple[OsmRule, ...] = ()
    clc: tuple[int, ...] = ()
    """CORINE codes, of level 3 (131) or a coarser one that stands for all below it (13, 1)."""
    raster: tuple[int, ...] = ()
    """Values of a class raster."""
    vector: tuple[str, ...] = ()
    """Values of the attribute of a vector file; the class's own name besides. "*" is any value."""
    tags: tuple[str, ...] = ()
    """Names in a table of tags; the class's own name besides."""

    def __post_init__(self) -> None:
        far = [code for code in self.raster if not -_FAR <= code < _FAR]
        if far:
            raise SchemeError(f"{far[0]} is no value of a class raster; write those that the raster has")
        bad = [code for code in self.clc if not 1 <= code <= _CLC_CODES]
        if bad:
            raise SchemeError(f"{bad[0]} is no CORINE code; write 131, or 13 or 1 for all below it")

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Rules:
        """From the keys `osm`, `clc`, `raster`, `vector`, `tags`, each a list. Raises SchemeError."""
        for name in RULE_KEYS:
            if not isinstance(value.get(name, []), list | tuple):
                raise SchemeError(f"{name} must be a list, in [ ], got {value[name]!r}")
        for name in ("clc", "raster"):
            wrong = [code for code in value.get(name, []) if not isinstance(code, int) or isinstance(code, bool)]
            if wrong:
                raise SchemeError(f"{name} must hold whole numbers, got {wrong[0]!r}")
        for name in ("vector", "tags"):
            strange = [text for text in value.get(name, []) if not isinstance(text, str)]
            if strange:
                raise SchemeError(f"{name} must hold names in quotes, got {strange[0]!r}")
        return cls(
            tuple(OsmRule.parse(entry) for entry in value.get("osm", [])),
            *(tuple(value.get(name, [])) for name in RULE_KEYS[1:]),
        )

    def to_json(self) -> dict[str, Any]:
        """As a scheme file has it, without empty ones."""
        written = {
            "osm": [rule.to_json() for rule in self.osm],
            **{name: list(getattr(self, name)) for name in RULE_KEYS[1:]},
        }
        return {name: value for name, value in written.items() if value}


RULE_KEYS = ("osm", "clc", "raster", "vector", "tags")
"""Keys of a class in a scheme file; each is the option of `label` whose files it is about."""
NO_RULES = Rules()
