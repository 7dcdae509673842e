"""Commands about models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.recipe_options import with_recipe
from geolabel.learn.recipe import Recipe


@command("train", "geolabel train tiles.parquet --model resnet18 -o run")
@with_recipe
def train(
    tiles: o.Tiles,
    recipe: Recipe,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Run folder.")] = Path("run"),
    cache: o.Cache = None,
    resume: o.Resume = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Train a classifier; `model.safetensors` holds the weights and all that predict needs."""
    from geolabel.cli.live import epochs_table
    from geolabel.steps.train import train as step

    with epochs_table() as on_epoch:
        return step(
            tiles,
            output=output,
            recipe=recipe,
            cache=cache,
            resume=resume,
            overwrite=overwrite,
            on_epoch=on_epoch,
        )


@command("evaluate", "geolabel evaluate run/model.safetensors tiles.parquet --split test --folds 5")
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model.safetensors.")],
    tiles: o.Tiles,
    split: Annotated[str, typer.Option("--split", help="Part to score: test, val or train.")] = "test",
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            min=2,
            help="Train the recipe anew on so many spatial folds and random ones: how much do seen places flatter?",
        ),
    ] = None,
    device: o.Device = "auto",
    cache: o.Cache = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the report.")] = Path(
        "evaluation"
    ),
    overwrite: o.Overwrite = False,
) -> Any:
    """Score a model on a part of a tile index: metrics.json, a page to read, and curves as pictures."""
    from geolabel.steps.evaluate import evaluate as step

    return step(model, tiles, split=split, folds=folds, device=device, cache=cache, output=output, overwrite=overwrite)
