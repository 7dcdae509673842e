"""`geolabel embed cluster`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed
from geolabel.errors import OptionError


@command("cluster", "geolabel embed cluster region.embeddings.parquet -k 8", into=embed)
def embed_cluster(
    embeddings: Annotated[
        Path, typer.Argument(metavar="EMBEDDINGS", help="Vectors of embed encode; with --rename, clusters.parquet.")
    ],
    clusters: Annotated[
        int | None, typer.Option("-k", "--clusters", help="How many clusters, for kmeans.  [default: 8]")
    ] = None,
    method: Annotated[
        Literal["kmeans", "hdbscan"],
        typer.Option("--method", help="hdbscan finds how many there are, and leaves out what belongs to none."),
    ] = "kmeans",
    rename: Annotated[
        Path | None,
        typer.Option("--rename", metavar="FILE.toml", help="Name clusters by the titles in this scheme, and merge."),
    ] = None,
    seed: o.Seed = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Labelled index.  [default: clusters.parquet; with --rename named.parquet]",
        ),
    ] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Propose classes by how vectors lie together: labels to rename, and a map of them to look at."""
    if rename is not None:
        given = {"-k": clusters is not None, "--method": method != "kmeans", "--seed": seed != 0}
        unused = [flag for flag, is_given in given.items() if is_given]
        if unused:
            raise OptionError(f"--rename names clusters that are there; leave {', '.join(unused)} out")
        from geolabel.steps.embed.clustering.names import rename as name_clusters

        return name_clusters(embeddings, rename, output=output or Path("named.parquet"), overwrite=overwrite)
    from geolabel.steps.embed.cluster import cluster

    return cluster(
        embeddings,
        method=method,
        clusters=clusters,
        output=output or Path("clusters.parquet"),
        seed=seed,
        overwrite=overwrite,
    )
