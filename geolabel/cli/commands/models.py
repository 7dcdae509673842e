"""Commands about models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("train", "geolabel train tiles.parquet --model resnet18 -o run")
def train(
    tiles: o.Tiles,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Run folder.")] = Path("run"),
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="small-cnn, or a network that timm knows.")
    ] = "small-cnn",
    weights: Annotated[
        str, typer.Option("--weights", metavar="FILE|default|none", help="Weights to start from.")
    ] = "none",
    heads: Annotated[
        Literal["auto", "sigmoid", "softmax"], typer.Option("--heads", help="auto: groups of the scheme are softmax.")
    ] = "auto",
    presence: Annotated[
        float | None,
        typer.Option(
            "--presence", help="Share of a tile from which a class is present.  [default: the labels', or .1]"
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", help="At the most.")] = 30,
    batch: Annotated[int, typer.Option("--batch", help="Tiles a step.")] = 64,
    lr: Annotated[float, typer.Option("--lr", help="Highest learning rate.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option("--weight-decay", help="Of AdamW.")] = 0.05,
    patience: Annotated[int, typer.Option("--patience", help="Epochs without a better score before stopping.")] = 8,
    augment: Annotated[bool, typer.Option("--augment/--no-augment", help="Turn, mirror and relight tiles.")] = True,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, with its options.")
    ] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Train a classifier; `model.safetensors` holds the weights and all that predict needs."""
    from geolabel.cli.live import epochs_table
    from geolabel.steps.train import train as step

    with epochs_table() as on_epoch:
        return step(
            tiles,
            output=output,
            model=model,
            weights=weights,
            heads=heads,
            presence=presence,
            epochs=epochs,
            batch=batch,
            lr=lr,
            weight_decay=weight_decay,
            patience=patience,
            augment=augment,
            device=device,
            seed=seed,
            resume=resume,
            overwrite=overwrite,
            on_epoch=on_epoch,
        )


@command("evaluate", "geolabel evaluate run/model.safetensors tiles.parquet --split test")
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model.safetensors.")],
    tiles: o.Tiles,
    split: Annotated[str, typer.Option("--split", help="Part to score: test, val or train.")] = "test",
    device: o.Device = "auto",
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Scores as JSON.")] = Path(
        "evaluation.json"
    ),
    overwrite: o.Overwrite = False,
) -> Any:
    """Score a model on a part of a tile index."""
    from geolabel.steps.evaluate import evaluate as step

    return step(model, tiles, split=split, device=device, output=output, overwrite=overwrite)
