"""The recipe checks itself, and is what the command line offers."""

from __future__ import annotations

import typing
from dataclasses import fields

import pytest
import typer

from geolabel.cli import commands
from geolabel.cli.app import app
from geolabel.errors import OptionError
from geolabel.learn.recipe import CHOICES, Recipe, flag_of


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": 0}, "--epochs must be more than 0, got 0"),
        ({"lr": float("nan")}, "--lr"),
        ({"weight_decay": -1}, "--weight-decay must not be negative"),
        ({"ema": 1.0}, "--ema must lie from 0"),
        ({"presence": 1.5}, "--presence"),
        ({"fill_cut": 0.5}, "--fill-cut"),
        ({"layer_decay": 1.1}, "--layer-decay"),
        ({"heads": "both"}, "--heads both: choose auto, sigmoid, softmax, apart"),
        ({"loss": "kl"}, "--targets shares"),
        ({"missing": "self-train", "targets": "shares"}, "--missing self-train"),
    ],
)
def test_values_that_make_no_sense(wrong: dict[str, typing.Any], says: str):
    with pytest.raises(OptionError) as told:
        Recipe(**wrong)
    assert says in str(told.value)


def test_choices_are_those_of_the_types():
    hints = typing.get_type_hints(Recipe)
    literal = {name: typing.get_args(kind) for name, kind in hints.items() if typing.get_origin(kind) is typing.Literal}
    assert literal == CHOICES


def test_every_field_is_an_option_of_train_with_its_default_and_help():
    assert commands
    command = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    options = {item.name: item for item in command.params if hasattr(item, "opts")}
    for item in fields(Recipe):
        option = options[item.name]
        assert flag_of(item.name) in option.opts
        assert option.default == item.default
        assert option.help == item.metadata["help"]
        assert len(option.help) > 5
