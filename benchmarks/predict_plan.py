"""What benchmarks/predict.py compares: a region, a part of it, a size of tiles, and the commands that run on them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from labels_run import environment, installed

HERE = Path(__file__).parent
OUT = HERE / "out"
SIZES = ((256, 64), (64, 512))
"""Side of a tile, and how many of them the others take at a time."""
PART_ROWS = 2_048
SHOWN = ("torch", "torchvision", "torchgeo", "rastervision_core", "rasterio", "numpy")


@dataclass(frozen=True, slots=True)
class Bench:
    """A region, the peers' part of it, and one size of tiles."""

    side: int
    tile_px: int
    batch: int
    device: str
    rows: int
    """Of the part, at the most."""

    @property
    def region(self) -> Path:
        """The whole."""
        return OUT / f"big-{self.side}.tif"

    @property
    def part(self) -> Path:
        """Its upper left: whole tiles of either size, whole rows of blocks."""
        width, height = self.part_px
        return OUT / f"big-{self.side}-{width}x{height}.tif"

    @property
    def part_px(self) -> tuple[int, int]:
        """Width and height of the part."""
        width = self.side // SIZES[0][0] * SIZES[0][0]
        return width, min(self.rows, width)

    @property
    def tiles(self) -> int:
        """Of the part."""
        width, height = self.part_px
        return (width // self.tile_px) * (height // self.tile_px)

    @property
    def plan_path(self) -> Path:
        """What the other processes are told."""
        return OUT / f"predict-{self.side}-{self.tile_px}.json"

    def write_plan(self, **more: Any) -> None:
        """Write it."""
        name = f"predict-{self.side}-{self.tile_px}"
        plan = {
            "raster": str(self.region),
            "part": str(self.part),
            "model": str(OUT / f"{name}.safetensors"),
            "weights": str(OUT / f"{name}.pt"),
            "tile_px": self.tile_px,
            "batch": self.batch,
            "tiles": self.tiles,
            "classes": ["one", "other"],
            "device": self.device,
            "workers": 0 if self.device == "cpu" else os.cpu_count(),
            **more,
        }
        self.plan_path.write_text(json.dumps(plan, indent=1), encoding="utf-8")

    def inside(self, name: str, *more: str | Path) -> list[str | Path]:
        """A part of predict_inside.py."""
        return [sys.executable, HERE / "predict_inside.py", name, self.plan_path, *more]

    def peers(self, *names: str) -> list[str | Path]:
        """Parts of predict_peers.py, in one process."""
        return [peers_python(), HERE / "predict_peers.py", *names, self.plan_path]

    def predict(self) -> list[str | Path]:
        """The command."""
        model = OUT / f"predict-{self.side}-{self.tile_px}.safetensors"
        words = ("predict", self.region, "--model", model, "--stride", str(self.tile_px), "--device", self.device)
        return [sys.executable, "-m", "geolabel", *words, "-o", self.map, "--overwrite", "--json"]

    def forget(self) -> None:
        """Throw away what a run of the command that was stopped has left: it would be gone on with."""
        shutil.rmtree(self.map.with_name(f"{self.map.name}.shards"), ignore_errors=True)

    @property
    def map(self) -> Path:
        """What the command writes."""
        return OUT / "predict.geolabel"

    @property
    def record(self) -> dict[str, Any]:
        """What the command says of its last run."""
        found: dict[str, Any] = json.loads((self.map / "run.json").read_text(encoding="utf-8"))
        return found

    @property
    def megabytes(self) -> float:
        """Of raw pixels."""
        return self.side**2 * 4 * 2 / 1e6


def make_rasters(bench: Bench) -> None:
    """The region and the peers' part of it, once."""
    import rasterio
    from big_raster import make
    from rasterio.windows import Window

    whole = make(bench.region, bench.side)
    if bench.part.exists():
        return
    width, height = bench.part_px
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(whole) as source:
        profile = source.profile | {"width": width, "height": height}
        with rasterio.open(bench.part, "w", **profile) as part:
            part.write(source.read(window=Window(0, 0, width, height)))
            part.descriptions = source.descriptions


def peers_installed() -> bool:
    """Whether their environment is there."""
    return installed(OUT / "predict-peers") is not None


def peers() -> str:
    """Which versions."""
    lines = (OUT / "predict-peers" / "installed.txt").read_text(encoding="utf-8").splitlines()
    return ", ".join(line.replace("==", " ") for line in lines if line.split("==")[0] in SHOWN)


def peers_python() -> Path:
    """Of the peers' own environment; its torch is the one that geolabel uses here."""
    torch = version("torch").partition("+")[0]
    packages = (f"torch=={torch}", "torchvision", "torchgeo", "rastervision-pytorch-learner")
    return environment(OUT / "predict-peers", packages)
