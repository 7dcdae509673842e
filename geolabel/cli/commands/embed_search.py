"""`geolabel embed search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed


@command("search", "geolabel embed search region.embeddings.parquet --like -74.52,-8.31 --top 100", into=embed)
def embed_search(
    embeddings: Annotated[Path, typer.Argument(metavar="EMBEDDINGS", help="Vectors (geolabel embed encode).")],
    like: Annotated[
        list[str],
        typer.Option(
            "--like", metavar="X", help="What to find: a tile number, lon,lat, a vector file, a picture. Repeatable."
        ),
    ],
    unlike: Annotated[
        list[str] | None, typer.Option("--unlike", metavar="X", help="What not to find. Repeatable.")
    ] = None,
    top: Annotated[int, typer.Option("--top", help="How many tiles to find.")] = 100,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="GeoPackage or CSV; a page of pictures beside it.")
    ] = Path("similar.gpkg"),
    model: Annotated[
        str | None, typer.Option("--model", metavar="FILE|NAME", help="What made the vectors; for pictures.")
    ] = None,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Fit a linear probe to the examples against random tiles; writes a heat map, too."),
    ] = False,
    index: Annotated[
        bool, typer.Option("--index", help="Search an index (FAISS) beside the file, built the first time.")
    ] = False,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> Any:
    """Find more like this: the tiles of a region most like some examples.

    Every tile is compared with the nearest example; one that is as near to an `--unlike` example is no answer. Writes
    `similar.gpkg` (rank, similarity, tile, source; styled), `similar.html` (pictures) and, with `--fit`,
    `similar.heat.tif`.
    """
    from geolabel.steps.embed.search import search

    return search(
        embeddings,
        like=like,
        unlike=unlike or (),
        top=top,
        output=output,
        model=model,
        fit=fit,
        index=index,
        device=device,
        seed=seed,
        overwrite=overwrite,
    )
