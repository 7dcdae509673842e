"""Commands about what changed: alerts, and presets that need nothing but images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command, group

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="BEFORE AFTER…",
        help="Images of one place at two dates or more: rasters, folders, products, URLs; or prediction folders.",
    ),
]
Dates = Annotated[
    str | None,
    typer.Option(
        "--dates", metavar="DATES", help="2019-07-31,2020-08-02, in the order of the images.  [default: from names]"
    ),
]
Mmu = Annotated[str, typer.Option("--mmu", metavar="AREA", help="Minimum mapping unit: smaller changes are left out.")]
Threshold = Annotated[
    float, typer.Option("--threshold", help="Confidence that an alert reaches somewhere, where it is seeded.")
]
Grow = Annotated[float, typer.Option("--grow", help="Confidence down to which it grows from there.")]
AsTheyAre = Annotated[
    bool,
    typer.Option("--as-they-are", help="Compare images as they are: not aligned, normalised or cleared of clouds."),
]
Previous = Annotated[
    Path | None,
    typer.Option("--previous", metavar="ALERTS", help="Alerts of the run before: ids stay, no area counts twice."),
]
Protected = Annotated[
    Path | None,
    typer.Option("--protected", metavar="FILE", help="Protected areas and territories (WDPA, say): hectares in them."),
]
ProtectedName = Annotated[
    str | None, typer.Option("--protected-name", metavar="FIELD", help="Where their names stand.  [default: found]")
]
Admin = Annotated[
    Path | None, typer.Option("--admin", metavar="FILE", help="Administrative units: the one each alert lies in.")
]
AdminName = Annotated[
    str | None, typer.Option("--admin-name", metavar="FIELD", help="Where their names stand.  [default: found]")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder of alerts.  [default: AFTER.alerts]")
]


@command("change", "geolabel change 2019.tif 2020.tif --class forest --protected wdpa.gpkg")
def change(
    images: Images,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FILE|NAME",
            help="What tells the class, on one image or on pairs.  [default: none for forest; else a built-in one]",
        ),
    ] = None,
    class_name: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Class whose change is sought.")
    ] = "forest",
    what: Annotated[Literal["loss", "gain", "both"], typer.Option("--what", help="What became of it.")] = "loss",
    dates: Dates = None,
    bands: o.Bands = None,
    mmu: Mmu = "0.5ha",
    threshold: Threshold = 0.7,
    grow: Grow = 0.5,
    unsupervised: Annotated[
        bool, typer.Option("--unsupervised", help="Whatever changed, by the embeddings of a network; needs no labels.")
    ] = False,
    as_they_are: AsTheyAre = False,
    aoi: o.Aoi = None,
    previous: Previous = None,
    protected: Protected = None,
    protected_name: ProtectedName = None,
    admin: Admin = None,
    admin_name: AdminName = None,
    device: o.Device = "auto",
    output: Output = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Find where a class was lost, or came, between dates: alerts with dates, confidence, pictures, and whose land."""
    from geolabel.steps.change import change as step

    return step(
        images,
        model=model,
        class_name=class_name,
        what=what,
        dates=o.names(dates),
        bands=o.names(bands),
        mmu_ha=o.hectares(mmu),
        threshold=threshold,
        grow=grow,
        unsupervised=unsupervised,
        as_they_are=as_they_are,
        aoi=aoi,
        previous=previous,
        protected=protected,
        protected_name=protected_name,
        admin=admin,
        admin_name=admin_name,
        device=device,
        output=output,
        overwrite=overwrite,
    )


detect = group("detect", "Mining or deforestation from nothing but images.")


@command("mining", "geolabel detect mining sentinel2.tif", into=detect)
def mining(
    rasters: Annotated[
        list[str], typer.Argument(metavar="RASTER…", help="The region, Sentinel-2 or the like: red, green, blue, 10 m.")
    ],
    bands: o.Bands = None,
    aoi: o.Aoi = None,
    min_area: Annotated[
        str, typer.Option("--min-area", metavar="AREA", help="Leave smaller detections out.")
    ] = "0.5ha",
    device: o.Device = "auto",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Prediction folder.  [default: RASTER.mining]")
    ] = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Find mines with the built-in model."""
    from geolabel.steps.detect import detect_mining

    return detect_mining(
        rasters,
        bands=o.names(bands),
        aoi=aoi,
        min_area_ha=o.hectares(min_area),
        device=device,
        output=output,
        overwrite=overwrite,
    )


@command("deforestation", "geolabel detect deforestation 2019.tif 2020.tif", into=detect)
def deforestation(
    images: Images,
    dates: Dates = None,
    bands: o.Bands = None,
    mmu: Mmu = "0.5ha",
    aoi: o.Aoi = None,
    previous: Previous = None,
    protected: Protected = None,
    protected_name: ProtectedName = None,
    admin: Admin = None,
    admin_name: AdminName = None,
    output: Output = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Find where forest was lost: it is told by its own colour, and needs no model."""
    from geolabel.steps.detect import detect_deforestation

    return detect_deforestation(
        images,
        dates=o.names(dates),
        bands=o.names(bands),
        mmu_ha=o.hectares(mmu),
        aoi=aoi,
        previous=previous,
        protected=protected,
        protected_name=protected_name,
        admin=admin,
        admin_name=admin_name,
        output=output,
        overwrite=overwrite,
    )
