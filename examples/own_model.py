"""The Python API: each command is a function of the same name, and gives back what it did as an object.

    python own_model.py

Trains two networks on the same tiles, keeps the better one, maps the later date with it, and reads the result.
"""

from __future__ import annotations

from pathlib import Path

import geopandas
import world

import geolabel

HERE = Path("world")


def main() -> None:
    """Tile, label, split, train twice, predict with the better, and sum up what was found."""
    world.main(HERE)
    tiles = Path("tiles.parquet")
    made = geolabel.tile([HERE / "before.tif"], size=32, stride=16, output=tiles)
    print(f"{made.tiles} tiles")
    # volunteers first; where they mapped nothing, a coarse land-cover map: it knows no mines, and is not asked for them
    geolabel.label(
        tiles,
        vector=[HERE / "osm.gpkg"],
        layer="landuse",
        field="fclass",
        raster=[HERE / "landcover.tif"],
        legend=HERE / "landcover.csv",
        scheme=HERE / "scheme.toml",
    )
    geolabel.split(tiles, block_m=1_500)

    scores: dict[Path, float] = {}
    for name, options in {"plain": {}, "focal": {"loss": "focal", "balance": "weights"}}.items():
        run = Path("runs") / name
        # options are those of `geolabel train`, with _ for -; a wrong name or value raises geolabel.errors.OptionError
        geolabel.train(tiles, output=run, epochs=4, presence=0.05, seed=1, **options)
        report = geolabel.evaluate(run / "model.safetensors", tiles, output=run / "evaluation")
        scores[run] = report.averages["macro"]["f1"] or 0.0  # none where the part shows no class
    best = max(scores, key=lambda run: scores[run])
    print(f"{best.name}: F1 {scores[best]:.2f} on unseen blocks")

    geolabel.predict(HERE / "after.tif", model=best / "model.safetensors", output="region.geolabel", min_area_ha=0.5)

    # outputs are plain files: any GIS, GDAL or geopandas reads them
    found = geopandas.read_file("region.geolabel/detections.gpkg")
    for name, hectares in found.groupby("class")["area_ha"].sum().items():
        print(f"{name}: {hectares:.1f} ha")


if __name__ == "__main__":
    main()
