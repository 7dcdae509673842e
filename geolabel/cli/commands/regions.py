"""Commands about regions and their maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.errors import OptionError


@command("predict", "geolabel predict region.tif --model run/model.safetensors")
def predict(
    rasters: Annotated[
        list[str],
        typer.Argument(
            metavar="RASTER|TILES…",
            help="The region: rasters, folders, patterns, STAC items, products, URLs; or a tile index, to tag.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="FILE|NAME", help="model.safetensors.  [default: a built-in one that fits the raster]"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Prediction folder.  [default: RASTER.geolabel]"),
    ] = None,
    bands: o.Bands = None,
    scale: o.Scale = None,
    stride: Annotated[
        int | None, typer.Option("--stride", help="Step between tiles, pixels.  [default: half a tile]")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="For all independent classes.  [default: the model's own]")
    ] = None,
    aoi: o.Aoi = None,
    min_area: Annotated[str, typer.Option("--min-area", metavar="AREA", help="Leave smaller detections out.")] = "0ha",
    tta: Annotated[
        Literal["none", "flips", "all"],
        typer.Option("--tta", help="Predict each tile turned as well, by flips (4) or all ways (8), and average."),
    ] = "none",
    dense: o.Dense = "auto",
    refine: Annotated[
        bool, typer.Option("--refine", help="Draw outlines by what the network sees within tiles (dense windows).")
    ] = False,
    device: o.Device = "auto",
    engine: o.Engine = "auto",
    precision: o.Precision = "auto",
    batch: o.Batch = "auto",
    compiled: o.Compiled = False,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Only the I-th of N parts, for geolabel merge (job arrays)."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes on this machine, one a GPU where there are any.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="URL", help="Dask scheduler: tcp://host:8786.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would read, write and take.")] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Predict every tile of a region and write maps that open, styled, in QGIS; or tag the tiles of an index."""
    if rasters[0].lower().endswith(".parquet"):
        given = {"--bands": bands, "--scale": scale, "--stride": stride, "--aoi": aoi, "--dry-run": dry_run}
        given |= {"--shard": shard, "--workers": workers, "--cluster": cluster, "--refine": refine}
        given |= {"--min-area": o.hectares(min_area), "--compile": compiled, "--tta": tta != "none"}
        given |= {"--dense": dense != "auto", "--engine": engine != "auto", "--precision": precision != "auto"}
        given |= {"--batch": batch != "auto"}
        return _tag(rasters, model, output, threshold, device, overwrite, given)
    from geolabel.steps.predict import predict as step

    return step(
        rasters,
        model=model,
        output=output,
        bands=o.names(bands),
        scale=scale,
        stride=stride,
        threshold=threshold,
        aoi=aoi,
        min_area_ha=o.hectares(min_area),
        tta=tta,
        dense=dense,
        refine=refine,
        device=device,
        engine=engine,
        precision=precision,
        batch=o.whole_or_auto(batch),
        compiled=compiled,
        shard=o.part(shard) if shard else None,
        workers=workers,
        cluster=cluster,
        overwrite=overwrite,
        dry_run=dry_run,
    )


def _tag(
    tiles: list[str],
    model: str | None,
    output: Path | None,
    threshold: float | None,
    device: str,
    overwrite: bool,
    given: dict[str, Any],
) -> Any:
    """Predict the tiles of an index."""
    from geolabel.steps.models import find_model
    from geolabel.steps.predict_tiles import predict_tiles

    unused = [flag for flag, value in given.items() if value]
    if unused:
        raise OptionError(f"{tiles[0]}: is a tile index; {', '.join(unused)} only serve rasters")
    if len(tiles) > 1:
        raise OptionError(f"{tiles[0]}: is a tile index, which is predicted by itself; give {tiles[1]} to another run")
    if model is None:
        raise OptionError(f"{tiles[0]}: tiles need a --model; geolabel models show lists those that are built in")
    return predict_tiles(
        Path(tiles[0]),
        model=find_model(model),
        output=output,
        threshold=threshold,
        device=device,
        overwrite=overwrite,
    )


@command("merge", "geolabel merge region.geolabel.shards")
def merge(
    shards: Annotated[Path, typer.Argument(metavar="SHARDS", help="Folder in which predict --shard worked.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Prediction folder.  [default: without .shards]"),
    ] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Make the maps of a region whose shards were predicted by several jobs."""
    from geolabel.steps.merge import merge as step

    return step(shards, output=output, overwrite=overwrite)


@command("export", "geolabel export region.geolabel --to geojson --min-area 1ha")
def export(
    source: Annotated[
        Path, typer.Argument(metavar="PREDICTION|ALERTS", help="Folder of predict or change, or its GeoPackage.")
    ],
    to: Annotated[
        Literal["gpkg", "geojson", "geoparquet", "flatgeobuf", "pmtiles", "postgis", "qgis", "stac"],
        typer.Option("--to", help="Format; qgis: a folder with a project in it; stac: an item that names all files."),
    ] = "gpkg",
    simplify: Annotated[str, typer.Option("--simplify", metavar="DIST", help="Calm the outlines.")] = "0m",
    min_area: Annotated[str, typer.Option("--min-area", metavar="AREA", help="Leave smaller features out.")] = "0ha",
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE|URL", help="File to write; postgresql://user@host/database."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="[SCHEMA.]NAME", help="PostGIS table.  [default: detections or alerts]"),
    ] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Write detections or alerts in another format."""
    from geolabel.steps.export import export as step

    return step(
        source,
        to=to,
        simplify_m=o.metres(simplify),
        min_area_ha=o.hectares(min_area),
        output=output,
        table=table,
        overwrite=overwrite,
    )
