"""Commands about tiles and their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


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
    haze: Annotated[bool, typer.Option("--haze", help="Measure how hazy each tile is: a column haze, 0 to 1.")] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="BEFORE AFTER, two dates of a place, are one raster: for train --pairs.")
    ] = False,
    sampling: Annotated[
        Literal["grid", "random", "cluster"],
        typer.Option("--sampling", help="Tiles side by side, or drawn: anywhere, or some near each other."),
    ] = "grid",
    count: Annotated[int | None, typer.Option("--count", help="How many tiles are drawn.")] = None,
    cluster_size: Annotated[
        int, typer.Option("--cluster-size", help="Tiles of a cluster, within 5 tile sizes of its first.")
    ] = 16,
    random_reset: Annotated[
        float, typer.Option("--random-reset", help="Chance that a tile begins a new cluster: 0 clusters, 1 random.")
    ] = 0.0,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> Any:
    """Rasters, or a folder of chips, become a tile index. Pixels are not copied."""
    from geolabel.errors import OptionError
    from geolabel.steps.tile import tile as step
    from geolabel.steps.tile_sampled import Sampling

    if (sampling == "grid") != (count is None):
        raise OptionError(
            "--count is for drawn tiles: add --sampling random, or cluster"
            if sampling == "grid"
            else f"--sampling {sampling} needs --count, the number of tiles to draw"
        )

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
        haze=haze,
        pairs=pairs,
        sampled=None
        if sampling == "grid" or count is None
        else Sampling(sampling, count, cluster_size, random_reset, seed),
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
    from geolabel import memory
    from geolabel.steps.label import label as step

    memory.give_back_arrays()
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
