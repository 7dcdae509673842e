"""Schemes: the classes of a map, with titles, colours and groups."""

from __future__ import annotations

import colorsys
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import SchemeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

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
MAX_CLASSES = 254
"""A class raster holds one byte: 0 is "none of these", 255 nodata."""


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
    """Classes of one group exclude each other; empty: independent of all others."""
    parent: str = ""
    """Class of a coarser level."""
    code: int | None = None
    """Value in a class raster."""

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name != self.name.strip():
            raise SchemeError(f"a class needs a name without blanks around it, got {self.name!r}")
        if self.color and not _COLOR.fullmatch(self.color):
            raise SchemeError(f"class {self.name!r}: colour {self.color!r} is not of the form #rrggbb")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The classes of a map, in order."""

    name: str
    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        names = [found.name for found in self.classes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SchemeError(f"scheme {self.name!r}: two classes are named {', '.join(twice)}; rename one")
        if not 1 <= len(names) <= MAX_CLASSES:
            raise SchemeError(f"scheme {self.name!r}: {len(names)} classes; 1 to {MAX_CLASSES} fit")

    @property
    def names(self) -> tuple[str, ...]:
        """Class names, in order."""
        return tuple(found.name for found in self.classes)

    def subset(self, names: Iterable[str]) -> Scheme:
        """The classes named, in the order named; unknown ones are made, with a colour of the palette."""
        known = {found.name: found for found in self.classes}
        return complete(Scheme(self.name, tuple(known.get(name, LabelClass(name)) for name in names)))

    def to_json(self) -> dict[str, Any]:
        """Plain values, for metadata."""
        return {"name": self.name, "classes": files.to_json(list(self.classes))}

    @classmethod
    def from_json(cls, value: Any) -> Scheme:
        """The inverse of `to_json`. Raises SchemeError where `value` is no scheme."""
        try:
            return cls(str(value["name"]), tuple(LabelClass(**entry) for entry in value["classes"]))
        except (KeyError, TypeError) as error:
            raise SchemeError(f"the description of the classes is damaged ({error})") from error


def complete(scheme: Scheme) -> Scheme:
    """The scheme with a title and a colour for every class."""
    return Scheme(
        scheme.name,
        tuple(
            LabelClass(
                found.name,
                found.title or found.name.replace("_", " ").capitalize(),
                found.color or _FAMILIAR.get(found.name.lower()) or _palette(position),
                found.group,
                found.parent,
                found.code,
            )
            for position, found in enumerate(scheme.classes)
        ),
    )


def merge(first: Scheme, second: Scheme) -> Scheme:
    """The classes of both, those of `first` before; a name in both is one class, as `first` describes it."""
    names = set(first.names)
    return complete(
        Scheme(first.name, first.classes + tuple(found for found in second.classes if found.name not in names))
    )


def read_scheme(path: Path) -> Scheme:
    """Read a scheme from TOML: `name`, and a `[[class]]` table a class. Raises SchemeError."""
    files.check_readable(path, "a scheme (TOML)")
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemeError(f"{path}: is not TOML ({error})") from error
    entries = value.get("class")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise SchemeError(f"{path}: has no classes; write one [[class]] table a class, with name, title and color")
    allowed = {"name", "title", "color", "group", "parent", "code"}
    unknown = sorted({key for entry in entries for key in entry} - allowed)
    if unknown:
        raise SchemeError(f"{path}: unknown keys {', '.join(unknown)}; a class has {', '.join(sorted(allowed))}")
    nameless = [entry for entry in entries if not isinstance(entry.get("name"), str)]
    if nameless:
        raise SchemeError(f"{path}: a class needs a name, in quotes; there is {nameless[0]}")
    try:
        return complete(Scheme.from_json({"name": value.get("name", path.stem), "classes": entries}))
    except SchemeError as error:
        raise SchemeError(f"{path}: {error}") from error


def legend_scheme(name: str, legend: Mapping[int, LabelClass]) -> Scheme:
    """The scheme of a class raster: one class a code; codes of one name are one class."""
    by_name: dict[str, LabelClass] = {}
    for found in legend.values():
        by_name.setdefault(found.name, found)
    return complete(Scheme(name, tuple(by_name.values())))


def _palette(position: int) -> str:
    """Colours far apart from their neighbours: hues by the golden angle."""
    hue = (0.33 + position * _GOLDEN_ANGLE) % 1.0
    rgb = colorsys.hls_to_rgb(hue, (0.45, 0.6, 0.35)[position % 3], 0.6)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)
