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
    raster: Annotated[Path, typer.Argument(metavar="RASTER|TILES", help="The region; or a tile index, to tag.")],
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
    scale: Annotated[
        float | None, typer.Option("--scale", help="Stored value × scale = the model's stored value.")
    ] = None,
    stride: Annotated[
        int | None, typer.Option("--stride", help="Step between tiles, pixels.  [default: half a tile]")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="For all independent classes.  [default: the model's own]")
    ] = None,
    aoi: o.Aoi = None,
    min_area: Annotated[str, typer.Option("--min-area", metavar="AREA", help="Leave smaller detections out.")] = "0ha",
    device: o.Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would read, write and take.")] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Predict every tile of a region and write maps that open, styled, in QGIS; or tag the tiles of an index."""
    from geolabel.steps.models import choose_model, find_model

    if raster.suffix.lower() == ".parquet":
        from geolabel.steps.predict_tiles import predict_tiles

        given = {"--bands": bands, "--scale": scale, "--stride": stride, "--aoi": aoi, "--dry-run": dry_run}
        unused = [flag for flag, value in given.items() if value] + ["--min-area"] * (o.hectares(min_area) > 0)
        if unused:
            raise OptionError(f"{raster}: is a tile index; {', '.join(unused)} only serve rasters")
        if model is None:
            raise OptionError(f"{raster}: tiles need a --model; geolabel models show lists those that are built in")
        return predict_tiles(
            raster, model=find_model(model), output=output, threshold=threshold, device=device, overwrite=overwrite
        )
    from geolabel.steps.predict import predict as step

    return step(
        raster,
        model=find_model(model) if model else choose_model(raster, o.names(bands)),
        output=output,
        bands=o.names(bands),
        scale=scale,
        stride=stride,
        threshold=threshold,
        aoi=aoi,
        min_area_ha=o.hectares(min_area),
        device=device,
        overwrite=overwrite,
        dry_run=dry_run,
    )


@command("export", "geolabel export region.geolabel --to geojson --min-area 1ha")
def export(
    prediction: Annotated[Path, typer.Argument(metavar="PREDICTION", help="Folder that predict wrote.")],
    to: Annotated[
        Literal["gpkg", "geojson", "geoparquet", "flatgeobuf"], typer.Option("--to", help="Format.")
    ] = "gpkg",
    simplify: Annotated[str, typer.Option("--simplify", metavar="DIST", help="Calm the outlines.")] = "0m",
    min_area: Annotated[str, typer.Option("--min-area", metavar="AREA", help="Leave smaller detections out.")] = "0ha",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write.")] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Write detections in another format."""
    from geolabel.steps.export import export as step

    return step(
        prediction,
        to=to,
        simplify_m=o.metres(simplify),
        min_area_ha=o.hectares(min_area),
        output=output,
        overwrite=overwrite,
    )
