"""Scheme files: TOML, built in or one's own (docs/formats.md)."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.checked import MAX_CLASSES
from geolabel.errors import SchemeError
from geolabel.labels.rules import RULE_KEYS
from geolabel.labels.scheme import CLASS_KEYS, Scheme, complete

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def built_in() -> tuple[str, ...]:
    """Names of the schemes that come with geolabel."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def find_scheme(name: str) -> Scheme:
    """A built-in scheme by its name, or one's own by its file. Raises SchemeError, InputError."""
    if name in built_in():
        return _parse(_folder().joinpath(f"{name}.toml").read_bytes(), f"built-in scheme {name}", name)
    path = Path(name)
    if not path.exists() and path.suffix != ".toml":
        raise SchemeError(
            f"no scheme {name!r}; there are {', '.join(built_in())}, or write one of your own in a file FILE.toml"
        )
    return read_scheme(path)


def read_scheme(path: Path) -> Scheme:
    """Read a scheme from TOML (docs/formats.md). Raises SchemeError, InputError."""
    files.check_readable(path, "a scheme (TOML)")
    return _parse(path.read_bytes(), str(path), path.stem)


def _folder() -> Any:
    return resources.files("geolabel.labels") / "schemes"


def _parse(content: bytes, where: str, fallback: str) -> Scheme:
    try:
        value = tomllib.loads(content.decode("utf-8-sig"))  # as Windows' editors write it
    except (ValueError, RecursionError) as error:
        raise SchemeError(f"{where}: is not TOML ({error}); mend it, docs/formats.md shows a scheme") from error
    entries = value.pop("class", None)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise SchemeError(f"{where}: has no classes; write one [[class]] table a class, with name, title and color")
    if len(entries) > MAX_CLASSES:  # told before each is looked into: a file from a stranger may hold a million
        raise SchemeError(
            f"{where}: {len(entries):,} classes; 1 to {MAX_CLASSES} fit; merge some, or write two schemes"
        )
    _check_keys(where, [value], {"name", "version", "title", "parents", "attribution", "background"}, "a scheme")
    _check_keys(where, entries, {*CLASS_KEYS, *RULE_KEYS}, "a class")
    nameless = [entry for entry in entries if not isinstance(entry.get("name"), str)]
    if nameless:
        raise SchemeError(f"{where}: a class needs a name, in quotes; there is {nameless[0]}")
    background = value.get("background", {})
    if not isinstance(background, dict):
        raise SchemeError(f'{where}: [background] is a table with rules, such as osm = ["landuse=*"]')
    _check_keys(where, [background], set(RULE_KEYS), "[background]")
    classes = [
        {
            **{key: entry[key] for key in CLASS_KEYS if key in entry},
            "rules": {key: entry[key] for key in RULE_KEYS if key in entry},
        }
        for entry in entries
    ]
    try:
        for entry in entries:
            _check_types(entry)
        return complete(Scheme.from_json({"name": fallback, **value, "background": background, "classes": classes}))
    except SchemeError as error:
        raise SchemeError(f"{where}: {error}") from error


def _check_keys(where: str, tables: Iterable[Mapping[str, Any]], allowed: set[str], what: str) -> None:
    unknown = sorted({key for table in tables for key in table} - allowed)
    if unknown:
        raise SchemeError(f"{where}: unknown keys {', '.join(unknown)}; {what} has {', '.join(sorted(allowed))}")


def _check_types(entry: Mapping[str, Any]) -> None:
    """Values of a class in a scheme file are of the types that LabelClass takes. Raises SchemeError."""
    for key, types, what in (
        *((key, str, "text in quotes") for key in ("title", "color", "group", "parent")),
        ("priority", int, "a whole number"),
        ("presence", (int, float), "a number"),
    ):
        if key in entry and (not isinstance(entry[key], types) or isinstance(entry[key], bool)):  # type: ignore[arg-type]
            raise SchemeError(f"class {entry['name']!r}: {key} must be {what}, got {entry[key]!r}")
