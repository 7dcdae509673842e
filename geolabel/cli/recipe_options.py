"""The choices of a recipe as options of a command: names, defaults and help stand there alone."""

from __future__ import annotations

import functools
import inspect
import typing
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geolabel.learn.recipe import Recipe, flag_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from geolabel.learn.metric.recipe import EmbedRecipe

_PANELS = {
    "model": "Model",
    "loss": "Loss and labels",
    "epochs": "Course of training",
    "augment": "What the network sees",
    "patience": "Decisions",
    "precision": "Machine",
    "mining": "Who is compared with whom",
}
"""Headings of the help, each from this field on."""


def with_recipe(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all options of its argument `recipe`, a `Recipe` or `EmbedRecipe`; it gets them as one value."""
    hints = typing.get_type_hints(function, include_extras=True)
    own = [item.replace(annotation=hints[item.name]) for item in inspect.signature(function).parameters.values()]
    at = [item.name for item in own].index("recipe")
    recipe: type[Recipe | EmbedRecipe] = hints["recipe"]
    options = _options(recipe)

    @functools.wraps(function)
    def run(**values: Any) -> Any:
        chosen = {option.name: values.pop(option.name) for option in options}
        return function(**values, recipe=recipe(**chosen))

    del run.__wrapped__
    parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in (*own[:at], *options, *own[at + 1 :])]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run


def _options(recipe: type[Recipe | EmbedRecipe]) -> list[inspect.Parameter]:
    hints, panel, found = typing.get_type_hints(recipe), "", []
    for item in fields(recipe):
        panel = _PANELS.get(item.name, panel)
        flag = flag_of(item.name)
        flags = [f"{flag}/--no-{flag[2:]}"] if hints[item.name] in (bool, bool | None) else [flag]
        option = typer.Option(
            *flags, help=item.metadata["help"], metavar=item.metadata["metavar"], rich_help_panel=panel
        )
        found.append(
            inspect.Parameter(
                item.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=item.default,
                annotation=Annotated[hints[item.name], option],
            )
        )
    return found
