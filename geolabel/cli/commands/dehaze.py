"""`geolabel dehaze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("dehaze", "geolabel dehaze region.tif -o clear.tif --compare compare.html")
def dehaze(
    raster: Annotated[
        str, typer.Argument(metavar="RASTER", help="A raster with red, green and blue: file, folder, product, address.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="COG. Default: RASTER.clear.tif.")
    ] = None,
    omega: Annotated[float, typer.Option("--omega", help="Share of the haze found that is removed.")] = 0.95,
    window: Annotated[int, typer.Option("--window", help="Side of the dark channel's window, pixels.")] = 15,
    light: Annotated[
        str, typer.Option("--light", metavar="auto|R,G,B", help="Light of the air, physical values; auto: found.")
    ] = "auto",
    contrast: Annotated[
        Literal["none", "stretch", "clahe"],
        typer.Option("--contrast", help="stretch: percentiles 2–98 of the region; clahe: by neighbourhood, too."),
    ] = "none",
    clip: Annotated[float, typer.Option("--clip", help="CLAHE: limit of contrast.")] = 3.0,
    cells: Annotated[int, typer.Option("--cells", help="CLAHE: cells along each side of the region.")] = 8,
    shadows: Annotated[float, typer.Option("--shadows", help="Lift what is dark: 0 (not) to 1.")] = 0.0,
    bands: o.Bands = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", metavar="FILE.html", help="Write a page: before and after.")
    ] = None,
    overwrite: o.Overwrite = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would write and take.")] = False,
) -> Any:
    """Remove haze from RASTER, seamlessly; clear images stay as they are.

    Only red, green and blue change; other bands, CRS, nodata, masks, scales and names stay. One light and one smooth
    veil hold for the whole raster, so there are no seams.
    """
    from geolabel.steps.dehaze import dehaze

    return dehaze(
        raster,
        output=output,
        omega=omega,
        window=window,
        light=_values(light),
        contrast=contrast,
        clip=clip,
        cells=cells,
        shadows=shadows,
        bands=o.names(bands),
        compare=compare,
        overwrite=overwrite,
        dry_run=dry_run,
    )


def _values(text: str) -> list[float]:
    """`225,230,235` as numbers; `auto` as none."""
    if text == "auto":
        return []
    try:
        return [float(value) for value in o.names(text)]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: write auto, or the values of red, green and blue: 225,230,235") from error
