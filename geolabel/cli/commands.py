"""Every command's signature; what they do is in geolabel.steps."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import EXIT_INTERRUPTED, app, command, group
from geolabel.errors import GeolabelError

if TYPE_CHECKING:
    from collections.abc import Sequence


@command("tile", "geolabel tile mosaic.tif --size 256 -o tiles.parquet")
def tile(
    rasters: Annotated[list[Path] | None, typer.Argument(metavar="[RASTER]...", help="Rasters to cut.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Tile index to write.")] = Path(
        "tiles.parquet"
    ),
    size: Annotated[int, typer.Option("--size", help="Tile side, pixels.")] = 256,
    stride: Annotated[int | None, typer.Option("--stride", help="Step between tiles, pixels.  [default: size]")] = None,
    aoi: o.Aoi = None,
    min_valid: Annotated[float, typer.Option("--min-valid", help="Least share of valid pixels, 0–1.")] = 0.5,
    bands: o.Bands = None,
    images: Annotated[
        Path | None, typer.Option("--images", metavar="DIR", help="A folder of chips instead of rasters.")
    ] = None,
    tags: Annotated[
        Path | None, typer.Option("--tags", metavar="CSV", help="Tags of the chips: image,tags or one column a class.")
    ] = None,
    gsd: Annotated[
        float | None, typer.Option("--gsd", help="Pixel size of the chips, metres, where it is known.")
    ] = None,
    missing: Annotated[
        Literal["skip", "error"], typer.Option("--missing", help="Images named in --tags that are not there.")
    ] = "skip",
    overwrite: o.Overwrite = False,
) -> Any:
    """Rasters, or a folder of chips, become a tile index. Pixels are not copied."""
    from geolabel.steps.tile import tile as step

    return step(
        rasters or (),
        output=output,
        size=size,
        stride=stride,
        aoi=aoi,
        min_valid=min_valid,
        bands=o.names(bands),
        images=images,
        tags=tags,
        gsd=gsd,
        on_missing=missing,
        overwrite=overwrite,
    )


@command("label", "geolabel label tiles.parquet --osm region.osm.pbf --clc clc2018.tif --scheme mining")
def label(
    tiles: o.Tiles,
    osm: Annotated[
        list[Path] | None,
        typer.Option("--osm", metavar="FILE", help="OSM extract (.osm.pbf), a vector file with OSM tags, osmlanduse."),
    ] = None,
    clc: Annotated[
        list[Path] | None, typer.Option("--clc", metavar="FILE", help="CORINE Land Cover, raster or vector.")
    ] = None,
    vector: Annotated[list[Path] | None, typer.Option("--vector", metavar="FILE", help="Polygons; repeatable.")] = None,
    field: Annotated[
        str | None, typer.Option("--field", metavar="NAME", help="Attribute of --vector that names the class.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="NAME", help="Layer of --vector.  [default: the first]")
    ] = None,
    raster: Annotated[
        list[Path] | None, typer.Option("--raster", metavar="FILE", help="Class raster in any CRS; repeatable.")
    ] = None,
    legend: Annotated[
        Path | None, typer.Option("--legend", metavar="CSV", help="What the codes of --raster mean: code,name.")
    ] = None,
    tags: Annotated[
        Path | None, typer.Option("--tags", metavar="CSV|DIR", help="Tags of chips: a table, or BigEarthNet's folder.")
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", metavar="NAME|FILE.toml", help="Classes and rules; see geolabel schemes show."),
    ] = None,
    merge: Annotated[
        Literal["priority", "agreement", "separate"],
        typer.Option("--merge", help="Where several sources speak. priority: vector, osm, raster, clc."),
    ] = "priority",
    exact: Annotated[bool, typer.Option("--exact", help="Cut geometry by geometry, to check with: slower.")] = False,
    min_known: Annotated[
        float, typer.Option("--min-known", help="Least known share of a tile; below it is unknown.")
    ] = 0.5,
    dominant: Annotated[
        float | None, typer.Option("--dominant", metavar="SHARE", help="Also name the largest class, from this share.")
    ] = None,
    presence: Annotated[
        str | None,
        typer.Option("--presence", metavar="SHARES", help="Also say what is present: .1, or mining=.02,forest=.3"),
    ] = None,
    weak_negatives: Annotated[
        str | None,
        typer.Option("--weak-negatives", metavar="DIST", help="Unknown tiles farther from any positive are negative."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Where sources disagree, and which labels to doubt."),
    ] = None,
    output: o.InPlace = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Attach the share of each class in each tile; what no source knows stays unknown."""
    from geolabel.cli import process
    from geolabel.steps.label import label as step

    process.give_back_arrays()
    return step(
        tiles,
        osm=osm or (),
        clc=clc or (),
        vector=vector or (),
        field=field,
        layer=layer,
        raster=raster or (),
        legend=legend,
        tags=tags,
        scheme=scheme,
        merge=merge,
        exact=exact,
        min_known=min_known,
        dominant=dominant,
        presence=o.shares(presence) if presence is not None else None,
        weak_negatives_m=o.metres(weak_negatives) if weak_negatives is not None else None,
        report=report,
        output=output,
        overwrite=overwrite,
    )


@command("split", "geolabel split tiles.parquet --block 5km --val .15 --test .15")
def split(
    tiles: o.Tiles,
    block: Annotated[str, typer.Option("--block", metavar="DIST", help="Side of a spatial block.")] = "5km",
    buffer: Annotated[
        str | None, typer.Option("--buffer", metavar="DIST", help="Distance kept between parts.  [default: one tile]")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", help="Folds for cross-validation.")] = 5,
    val: Annotated[float, typer.Option("--val", help="Share of tiles to validate on.")] = 0.15,
    test: Annotated[float, typer.Option("--test", help="Share of tiles to test on.")] = 0.15,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Keep tiles of one value together, instead of blocks.")
    ] = None,
    random: Annotated[bool, typer.Option("--random", help="At random: scores will flatter.")] = False,
    seed: o.Seed = 0,
    output: o.InPlace = None,
    overwrite: o.Overwrite = False,
) -> Any:
    """Decide which tiles train, validate and test: by spatial blocks, kept apart by a buffer."""
    from geolabel.steps.split import split as step

    return step(
        tiles,
        block_m=o.metres(block),
        buffer_m=o.metres(buffer) if buffer is not None else None,
        folds=folds,
        val=val,
        test=test,
        by=by,
        random=random,
        seed=seed,
        output=output,
        overwrite=overwrite,
    )


@command("train", "geolabel train tiles.parquet --model resnet18 -o run")
def train(
    tiles: o.Tiles,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Run folder.")] = Path("run"),
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="small-cnn, or a network that timm knows.")
    ] = "small-cnn",
    weights: Annotated[
        str, typer.Option("--weights", metavar="FILE|default|none", help="Weights to start from.")
    ] = "none",
    heads: Annotated[
        Literal["auto", "sigmoid", "softmax"], typer.Option("--heads", help="auto: groups of the scheme are softmax.")
    ] = "auto",
    presence: Annotated[
        float | None,
        typer.Option(
            "--presence", help="Share of a tile from which a class is present.  [default: the labels', or .1]"
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", help="At the most.")] = 30,
    batch: Annotated[int, typer.Option("--batch", help="Tiles a step.")] = 64,
    lr: Annotated[float, typer.Option("--lr", help="Highest learning rate.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option("--weight-decay", help="Of AdamW.")] = 0.05,
    patience: Annotated[int, typer.Option("--patience", help="Epochs without a better score before stopping.")] = 8,
    augment: Annotated[bool, typer.Option("--augment/--no-augment", help="Turn, mirror and relight tiles.")] = True,
    device: o.Device = "auto",
    seed: o.Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, with its options.")
    ] = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Train a classifier; `model.safetensors` holds the weights and all that predict needs."""
    from geolabel.cli.live import epochs_table
    from geolabel.steps.train import train as step

    with epochs_table() as on_epoch:
        return step(
            tiles,
            output=output,
            model=model,
            weights=weights,
            heads=heads,
            presence=presence,
            epochs=epochs,
            batch=batch,
            lr=lr,
            weight_decay=weight_decay,
            patience=patience,
            augment=augment,
            device=device,
            seed=seed,
            resume=resume,
            overwrite=overwrite,
            on_epoch=on_epoch,
        )


@command("evaluate", "geolabel evaluate run/model.safetensors tiles.parquet --split test")
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model.safetensors.")],
    tiles: o.Tiles,
    split: Annotated[str, typer.Option("--split", help="Part to score: test, val or train.")] = "test",
    device: o.Device = "auto",
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Scores as JSON.")] = Path(
        "evaluation.json"
    ),
    overwrite: o.Overwrite = False,
) -> Any:
    """Score a model on a part of a tile index."""
    from geolabel.steps.evaluate import evaluate as step

    return step(model, tiles, split=split, device=device, output=output, overwrite=overwrite)


@command("predict", "geolabel predict region.tif --model run/model.safetensors")
def predict(
    raster: Annotated[Path, typer.Argument(metavar="RASTER", help="The region.")],
    model: Annotated[Path, typer.Option("--model", metavar="FILE", help="model.safetensors.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Prediction folder.  [default: RASTER.geolabel]"),
    ] = None,
    bands: o.Bands = None,
    scale: Annotated[
        float | None, typer.Option("--scale", help="Stored value × scale = value in the model's unit.")
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
    """Predict every tile of a region and write maps that open, styled, in QGIS."""
    from geolabel.steps.predict import predict as step

    return step(
        raster,
        model=model,
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


@command("demo", "geolabel demo")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to make.")] = Path("geolabel-demo"),
    size: Annotated[int, typer.Option("--size", help="Side of the world, pixels of 10 m.")] = 1536,
    epochs: Annotated[int, typer.Option("--epochs", help="Of training.")] = 16,
    seed: o.Seed = 7,
    overwrite: o.Overwrite = False,
) -> Any:
    """The whole way on a made-up world whose truth is known, in under four minutes."""
    from geolabel.steps.demo import demo as step

    def run(words: Sequence[str]) -> None:
        typer.secho(f"\n$ geolabel {shlex.join(words)}", bold=True, err=True)
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the demo's own report
            code = app([*words], standalone_mode=False)
        if code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        if code:
            raise GeolabelError(f"the demo stops here: geolabel {words[0]} ended with exit code {code}")

    return step(folder, size=size, seed=seed, epochs=epochs, overwrite=overwrite, run=run)


@command("doctor", "geolabel doctor")
def doctor() -> Any:
    """What this installation can do, and the cure for what it cannot."""
    from geolabel.steps.doctor import doctor as step

    return step()


schemes = group("schemes", "The class schemes that come with geolabel, and your own.")


@command("show", "geolabel schemes show forest", into=schemes)
def schemes_show(
    scheme: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|FILE]", help="A built-in scheme, or a file of your own.  [default: list them]"),
    ] = None,
) -> Any:
    """List the built-in schemes, or show one: its classes, colours and rules."""
    from geolabel.steps.schemes import list_schemes, show_scheme

    return show_scheme(scheme) if scheme else list_schemes()


@command("check", "geolabel schemes check classes.toml", into=schemes)
def schemes_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scheme files (TOML).")],
) -> Any:
    """Check scheme files of your own: what is wrong, and what is allowed but hardly meant."""
    from geolabel.steps.schemes import check_schemes

    return check_schemes(files)
