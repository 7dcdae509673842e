"""`geolabel embed segment`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed


@command(
    "segment",
    "geolabel embed segment region.tif --model run/model.safetensors --labels landcover.tif --legend landcover.csv",
    into=embed,
)
def segment(
    raster: Annotated[Path, typer.Argument(metavar="RASTER", help="The region.")],
    model: Annotated[str, typer.Option("--model", metavar="FILE|NAME", help="An embedder, or a classifier's network.")],
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="Class raster in any CRS, or polygons with --field."),
    ] = None,
    legend: Annotated[
        Path | None, typer.Option("--legend", metavar="CSV", help="What the codes of a class raster mean: code,name.")
    ] = None,
    field: Annotated[
        str | None, typer.Option("--field", metavar="NAME", help="Attribute of polygons that names the class.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="NAME", help="Layer of polygons.  [default: the first]")
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", metavar="NAME|FILE.toml", help="Classes and rules; clc-3 for CORINE Land Cover."),
    ] = None,
    probe_from: Annotated[
        Path | None,
        typer.Option("--probe-from", metavar="DIR", help="Instead of --labels: the probe of an earlier run."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write.  [default: RASTER.segments]")
    ] = None,
    probe: Annotated[
        Literal["better", "logistic", "forest"],
        typer.Option(
            "--probe",
            help="What draws the map; better: logistic, unless a forest is clearly better on held-out training blocks.",
        ),
    ] = "better",
    pixels: Annotated[int, typer.Option("--pixels", help="Labelled pixels to draw; of rare classes more.")] = 50_000,
    block: Annotated[str, typer.Option("--block", metavar="DIST", help="Side of a spatial block.")] = "5km",
    buffer: Annotated[
        str | None,
        typer.Option("--buffer", metavar="DIST", help="Kept between training and test pixels.  [default: one tile]"),
    ] = None,
    test: Annotated[float, typer.Option("--test", help="Share of the pixels to test on.")] = 0.3,
    folds: Annotated[
        int | None, typer.Option("--folds", help="Test each block once, by probes of the others, instead of --test.")
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option("--stride", help="See tiles so many pixels apart.  [default: the network's own maps]"),
    ] = None,
    bands: o.Bands = None,
    scale: Annotated[
        float | None, typer.Option("--scale", help="Stored value × scale = the model's stored value.")
    ] = None,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> Any:
    """Tell classes pixel by pixel from what a network sees, beside colours alone, and draw the map."""
    from geolabel.errors import OptionError
    from geolabel.steps.embed.segment import segment as step
    from geolabel.steps.embed.segmentation.labels import LabelFile
    from geolabel.steps.embed.segmentation.learn import Choices
    from geolabel.steps.embed.segmentation.scores import Blocks

    blocks = Blocks(o.metres(block), o.metres(buffer) if buffer is not None else None, test, folds)
    choices = Choices(probe, pixels, blocks, seed)
    if probe_from is not None and choices != Choices():
        given = {"--probe": probe != "better", "--pixels": pixels != Choices().pixels, "--seed": seed != 0}
        given |= {f"--{one.name}": getattr(blocks, one.name) != one.default for one in fields(Blocks)}
        unused = [flag.removesuffix("_m") for flag, is_given in given.items() if is_given]
        raise OptionError(f"--probe-from {probe_from}: its probe has learned already; leave {', '.join(unused)} out")
    if labels is None and (legend or field or layer or scheme):
        raise OptionError("--legend, --field, --layer and --scheme are about --labels FILE, which is missing")
    return step(
        raster,
        model=model,
        labels=LabelFile(labels, legend, field, layer, scheme) if labels else None,
        probe_from=probe_from,
        output=output,
        choices=choices,
        stride=stride,
        bands=o.names(bands),
        scale=scale,
        device=device,
        overwrite=overwrite,
    )
