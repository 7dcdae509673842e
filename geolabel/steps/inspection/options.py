"""Options of a run as a person wants them: those that are not as by default, or all that say something."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

_RECIPES: dict[str, type[Any]] = {"train": Recipe, "embed train": EmbedRecipe}
_SILENT: tuple[Any, ...] = (None, False, "", [], {}, "auto", "none")
"""Values that mean that nothing was asked for."""


def told_options(command: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Option → value, of a command's run.json or a model's contract."""
    recipe = _RECIPES.get(command)
    if recipe is None:
        return {name: _text(value) for name, value in options.items() if value not in _SILENT}
    defaults = {item.name: item.default for item in fields(recipe)}
    return {name: _text(value) for name, value in options.items() if name not in defaults or value != defaults[name]}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
