"""`geolabel explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("explain", "geolabel explain run/model.safetensors tiles.parquet --class mine --method occlusion,grad-cam")
def explain(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="model.safetensors, or the name of a built-in one.")],
    source: Annotated[
        str,
        typer.Argument(
            metavar="TILES|RASTER", help="Tile index, or a raster (file, folder, product, address) to explain all over."
        ),
    ],
    tile: Annotated[
        str | None,
        typer.Option("--tile", metavar="N,…", help="Tiles by number.  [default: the surest, right and wrong]"),
    ] = None,
    classes: Annotated[
        str | None, typer.Option("--class", metavar="NAMES", help="Comma-separated.  [default: those detected]")
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method", metavar="NAMES", help="Comma-separated: occlusion, lime, grad-cam, integrated-gradients."
        ),
    ] = "occlusion",
    count: Annotated[
        int, typer.Option("--count", help="Tiles a class of each kind: right detections, false alarms, misses.")
    ] = 3,
    samples: Annotated[int, typer.Option("--samples", help="Of LIME: more take longer, and say it steadier.")] = 400,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="PART", help="Tiles to choose from.  [default: test; all if not split]"),
    ] = None,
    aoi: o.Aoi = None,
    bands: o.Bands = None,
    scale: o.Scale = None,
    cache: o.Cache = None,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to make.")] = Path("explained"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many tiles, and how long.")] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Show which pixels speak for a class, and check whether that means anything.

    Occlusion and LIME work with every model; Grad-CAM and integrated gradients need a network. Writes `report.html`,
    pictures, deletion curves, `checks.csv` and `relevance.tif`, which opens in QGIS: red speaks for, blue against.
    """
    from geolabel.steps.explain import explain as step

    return step(
        model,
        source,
        tiles=_numbers(tile),
        classes=o.names(classes),
        methods=o.names(method),  # type: ignore[arg-type]  # the step refuses others, in one line
        count=count,
        samples=samples,
        split=split,
        aoi=aoi,
        bands=o.names(bands),
        scale=scale,
        cache=cache,
        device=device,
        seed=seed,
        output=output,
        overwrite=overwrite,
        dry_run=dry_run,
    )


def _numbers(text: str | None) -> list[int]:
    """`12,57` as tile numbers."""
    try:
        return [int(word) for word in o.names(text)]
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r}: tiles are named by number, 12,57; see the column tile of the index"
        ) from error
