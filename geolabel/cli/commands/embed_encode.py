"""`geolabel embed encode`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed
from geolabel.errors import OptionError


@command("encode", "geolabel embed encode region.tif --model run/embedder.safetensors", into=embed)
def embed_encode(
    region: Annotated[
        list[str],
        typer.Argument(
            metavar="REGION|TILES…",
            help="Rasters, folders, patterns, STAC items, products, URLs; or a tile index, whose columns are kept.",
        ),
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="FILE|NAME", help="An embedder; of a classifier, its features are taken.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Vectors.  [default: REGION.embeddings.parquet]"),
    ] = None,
    stride: Annotated[
        int | None, typer.Option("--stride", help="Step between tiles, pixels.  [default: a tile]")
    ] = None,
    dtype: Annotated[
        Literal["float16", "float32"], typer.Option("--dtype", help="In which the vectors are stored.")
    ] = "float16",
    bands: o.Bands = None,
    scale: o.Scale = None,
    aoi: o.Aoi = None,
    min_valid: Annotated[
        float | None, typer.Option("--min-valid", help="Least share of valid pixels, 0–1.  [default: 0.5]")
    ] = None,
    dense: o.Dense = "auto",
    engine: o.Engine = "auto",
    precision: o.Precision = "auto",
    batch: o.Batch = "auto",
    compiled: o.Compiled = False,
    no_colours: Annotated[bool, typer.Option("--no-colours", help="No picture of the vectors.")] = False,
    device: o.Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would write and take.")] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Give each tile of a region a vector, and draw where they are alike: a file to search, cluster and probe."""
    if region[0].lower().endswith(".parquet"):
        given = {"--stride": stride, "--bands": bands, "--scale": scale, "--aoi": aoi, "--compile": compiled}
        given |= {"--min-valid": min_valid is not None, "--dense": dense != "auto", "--engine": engine != "auto"}
        given |= {"--precision": precision != "auto", "--batch": batch != "auto", "--dry-run": dry_run}
        unused = [flag for flag, value in given.items() if value]
        if unused:
            raise OptionError(f"{region[0]}: is a tile index; {', '.join(unused)} only serve rasters")
        if len(region) > 1:
            raise OptionError(f"{region[0]}: is a tile index, encoded by itself; give {region[1]} to another run")
        from geolabel.steps.embed.encode import encode_tiles

        return encode_tiles(
            Path(region[0]),
            model=model,
            output=output,
            dtype=dtype,
            colours=not no_colours,
            device=device,
            overwrite=overwrite,
        )
    from geolabel.steps.embed.encode import MIN_VALID, encode

    return encode(
        region,
        model=model,
        output=output,
        stride=stride,
        dtype=dtype,
        bands=o.names(bands),
        scale=scale,
        aoi=aoi,
        min_valid=MIN_VALID if min_valid is None else min_valid,
        dense=dense,
        engine=engine,
        precision=precision,
        batch=o.whole_or_auto(batch),
        compiled=compiled,
        colours=not no_colours,
        device=device,
        overwrite=overwrite,
        dry_run=dry_run,
    )
