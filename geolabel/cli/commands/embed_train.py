"""`geolabel embed train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed
from geolabel.cli.recipe_options import with_recipe
from geolabel.learn.metric.recipe import EmbedRecipe


@command("train", "geolabel embed train mosaic.tif --size 96 -o embedder", into=embed)
@with_recipe
def embed_train(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="TILES|RASTER...", help="A tile index, or rasters that places are drawn from."),
    ],
    recipe: EmbedRecipe,
    size: Annotated[int, typer.Option("--size", help="Tile side on rasters, pixels.")] = 96,
    bands: o.Bands = None,
    aoi: o.Aoi = None,
    min_valid: Annotated[float, typer.Option("--min-valid", help="Least share of valid pixels, 0–1.")] = 0.5,
    val: Annotated[
        float, typer.Option("--val", help="Share of the rasters' ground, in blocks, that does not train.")
    ] = 0.15,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Run folder.")] = Path("embedder"),
    cache: o.Cache = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, with its options.")
    ] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Learn vectors that tell places apart: from labels of tiles, or from nothing but where places lie."""
    from geolabel.cli.live import embed_epochs_table
    from geolabel.steps.embed.ground_supply import Drawing
    from geolabel.steps.embed.train import train as step

    with embed_epochs_table() as on_epoch:
        return step(
            sources,
            output=output,
            recipe=recipe,
            drawing=Drawing(size, tuple(o.names(bands)), aoi, min_valid, val),
            cache=cache,
            resume=resume,
            overwrite=overwrite,
            on_epoch=on_epoch,
        )
