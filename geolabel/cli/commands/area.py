"""Commands about the area of classes, and how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command, group

area = group("area", "How large the classes of a map really are, with 95 % intervals, by a sample a person checks.")


@command("sample", "geolabel area sample region.geolabel -o sample.gpkg", into=area)
def area_sample(
    class_map: Annotated[
        Path, typer.Argument(metavar="MAP", help="Class raster, or the folder that predict or change wrote.")
    ],
    points: Annotated[int | None, typer.Option("--points", min=2, help="How many points, in all.")] = None,
    error: Annotated[
        float | None,
        typer.Option("--error", help="As many as give overall accuracy with this standard error.  [default: .02]"),
    ] = None,
    expect: Annotated[
        str,
        typer.Option("--expect", metavar="SHARE", help="User's accuracy one expects: .8, or mine=.6,forest=.95."),
    ] = ".8",
    minimum: Annotated[int, typer.Option("--minimum", help="Points in each class, however rare it is.")] = 50,
    legend: Annotated[
        Path | None, typer.Option("--legend", metavar="CSV", help="What the codes mean: columns code, name.")
    ] = None,
    seed: o.Seed = 0,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="GeoPackage.")] = Path("sample.gpkg"),
    overwrite: o.Overwrite = False,
) -> Any:
    """Draw pixels of a class map at random, class by class, into a GeoPackage with a form to fill in in QGIS."""
    from geolabel.steps.area.sample import sample_map

    return sample_map(
        class_map,
        output=output,
        points=points,
        error=error,
        expect=o.shares(expect),
        minimum=minimum,
        legend=legend,
        seed=seed,
        overwrite=overwrite,
    )


@command("estimate", "geolabel area estimate sample.gpkg -o areas", into=area)
def area_estimate(
    sample: Annotated[Path, typer.Argument(metavar="SAMPLE", help="What area sample wrote, with answers.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder for area.json and its tables as CSV.")
    ] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Accuracy of the map, and area of each class, with 95 % intervals, from the answers (Olofsson et al. 2014)."""
    from geolabel.steps.area.estimate import estimate_areas

    return estimate_areas(sample, output=output, overwrite=overwrite)
