"""The command that outlines class rasters and predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("polygons", "geolabel polygons cover.tif --legend codes.csv --class Mining --min-area 1ha")
def polygons(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Class raster, or a folder that predict wrote.")],
    legend: Annotated[
        Path | None,
        typer.Option(
            "--legend", metavar="CSV", help="What the codes mean: code,name.  [default: the file's own names]"
        ),
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME", help="Only this class; repeatable.")
    ] = None,
    bands: o.Bands = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Probability that a patch reaches somewhere.  [default: the model's own]"),
    ] = None,
    grow: Annotated[
        float | None, typer.Option("--grow", help="Lower probability down to which such a patch grows.")
    ] = None,
    min_area: Annotated[str, typer.Option("--min-area", metavar="AREA", help="Leave smaller polygons out.")] = "0ha",
    fill_holes: Annotated[str, typer.Option("--fill-holes", metavar="AREA", help="Fill smaller holes.")] = "0ha",
    simplify: Annotated[
        str, typer.Option("--simplify", metavar="DIST", help="Calm the outlines; neighbours keep their border.")
    ] = "0m",
    smooth: Annotated[
        int, typer.Option("--smooth", metavar="N", min=0, max=5, help="Cut the corners off, N times.")
    ] = 0,
    to: Annotated[
        Literal["gpkg", "geojson", "geoparquet", "flatgeobuf", "pmtiles"], typer.Option("--to", help="Format.")
    ] = "gpkg",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write.  [default: SOURCE-polygons]")
    ] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Outline classes as polygons with their areas, by year where the bands are years."""
    from geolabel.steps.polygon_layers import Outlining
    from geolabel.steps.polygons import polygons as step

    return step(
        source,
        legend=legend,
        classes=classes or (),
        bands=o.names(bands),
        threshold=threshold,
        grow=grow,
        outlining=Outlining(o.hectares(min_area), o.hectares(fill_holes), o.metres(simplify), smooth),
        to=to,
        output=output,
        overwrite=overwrite,
    )
