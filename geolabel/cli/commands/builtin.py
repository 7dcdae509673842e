"""Commands about the models that come with geolabel, and about model files."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from geolabel.cli.app import command, group

models = group("models", "The models that come with geolabel, and model files.")


@command("show", "geolabel models show amazon-mining-rgb", into=models)
def models_show(
    model: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|FILE]", help="A built-in model, or a model.safetensors.  [default: list them]"),
    ] = None,
) -> Any:
    """List the models that come with geolabel, or show the contract of one: bands, GSD, classes, thresholds."""
    from geolabel.steps.models import list_models, show_model

    return show_model(model) if model else list_models()
