"""Every command that writes, once, in one process of its own; for tests of what comes of it.

    python -m tests.cli.whole_way COMMAND…

runs them in the working folder.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio

from tests.cli.conftest import FIELD, write_fields, write_region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MODEL = "run/model.safetensors"
_EMBEDDER = "embedder/model.safetensors"
_PLAIN = "--engine torch --precision fp32 --batch 16 --dense off"
"""What else a trial finds, by the clock."""
TAUGHT: tuple[str, ...] = (
    "tile region.tif --size 16 -o tiles.parquet",
    "label tiles.parquet --vector places.gpkg --field landuse --report labels",
    "split tiles.parquet --block 400m --buffer 0 --val .2 --test .2",
    "train tiles.parquet --epochs 2 -o run",
    "train tiles.parquet --model rf -o forest",
)
SHOWN: tuple[str, ...] = (
    f"evaluate {_MODEL} tiles.parquet",
    f"predict region.tif --model {_MODEL} {_PLAIN}",
    f"predict tiles.parquet --model {_MODEL} -o answers.parquet",
    "polygons region.geolabel -o outlines.gpkg",
    "export region.geolabel --to gpkg -o out/whole.gpkg",
    "export region.geolabel --to geojson -o out/whole.geojson",
    "export region.geolabel --to geoparquet -o out/whole.parquet",
    "export region.geolabel --to flatgeobuf -o out/whole.fgb",
    "export region.geolabel --to pmtiles -o out/whole.pmtiles",
    "export region.geolabel --to qgis -o out/qgis",
    "export region.geolabel --to stac -o out/item.json",
    "dehaze region.tif -o clear.tif --compare compare.html",
    f"explain {_MODEL} tiles.parquet --count 1",
    "explore tiles.parquet --method pca -o explore.html",
    "inspect region.tif --picture look.png",
    "report run evaluation -o runs.html",
    "change region.tif later.tif --dates 2020-01-01,2021-01-01 -o alerts",
    "area sample region.geolabel/classes.tif --points 20 --minimum 2 -o sample.gpkg",
)
EMBEDDED: tuple[str, ...] = (
    "embed train tiles.parquet --epochs 1 --steps 3 -o embedder",
    f"embed encode region.tif --model {_EMBEDDER} {_PLAIN} -o vectors.parquet",
    "embed cluster vectors.parquet --clusters 3",
    "embed search vectors.parquet --like 5 --fit --unlike 60 -o similar.gpkg",
)
OUTPUTS = (
    *("tiles.parquet", "run", "forest", "labels", "evaluation", "region.geolabel", "answers.parquet", "outlines.gpkg"),
    *(f"out/{name}" for name in ("whole.gpkg", "whole.geojson", "whole.parquet", "whole.fgb", "whole.pmtiles")),
    *("out/qgis", "out/item.json", "clear.tif", "compare.html", "explained", "explore.html", "explore.png"),
    *("explore.svg", "look.png", "runs.html", "alerts", "sample.gpkg"),
    *("embedder", "vectors.parquet", "vectors.colours.tif", "clusters.parquet", "clusters.tif"),
    *("similar.gpkg", "similar.html", "similar.heat.tif"),
)
"""What they write that says what made it."""


def write_inputs(folder: Path) -> None:
    """A region, its fields, and the region a year later, when other fields are bare."""
    folder.mkdir(parents=True, exist_ok=True)
    write_region(folder / "region.tif", nodata_rows=20)
    write_fields(folder / "places.gpkg")
    with (
        rasterio.open(folder / "region.tif") as before,
        rasterio.open(folder / "later.tif", "w", **before.profile) as to,
    ):
        to.write(np.roll(before.read(), FIELD, axis=2))
        to.descriptions = before.descriptions


def run(folder: Path, commands: Sequence[str], around: Mapping[str, str] | None = None) -> None:
    """Run commands in a fresh process in `folder`, with other settings of the environment."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.whole_way", *commands],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root), **(around or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _main() -> None:
    from geolabel.cli import commands, process
    from geolabel.cli.app import app

    assert commands
    process.prepare()
    for words in sys.argv[1:]:
        sys.stderr.write(f"$ geolabel {words}\n")
        if code := app([*shlex.split(words), "-q"], standalone_mode=False):
            sys.exit(code)


if __name__ == "__main__":
    _main()
