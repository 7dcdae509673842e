"""`geolabel explore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("explore", "geolabel explore tiles.parquet --method umap,lda --dims 2,3")
def explore(
    tiles: Annotated[Path, typer.Argument(metavar="TILES", help="Tile index, or embeddings file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The page; .png, .svg and .csv beside it.")
    ] = Path("explore.html"),
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FILE|NAME",
            help="Compare tiles by an embedder's vectors, or a classifier's features; shows its answers, too.",
        ),
    ] = None,
    trunk: Annotated[
        str | None, typer.Option("--trunk", metavar="ARCH", help="Compare tiles by a network that never saw the place.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="FILE|default|none", help="Where the trunk starts.  [default: default]"),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", metavar="NAMES", help="Comma-separated: umap, pca, lda (by labels), tsne.")
    ] = "umap",
    dims: Annotated[str, typer.Option("--dims", metavar="2|3|2,3", help="Dimensions of each projection.")] = "2",
    clusters: Annotated[
        Literal["kmeans", "hdbscan", "none"], typer.Option("--clusters", help="How tiles are grouped.")
    ] = "kmeans",
    k: Annotated[int, typer.Option("-k", "--k", help="How many clusters k-means makes.")] = 8,
    most: Annotated[int, typer.Option("--most", help="Of more tiles an even sample is looked at.")] = 50_000,
    label_share: Annotated[
        float, typer.Option("--label-share", min=0, max=1, help="Share that the largest class needs to be the label.")
    ] = 0.5,
    cache: o.Cache = None,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would read, write and take.")] = False,
) -> Any:
    """Look at tiles on one offline page: what is alike, what lies apart, what is odd, and where it lies.

    Tiles are points of a projection and of a map, linked; pictures on hover, and as the points themselves when zoomed
    in. Finds clusters, outliers, near-duplicates, leaks between the parts of a split, artefacts, typical and untypical
    tiles of each class, and says how well classes part.
    """
    from geolabel.steps.explore import explore as step

    return step(
        tiles,
        output=output,
        model=model,
        trunk=trunk,
        weights=weights,
        method=o.names(method),
        dims=o.names(dims),
        clusters=clusters,
        k=k,
        most=most,
        label_share=label_share,
        cache=cache,
        device=device,
        seed=seed,
        overwrite=overwrite,
        dry_run=dry_run,
    )
