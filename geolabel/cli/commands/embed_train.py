"""`geolabel embed train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command
from geolabel.cli.commands.embed import embed
from geolabel.cli.recipe_options import with_recipe
from geolabel.learn.metric.recipe import EmbedRecipe

_MAPS: Any = {"rich_help_panel": "Maps of labels, for rasters"}


@command("train", "geolabel embed train mosaic.tif --size 96 -o embedder", into=embed)
@with_recipe
def embed_train(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="TILES|RASTER...", help="A tile index, or rasters that places are drawn from."),
    ],
    recipe: EmbedRecipe,
    size: Annotated[int, typer.Option("--size", help="Tile side on rasters, pixels.")] = 96,
    bands: o.Bands = None,
    aoi: o.Aoi = None,
    min_valid: Annotated[float, typer.Option("--min-valid", help="Least share of valid pixels, 0–1.")] = 0.5,
    val: Annotated[
        float, typer.Option("--val", help="Share of the rasters' ground, in blocks, by which epochs are judged.")
    ] = 0.15,
    test: Annotated[
        float, typer.Option("--test", help="Share by which the vectors are judged, where there are maps of labels.")
    ] = 0.15,
    osm: Annotated[
        list[Path] | None, typer.Option("--osm", metavar="FILE", help="Labels of the rasters: an OSM extract.", **_MAPS)
    ] = None,
    clc: Annotated[
        list[Path] | None, typer.Option("--clc", metavar="FILE", help="CORINE Land Cover, raster or vector.", **_MAPS)
    ] = None,
    raster: Annotated[
        list[Path] | None, typer.Option("--raster", metavar="FILE", help="A class raster in any CRS.", **_MAPS)
    ] = None,
    legend: Annotated[
        Path | None, typer.Option("--legend", metavar="CSV", help="What the codes of --raster mean.", **_MAPS)
    ] = None,
    vector: Annotated[list[Path] | None, typer.Option("--vector", metavar="FILE", help="Polygons.", **_MAPS)] = None,
    field: Annotated[
        str | None, typer.Option("--field", metavar="NAME", help="Attribute that names their class.", **_MAPS)
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", metavar="NAME", help="Their layer.", **_MAPS)] = None,
    scheme: Annotated[
        str | None, typer.Option("--scheme", metavar="NAME|FILE.toml", help="Classes and rules.", **_MAPS)
    ] = None,
    validation_map: Annotated[
        Literal["osm", "clc", "raster", "vector"] | None,
        typer.Option("--validation-map", help="Of several kinds of maps the one that counts.", **_MAPS),
    ] = None,
    validation_tiles: Annotated[
        int, typer.Option("--validation-tiles", help="Tiles of each part that are drawn and labelled.", **_MAPS)
    ] = 5000,
    single: Annotated[
        str, typer.Option("--single-class-classifiers", metavar="NAMES", help="Probes of the class.", **_MAPS)
    ] = "knn",
    multi: Annotated[
        str, typer.Option("--multi-class-classifiers", metavar="NAMES", help="Probes of the shares.", **_MAPS)
    ] = "knn",
    repeats: Annotated[int, typer.Option("--repeats", help="So often tiles are drawn and judged.", **_MAPS)] = 5,
    baselines: Annotated[
        str, typer.Option("--baselines", metavar="NAMES", help="What the vectors are held against; or none.", **_MAPS)
    ] = "all",
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Run folder.")] = Path("embedder"),
    cache: o.Cache = None,
    resume: o.Resume = False,
    overwrite: o.Overwrite = False,
) -> Any:
    """Learn vectors that tell places apart: from labels of tiles, or from nothing but where places lie."""
    from geolabel.cli.live import embed_epochs_table
    from geolabel.steps.embed.train import train as step
    from geolabel.steps.embed.training.ground import Drawing
    from geolabel.steps.embed.training.labelled import Judging, LabelMaps

    with embed_epochs_table() as on_epoch:
        return step(
            sources,
            output=output,
            recipe=recipe,
            drawing=Drawing(size, tuple(o.names(bands)), aoi, min_valid, val, test),
            maps=LabelMaps(
                osm=tuple(osm or ()),
                clc=tuple(clc or ()),
                raster=tuple(raster or ()),
                vector=tuple(vector or ()),
                field=field,
                layer=layer,
                legend=legend,
                scheme=scheme,
                choice=validation_map,
            ),
            judging=Judging(
                validation_tiles,
                tuple(o.names(single)),
                tuple(o.names(multi)),
                repeats,
                tuple(o.names(baselines)) or ("none",),
            ),
            cache=cache,
            resume=resume,
            overwrite=overwrite,
            on_epoch=on_epoch,
        )
