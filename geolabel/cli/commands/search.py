"""Commands that look for a better model: by searching, comparing, combining."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.recipe_options import with_recipe
from geolabel.learn.recipe import Recipe


@command("tune", "geolabel tune tiles.parquet --trials 30 --timeout 1h -o tuning")
@with_recipe
def tune(
    tiles: o.Tiles,
    recipe: Recipe,
    trials: Annotated[int, typer.Option("--trials", min=1, help="In all, with those before --resume.")] = 30,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="No trial begins after it: 90s, 30m, 1h.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="NAMES",
            help="What to search: lr,weight-decay,…  [default: what usually matters]",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the search.")] = Path(
        "tuning"
    ),
    cache: o.Cache = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the search in the folder, with its options.")
    ] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Search for the options of `train` that do best on the validation tiles, from those given here on."""
    from geolabel.steps.tune import tune as step

    return step(
        tiles,
        output=output,
        recipe=recipe,
        trials=trials,
        timeout_s=o.seconds(timeout) if timeout is not None else None,
        search=o.names(search),
        cache=cache,
        resume=resume,
        overwrite=overwrite,
    )


@command("compare", "geolabel compare tiles.parquet --vary dehaze=no,yes -o comparison")
@with_recipe
def compare(
    tiles: o.Tiles,
    recipe: Recipe,
    vary: Annotated[
        list[str],
        typer.Option("--vary", metavar="NAME=VALUES", help="An option of train, and its values; repeatable."),
    ],
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Models of each way, with other seeds.")] = 1,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the comparison.")] = Path(
        "comparison"
    ),
    cache: o.Cache = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Train in several ways on the same tiles, and tell which does better on the test tiles, and whether by chance."""
    from geolabel.steps.compare import compare as step

    return step(tiles, output=output, recipe=recipe, vary=vary, repeats=repeats, cache=cache, overwrite=overwrite)


@command("ensemble", "geolabel ensemble a/model.safetensors b/model.safetensors --tiles tiles.parquet --combine ridge")
def ensemble(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Models to combine.")],
    tiles: Annotated[
        Path, typer.Option("--tiles", metavar="TILES", help="Tile index; its val tiles teach how to combine.")
    ],
    combine: Annotated[
        Literal["mean", "best", "ridge", "chain"],
        typer.Option("--combine", help="mean; best of each class; ridge or chain: learned, from all classes together."),
    ] = "mean",
    aim: Annotated[
        str, typer.Option("--aim", help="What thresholds are chosen for: f1, f2, precision=.9 or recall=.9.")
    ] = "f1",
    calibrate: Annotated[
        Literal["none", "temperature", "isotonic"],
        typer.Option("--calibrate", help="Probabilities made true on the validation tiles."),
    ] = "none",
    abstain: Annotated[
        float, typer.Option("--abstain", help="Share of validation tiles, nearest to a threshold, left undecided.")
    ] = 0.0,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Model file.")] = Path(
        "ensemble.safetensors"
    ),
    overwrite: o.Overwrite = False,
) -> Any:
    """Combine models into one file; one alone, with ridge or chain, learns which classes go together."""
    from geolabel.steps.ensemble import ensemble as step

    return step(
        models,
        tiles=tiles,
        combine=combine,
        output=output,
        aim=aim,
        calibrate=calibrate,
        abstain=abstain,
        device=device,
        seed=seed,
        overwrite=overwrite,
    )
