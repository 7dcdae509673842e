"""Schemes: the classes of a map, with titles, colours, groups, and the rules by which sources give them."""

from __future__ import annotations

import colorsys
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geolabel import checked, files
from geolabel.checked import MAX_CLASSES, MAX_NAME, is_one_line
from geolabel.errors import DamagedError, SchemeError
from geolabel.labels.rules import NO_RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COLOR = re.compile(r"#[0-9a-f]{6}")
_GOLDEN_ANGLE = 0.381966
_FAMILIAR = {
    "forest": "#1b7837",
    "water": "#2b7bba",
    "sand": "#f2e3a6",
    "farmland": "#b9cf5a",
    "agriculture": "#b9cf5a",
    "pasture": "#d9cf73",
    "cleared": "#a8673f",
    "clearing": "#a8673f",
    "residential": "#d9489b",
    "road": "#5b5b5b",
    "mine": "#f28c1e",
    "mining": "#f28c1e",
    "quarry": "#f28c1e",
}
"""What a reader of maps expects; a scheme or legend may say otherwise."""
RESERVED = ("known", "none")
"""Names that tables of labels have for themselves: how much is known, and what is known to be no class."""
_MAX_TITLE, _FAR = 1000, 10**9


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a scheme."""

    name: str
    """What label columns, bands and detections are called by."""
    title: str = ""
    """What a legend shows; the name where empty."""
    color: str = ""
    """"#rrggbb"; drawn from a palette where empty."""
    group: str = ""
    """Classes of one named group exclude each other, and are learnt together; empty: learnt independently."""
    parent: str = ""
    """Class of a coarser level, in the scheme that `parents` of this scheme names."""
    priority: int = 0
    """Where rules or polygons overlap, the higher one is on top."""
    presence: float | None = None
    """Share of a tile from which the class counts as present; None: what the command says."""
    rules: Rules = NO_RULES
    """What sources must say for a place to be of this class."""

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name != self.name.strip():
            raise SchemeError(f"a class needs a name without blanks around it, got {self.name!r}")
        if not is_one_line(self.name) or len(self.name) > MAX_NAME:
            raise SchemeError(f"class {self.name[:40]!r} …: a name is of up to {MAX_NAME} characters, in one line")
        if self.name in RESERVED:
            raise SchemeError(f"a class cannot be called {self.name!r}, which is reserved; name it otherwise")
        if self.color and not _COLOR.fullmatch(self.color):
            raise SchemeError(f"class {self.name!r}: colour {self.color!r} is not of the form #rrggbb")
        if not is_one_line(self.title) or len(self.title) > _MAX_TITLE:
            raise SchemeError(f"class {self.name!r}: a title is of up to {_MAX_TITLE:,} characters, in one line")
        if not -_FAR <= self.priority <= _FAR:
            raise SchemeError(f"class {self.name!r}: priority must lie from {-_FAR:,} to {_FAR:,}")
        if self.presence is not None and not 0 < self.presence <= 1:
            raise SchemeError(f"class {self.name!r}: presence must lie above 0 and up to 1, got {self.presence:g}")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The classes of a map, in order."""

    name: str
    classes: tuple[LabelClass, ...]
    version: int = 1
    title: str = ""
    parents: str = ""
    """The scheme of the coarser level, whose classes are this one's parents."""
    background: Rules = NO_RULES
    """What sources say of a place that is known, but of none of the classes: absent there, not unknown."""
    attribution: str = ""
    """Whose maps the `raster` rules read, in the words that are owed to them."""

    def __post_init__(self) -> None:
        names = [found.name for found in self.classes]
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise SchemeError(f"scheme {self.name!r}: two classes are named {', '.join(twice)}; rename one")
        if not 1 <= len(names) <= MAX_CLASSES:
            raise SchemeError(f"scheme {self.name!r}: {len(names)} classes; 1 to {MAX_CLASSES} fit")
        for group, members in self.groups().items():
            for what in ("clc", "raster", "vector"):
                codes = [code for at in members for code in getattr(self.classes[at].rules, what)]
                double = sorted(str(code) for code, count in Counter(codes).items() if count > 1)
                if double:
                    where = f" of the group {group!r}" if group else ""
                    raise SchemeError(
                        f"scheme {self.name!r}: {what} {double[0]} is given to two classes{where}; keep one"
                    )

    @property
    def names(self) -> tuple[str, ...]:
        """Class names, in order."""
        return tuple(found.name for found in self.classes)

    def groups(self) -> dict[str, list[int]]:
        """Positions of the classes of each group; those of one group compete for a place, groups do not."""
        found: dict[str, list[int]] = {}
        for position, entry in enumerate(self.classes):
            found.setdefault(entry.group, []).append(position)
        return found

    def subset(self, names: Iterable[str]) -> Scheme:
        """The classes named, in the order named; unknown ones are made, with a colour of the palette."""
        known = {found.name: found for found in self.classes}
        return complete(replace(self, classes=tuple(known.get(name, LabelClass(name)) for name in names)))

    def to_json(self) -> dict[str, Any]:
        """Plain values, for metadata."""
        classes = [
            {
                **files.to_json({key: getattr(found, key) for key in CLASS_KEYS}),
                **({"rules": found.rules.to_json()} if found.rules != NO_RULES else {}),
            }
            for found in self.classes
        ]
        return {
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "parents": self.parents,
            **({"attribution": self.attribution} if self.attribution else {}),
            **({"background": self.background.to_json()} if self.background != NO_RULES else {}),
            "classes": classes,
        }

    @classmethod
    def from_json(cls, value: Any) -> Scheme:
        """The inverse of `to_json`. Raises SchemeError where `value` is no scheme."""
        try:
            checked.check(value)
            told = checked.Told(value)
            background, title, parents, attribution, version = (
                told.get(key) for key in ("background", "title", "parents", "attribution", "version")
            )
            return cls(
                told["name"].text(),
                tuple(_class(entry) for entry in told["classes"].items()),
                version=1 if version is None else version.whole(least=0, most=_FAR),
                title="" if title is None else title.text(),
                parents="" if parents is None else parents.text(),
                background=NO_RULES if background is None else Rules.parse(background.table()),
                attribution="" if attribution is None else attribution.text(),
            )
        except DamagedError as error:
            raise SchemeError(f"the description of the classes is damaged ({error})") from error


def _class(told: checked.Told) -> LabelClass:
    """Raises DamagedError, SchemeError."""
    told.only((*CLASS_KEYS, "rules"))
    priority, presence, rules = (told.get(key) for key in ("priority", "presence", "rules"))
    title, color, group, parent = (
        "" if (text := told.get(key)) is None else text.text() for key in ("title", "color", "group", "parent")
    )
    return LabelClass(
        name=told["name"].text(),
        title=title,
        color=color,
        group=group,
        parent=parent,
        priority=0 if priority is None else priority.whole(),
        presence=None if presence is None else presence.number(),
        rules=NO_RULES if rules is None else Rules.parse(rules.table()),
    )


CLASS_KEYS = ("name", "title", "color", "group", "parent", "priority", "presence")


def complete(scheme: Scheme) -> Scheme:
    """The scheme with a title and a colour for every class."""
    return replace(
        scheme,
        classes=tuple(
            replace(
                found,
                title=found.title or found.name.replace("_", " ").capitalize(),
                color=found.color or _FAMILIAR.get(found.name.lower()) or _palette(position),
            )
            for position, found in enumerate(scheme.classes)
        ),
    )


def merge(first: Scheme, second: Scheme) -> Scheme:
    """The classes of both, those of `first` before; a name in both is one class, as `first` describes it."""
    names = set(first.names)
    return complete(
        replace(first, classes=first.classes + tuple(found for found in second.classes if found.name not in names))
    )


def legend_scheme(name: str, legend: Mapping[int, LabelClass]) -> Scheme:
    """The scheme of a class raster: one class a code; codes of one name are one class."""
    by_name: dict[str, LabelClass] = {}
    codes: dict[str, list[int]] = {}
    for code, found in legend.items():
        by_name.setdefault(found.name, found)
        codes.setdefault(found.name, []).append(code)
    classes = tuple(replace(found, rules=Rules(raster=tuple(codes[key]))) for key, found in by_name.items())
    return complete(Scheme(name, classes))


def _palette(position: int) -> str:
    """Colours far apart from their neighbours: hues by the golden angle."""
    hue = (0.33 + position * _GOLDEN_ANGLE) % 1.0
    rgb = colorsys.hls_to_rgb(hue, (0.45, 0.6, 0.35)[position % 3], 0.6)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)
