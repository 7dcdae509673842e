"""`geolabel embed evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed

_PROBES = "knn, svc, rfc, mlp, dt"


@command("evaluate", "geolabel embed evaluate run/model.safetensors tiles.parquet --repeats 5", into=embed)
def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="model.safetensors: an embedder, or a classifier for its features.")
    ],
    tiles: o.Tiles,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder of the report.  [default: RUN.evaluation]"),
    ] = None,
    single: Annotated[
        str,
        typer.Option(
            "--single-class-classifiers",
            metavar="NAMES",
            help=f"Comma-separated probes of the largest class, the first for the table: {_PROBES}.",
        ),
    ] = "knn",
    multi: Annotated[
        str,
        typer.Option(
            "--multi-class-classifiers",
            metavar="NAMES",
            help=f"Comma-separated probes of the shares of all classes, the first for the table: {_PROBES}.",
        ),
    ] = "knn",
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="So often tiles are drawn and judged.")] = 5,
    validation_tiles: Annotated[
        int, typer.Option("--validation-tiles", min=2, help="Tiles of train, and of test, in a repeat at the most.")
    ] = 5000,
    class_mix: Annotated[
        str, typer.Option("--class-mix", help="Tiles of a repeat: balanced (as many of each class), natural, or both.")
    ] = "both",
    single_class_threshold: Annotated[
        float,
        typer.Option(
            "--single-class-threshold", min=0, max=1, help="Share that the largest class needs to be a tile's label."
        ),
    ] = 0.0,
    baselines: Annotated[
        str,
        typer.Option(
            "--baselines",
            metavar="NAMES",
            help="Comma-separated: pixels, colour, pca, untrained, classifier; or all, none.",
        ),
    ] = "all",
    supervised: Annotated[
        Path | None,
        typer.Option("--supervised", metavar="MODEL", help="A classifier; its features are a baseline as well."),
    ] = None,
    compat: Annotated[
        bool, typer.Option("--compat", help="Also MAP@1, MAP@10 and gSil as the published system calculates them.")
    ] = False,
    seed: o.Seed = 0,
    device: o.Device = "auto",
    overwrite: o.Overwrite = False,
) -> Any:
    """Judge vectors by probes, neighbours and clusters on unseen places, beside baselines that learned nothing."""
    from geolabel.steps.embed.evaluate import evaluate as step

    return step(
        model,
        tiles,
        output=output,
        single=o.names(single),
        multi=o.names(multi),
        repeats=repeats,
        validation_tiles=validation_tiles,
        class_mix=class_mix,
        single_class_threshold=single_class_threshold,
        baselines=o.names(baselines) or ["none"],
        supervised=supervised,
        compat=compat,
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
