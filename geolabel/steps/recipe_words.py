"""A recipe as words: values read from text by the type of their field, and the command that repeats a training."""

from __future__ import annotations

import shlex
import types
import typing
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from geolabel.errors import OptionError, listed
from geolabel.learn.recipe import CHOICES, Recipe, flag_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def changed(recipe: Recipe) -> dict[str, Any]:
    """The fields that are not as they are by default, and their values."""
    return {
        item.name: getattr(recipe, item.name) for item in fields(Recipe) if getattr(recipe, item.name) != item.default
    }


def command(recipe: Recipe, tiles: Path, output: str) -> str:
    """The line that trains by this recipe: what differs from the defaults, in values that are read back exactly."""
    words = ["geolabel", "train", str(tiles)]
    for name, value in {**changed(recipe), "seed": recipe.seed}.items():
        flag = flag_of(name)
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [flag, value if isinstance(value, str) else repr(value)]
    return shlex.join([*words, "-o", output])


def toml(recipe: Recipe) -> str:
    """The same as a file for `geolabel train --config`."""
    lines = [f"{name} = {_toml(value)}" for name, value in {**changed(recipe), "seed": recipe.seed}.items()]
    return "\n".join(["[train]", *lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # TOML knows the escapes of JSON, but for DEL
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    return repr(value)


def field_name(text: str) -> str:
    """The field that an option, or its name, means. Raises OptionError."""
    name = text.strip().removeprefix("--").replace("-", "_")
    known = [item.name for item in fields(Recipe)]
    if name not in known:
        shown = ", ".join(item.replace("_", "-") for item in known)
        raise OptionError(f"{text.strip() or 'no name'}: training has no such option; choose of {shown}")
    return name


def parse_value(name: str, text: str) -> Any:
    """A field's value from text: a number, yes or no, a choice, or the text itself. Raises OptionError.

    `default` is None where the field knows it; `+` stands for the commas of a value (--augment dihedral+light).
    """
    kind, text = typing.get_type_hints(Recipe)[name], text.strip()
    if isinstance(kind, types.UnionType):
        if text == "default":
            return None
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if typing.get_origin(kind) is Literal:
        if text not in CHOICES[name]:
            raise OptionError(f"{flag_of(name)} {text}: choose of {', '.join(CHOICES[name])}")
        return text
    if kind is str:
        return text.replace("+", ",") if name == "augment" else text
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise OptionError(f"{flag_of(name)} {text}: write yes or no")
        return _TRUTHS[text.lower()]
    try:
        return kind(text)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise OptionError(f"{flag_of(name)} {text}: write {what}") from error


def parse_variation(text: str) -> tuple[str, tuple[Any, ...]]:
    """`dehaze=no,yes` as a field and its values. Raises OptionError."""
    given, sign, values = text.partition("=")
    if not sign or not values.strip():
        raise OptionError(f"--vary {text}: write an option and its values: --vary dehaze=no,yes")
    name = field_name(given)
    found = tuple(parse_value(name, value) for value in values.split(","))
    if len(set(found)) < len(found):
        raise OptionError(f"--vary {text}: {listed(_twice(found))} stands twice; name each value once")
    return name, found


def _twice(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if values.count(value) > 1]
