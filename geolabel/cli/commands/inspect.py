"""The command that tells what a file is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("inspect", "geolabel inspect region.tif")
def inspect(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A raster, tile index, model, prediction, layer … or a model that comes with geolabel."
        ),
    ],
    bands: o.Bands = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Write the quick look as PNG.")
    ] = None,
    look: Annotated[
        bool, typer.Option("--look/--no-look", help="In a terminal: a quick look above the tables.")
    ] = True,
    overwrite: o.Overwrite = False,
) -> Any:
    """What is this file, on one screen.

    Rasters (files, folders of bands, SAFE, VRT, STAC, addresses), tile indexes, embeddings, models, predictions,
    alerts, training runs, evaluations, reports on labels, schemes and vector layers are told by what is in them, not
    by their names. Nothing is written beside them.
    """
    from geolabel.cli.quicklook import print_look
    from geolabel.steps.inspect import inspect as step

    report = step(file, bands=o.names(bands), picture=picture, overwrite=overwrite)
    if look and not context.params["json"]:
        print_look(file, o.names(bands))
    return report
