"""`geolabel schemes`: the class schemes that come with geolabel, and one's own looked through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.errors import GeolabelError, SchemeError
from geolabel.labels.review import warnings
from geolabel.labels.scheme_file import built_in, find_scheme, read_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from geolabel.labels.rules import Rules
    from geolabel.labels.scheme import Scheme


@dataclass(frozen=True, slots=True)
class SchemeRow:
    """A scheme in the list of schemes."""

    name: str
    title: str
    classes: int
    version: int


@dataclass(frozen=True, slots=True)
class SchemesReport:
    """The built-in schemes, by name."""

    schemes: tuple[SchemeRow, ...]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class in the description of its scheme."""

    name: str
    title: str
    color: str
    """"#rrggbb"."""
    group: str
    parent: str
    priority: int
    presence: float | None
    """Share of a tile, 0–1."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What one kind of source must say for a place to be of a class."""

    name: str
    """The class; "[background]" for what is known to be none of the classes."""
    source: str
    """osm, clc, raster, vector or tags: the option of `label` whose files the rule is about."""
    rule: str


@dataclass(frozen=True, slots=True)
class SchemeReport:
    """One scheme and its classes."""

    name: str
    title: str
    version: int
    parents: str | None
    """The scheme of the coarser level."""
    classes: tuple[ClassRow, ...]
    rules: tuple[RuleRow, ...]


@dataclass(frozen=True, slots=True)
class CheckedScheme:
    """A scheme file that is right."""

    file: Path
    name: str
    classes: int
    groups: int
    """Named groups, in which classes exclude each other."""
    rules: int
    """Of all classes and the background."""


@dataclass(frozen=True, slots=True)
class WarningRow:
    """What is allowed in a scheme, but hardly meant."""

    file: Path
    warning: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Scheme files that are right, in the order given."""

    schemes: tuple[CheckedScheme, ...]
    warnings: tuple[WarningRow, ...]


def list_schemes() -> SchemesReport:
    """The built-in schemes."""
    found = (find_scheme(name) for name in built_in())
    return SchemesReport(
        tuple(SchemeRow(scheme.name, scheme.title, len(scheme.classes), scheme.version) for scheme in found)
    )


def show_scheme(name: str) -> SchemeReport:
    """A built-in scheme by its name, or one's own by its file. Raises SchemeError, InputError."""
    scheme = find_scheme(name)
    return SchemeReport(
        name=scheme.name,
        title=scheme.title,
        version=scheme.version,
        parents=scheme.parents or None,
        classes=tuple(
            ClassRow(
                name=found.name,
                title=found.title,
                color=found.color,
                group=found.group,
                parent=found.parent,
                priority=found.priority,
                presence=found.presence,
            )
            for found in scheme.classes
        ),
        rules=tuple(
            row
            for name, rules in (
                ("[background]", scheme.background),
                *((found.name, found.rules) for found in scheme.classes),
            )
            for row in _rule_rows(name, rules)
        ),
    )


def _rule_rows(name: str, rules: Rules) -> Iterator[RuleRow]:
    for rule in rules.osm:
        yield RuleRow(name, "osm", rule.tags if rule.width_m is None else f"{rule.tags}, {rule.width_m:g} m wide")
    for source, codes in (("clc", rules.clc), ("raster", rules.raster)):
        if codes:
            yield RuleRow(name, source, ", ".join(map(str, codes)))
    for source, texts in (("vector", rules.vector), ("tags", rules.tags)):
        for text in texts:
            yield RuleRow(name, source, text)


def check_schemes(paths: Sequence[Path]) -> CheckReport:
    """Look through scheme files. Raises SchemeError, InputError: of the first that is wrong, and how many more are."""
    read: dict[Path, Scheme] = {}
    wrong: list[GeolabelError] = []
    for path in paths:
        try:
            read[path] = read_scheme(path)
        except GeolabelError as error:
            wrong.append(error)
    if len(wrong) > 1:
        raise SchemeError(f"{wrong[0]}; and {len(wrong) - 1} more of the {len(paths)} files wrong") from wrong[0]
    if wrong:
        raise wrong[0]
    return CheckReport(
        schemes=tuple(_checked(path, scheme) for path, scheme in read.items()),
        warnings=tuple(WarningRow(path, text) for path, scheme in read.items() for text in warnings(scheme)),
    )


def _checked(path: Path, scheme: Scheme) -> CheckedScheme:
    every = (scheme.background, *(found.rules for found in scheme.classes))
    return CheckedScheme(
        file=path,
        name=scheme.name,
        classes=len(scheme.classes),
        groups=sum(bool(group) for group in scheme.groups()),
        rules=sum(len(entries) for rules in every for entries in rules.to_json().values()),
    )
