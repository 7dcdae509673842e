"""`geolabel demo`: the whole way on a made-up world whose truth is known."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import files
from geolabel.errors import GeolabelError
from geolabel.steps.demo_alerts import AlertScore, score_alerts
from geolabel.steps.demo_scores import MineScores, TileScore, score_mines, score_tiles
from geolabel.steps.demo_world import MINE, write_picture, write_world
from geolabel.steps.making import makes
from geolabel.steps.record import close_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TILE_PX = 32
_SMALL = 512


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo showed."""

    folder: Path
    seconds: float
    tile_scores: tuple[TileScore, ...]
    """On the test tiles, against the truth rather than the imperfect labels."""
    mines: MineScores
    alerts: tuple[AlertScore, ...]
    """Of what changed between the dates."""
    open_in_qgis: tuple[Path, ...]


@makes("demo")
def demo(
    folder: Path = Path("geolabel-demo"),
    *,
    size: int = 1536,
    seed: int = 7,
    epochs: int = 16,
    overwrite: bool = False,
    run: Callable[[Sequence[str]], None] | None = None,
) -> DemoReport:
    """Make a world in `folder`, then run tile → label → split → train → predict → export → change on it.

    `run` is given the arguments of each command, as they would be typed; by default they run as processes. Raises
    OptionError (size too small), OutputError.
    """
    files.check_new(folder, overwrite=overwrite, folder="demo")
    began = time.perf_counter()
    run = run or _run_process
    with files.new_directory(folder, "demo", overwrite=overwrite) as draft:
        world = write_world(draft, size, seed)
        record = {"command": "demo", "options": {"size": size, "seed": seed, "epochs": epochs}}
        files.write_json(draft / files.RECORD, record | {"versions": files.versions()})
    for words in _commands(folder, size=size, seed=seed, epochs=epochs):
        run([str(word) for word in words])
    tiles = folder / "tiles.parquet"
    tile_scores = score_tiles(folder, tiles, folder / "run" / "model.safetensors")
    mines = score_mines(world, folder, tiles)
    found = (
        score_alerts(world, folder / "deforestation.alerts", lost="forest"),
        score_alerts(world, folder / "mining.alerts", came=MINE),
    )
    write_picture(folder / "overview.png", folder)
    close_record(folder)
    shown = (
        "after.geolabel/project.qgz",
        "deforestation.alerts/project.qgz",
        "mining.alerts/report.html",
        "truth/after.tif",
    )
    seconds = time.perf_counter() - began
    return DemoReport(folder, seconds, tile_scores, mines, found, tuple(folder / name for name in shown))


def _commands(folder: Path, *, size: int, seed: int, epochs: int) -> list[list[object]]:
    """The commands of the whole way, word by word: a folder's name may hold blanks."""
    tiles, after, run = folder / "tiles.parquet", folder / "after.geolabel", folder / "run"
    labels = ["--vector", folder / "osm.gpkg", "--layer", "landuse", "--field", "fclass"]
    labels += ["--raster", folder / "landcover.tif", "--legend", folder / "landcover.csv"]
    block = "2km" if size > _SMALL else "800m"
    learn = ["--presence", 0.05, "--epochs", epochs, "--seed", seed]
    simple = ["--to", "geojson", "--simplify", "10m", "-o", folder / "detections-simple.geojson"]
    dates = [folder / "before.tif", folder / "after.tif", "--dates", "2019-07-15,2021-08-02"]
    mines = ["--class", MINE, "--what", "gain", "--model", run / "model.safetensors"]
    return [
        ["tile", folder / "before.tif", "--size", _TILE_PX, "--stride", _TILE_PX // 2, "-o", tiles],
        ["label", tiles, *labels, "--scheme", folder / "scheme.toml"],
        ["split", tiles, "--block", block, "--seed", seed],
        ["train", tiles, *learn, "-o", run],
        ["predict", folder / "after.tif", "--model", run / "model.safetensors", "--min-area", "0.5ha", "-o", after],
        ["export", after, *simple],
        ["detect", "deforestation", *dates, "-o", folder / "deforestation.alerts"],
        ["change", *dates, *mines, "-o", folder / "mining.alerts"],
    ]


def _run_process(words: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "geolabel", *words], check=False)  # noqa: S603 - our own commands
    if done.returncode:
        raise GeolabelError(f"geolabel {' '.join(words)}: ended with exit code {done.returncode}")
