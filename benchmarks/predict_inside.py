"""What benchmarks/predict.py has done inside geolabel, each in a fresh process; what it finds is printed as JSON.

python predict_inside.py model PLAN.json     a model file, and the same weights for the peers
python predict_inside.py engine PLAN.json    the engine that geolabel chooses, on tiles in memory, and on the region
python predict_inside.py mean PLAN.json OUT  mean probability of the first class in a map, over the peers' part
python predict_inside.py strips PLAN.json    the whole region through the pipeline, with a model that says nothing
python predict_inside.py gdal PLAN.json [MB] the whole region by rasterio, 512 rows at a time, with all threads
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel.cli.process import prepare

prepare()  # as the command does before torch is loaded

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from rasterio.windows import Window  # noqa: E402

from geolabel import inference, raster  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Plan = dict[str, Any]
Found = dict[str, Any]
_SEED = 0
_DETECTED = 0.05
"""Part of the tiles that is to be detected: a map without polygons would cost less than any that is of use."""
_ROWS = 512
_SAMPLE = 512
"""Tiles, at the most, that the engine is chosen on."""


def model(plan: Plan) -> Found:
    """A ResNet-18 that learned nothing, but whose batch norms have seen the region, as those of any other have."""
    import torch

    from geolabel.labels.scheme import LabelClass, Scheme, complete
    from geolabel.learn import backbones
    from geolabel.learn.forward import make_classifier
    from geolabel.learn.store import save_predictor
    from geolabel.learn.transforms import Normalise
    from geolabel.model import BandContract, Head, ModelCard

    side, names = plan["tile_px"], tuple(plan["classes"])
    bands = raster.describe(Path(plan["raster"])).band_names
    tiles = _tiles(plan)[:: max(1, plan["tiles"] // 64)]
    mean, std = tiles.mean(axis=(0, 2, 3)), tiles.std(axis=(0, 2, 3))
    contract = tuple(BandContract(name, 1.0, 0.0, float(mean[at]), float(std[at])) for at, name in enumerate(bands))
    network = backbones.start("resnet18", len(bands), len(names), "none", _SEED, tile_px=(side, side))
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None  # a plain mean of what they see
    chips = Normalise(contract)(
        torch.from_numpy(tiles.astype(np.float32)), torch.ones(len(tiles), side, side, dtype=torch.bool)
    )
    with torch.no_grad():
        network.train()(chips)
        found = torch.sigmoid(network.eval()(chips)).numpy()
    card = ModelCard(
        architecture="resnet18",
        heads=(Head("classes", "sigmoid", names),),
        scheme=complete(Scheme("predict", tuple(LabelClass(name) for name in names))).to_json(),
        bands=contract,
        dtype="uint16",
        gsd_m=10.0,
        tile_px=(side, side),
        presence=dict.fromkeys(names, 0.1),
        thresholds={name: float(np.quantile(found[:, at], 1 - _DETECTED)) for at, name in enumerate(names)},
    )
    save_predictor(Path(plan["model"]), make_classifier(card, network, torch.device("cpu")))
    torch.save(network.state_dict(), plan["weights"])
    return {"mean": mean.tolist(), "std": std.tolist(), "spread": found.std(axis=0).tolist()}


def engine(plan: Plan) -> Found:
    """Choose, equip; answer for the peers' tiles, for the whole region through the pipeline, and for the tiles again.

    The same engine does both, so that what reading costs is the difference.
    """
    from geolabel.learn.device import choose_device
    from geolabel.learn.engines import choose, equip
    from geolabel.learn.store import load_predictor
    from geolabel.learn.windows import Windows

    predictor = load_predictor(Path(plan["model"]), choose_device(plan["device"]))
    tiles = _tiles(plan)
    valid = np.ones((len(tiles), *tiles.shape[2:]), dtype=bool)
    began = time.perf_counter()
    chosen = choose(predictor, tiles[:_SAMPLE], valid[:_SAMPLE])
    ready = equip(predictor, chosen)
    ready(tiles[:_SAMPLE], valid[:_SAMPLE])
    trial = time.perf_counter() - began

    def forward() -> tuple[float, NDArray[np.float32]]:
        began = time.perf_counter()
        found = ready(tiles, valid)
        return time.perf_counter() - began, found

    before, _ = forward()
    through, seconds = _pipeline(plan, Windows(ready), len(predictor.card.classes))
    after, found = forward()
    return {
        "tiles": 2 * len(tiles),
        "seconds": before + after,
        "mean": float(found[:, 0].mean()),
        "pipeline_tiles": through,
        "pipeline_seconds": seconds,
        "trial_seconds": trial,
        "engine": chosen.to_json(),
    }


def _pipeline(plan: Plan, answer: inference.Answer, classes: int) -> tuple[int, float]:
    """Tiles of the whole region and seconds from the first block that is read to the last answer."""
    info = raster.describe(Path(plan["raster"]))
    side = plan["tile_px"]
    tiling = inference.make_plan(info.width, info.height, (side, side), side)
    began = time.perf_counter()
    with raster.open_raster(info) as reader:
        for _ in inference.predict_shards(reader, tiling, inference.cut(tiling), answer, classes):
            pass
    return tiling.tiles, time.perf_counter() - began


def _tiles(plan: Plan) -> NDArray[Any]:
    """The peers' tiles in stored values: (tiles, bands, h, w)."""
    side = plan["tile_px"]
    with rasterio.open(plan["part"]) as source:
        pixels = source.read()
    bands, height, width = pixels.shape
    tiles = pixels.reshape(bands, height // side, side, width // side, side).transpose(1, 3, 0, 2, 4)
    return np.ascontiguousarray(tiles.reshape(-1, bands, side, side))


def mean(plan: Plan, out: str) -> Found:
    """Of the tiles that no other overlaps; the last of each row of tiles in the region is moved inward."""
    with rasterio.open(plan["part"]) as part, rasterio.open(Path(out) / "probabilities.tif") as found:
        levels = found.read(1, window=Window(0, 0, part.width - plan["tile_px"], part.height))
        return {"mean": float(levels.mean()) * found.scales[0]}


@dataclass(frozen=True, slots=True)
class Nothing:
    """Answers for tiles without looking at them."""

    halo: int = 0
    lattice: int = 1
    span: int = _ROWS

    def __call__(
        self, pixels: NDArray[Any], valid: NDArray[np.bool_], rows: NDArray[np.int64], cols: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Zeros (tiles, 1)."""
        del pixels, valid, cols
        return np.zeros((len(rows), 1), np.float32)


def strips(plan: Plan) -> Found:
    """Reading, and all that is done with pixels before a network sees them."""
    return {"seconds": _pipeline(plan, Nothing(), 1)[1]}


def gdal(plan: Plan, cache_mb: str = "") -> Found:
    """The same pixels, as fast as a plain loop gets them; with GDAL's own cache, or another."""
    cache = {"GDAL_CACHEMAX": int(cache_mb) << 20} if cache_mb else {}  # rasterio takes bytes, unlike GDAL
    began = time.perf_counter()
    with (
        rasterio.Env(**cache),
        rasterio.open(plan["raster"], NUM_THREADS="ALL_CPUS") as source,
    ):
        for row in range(0, source.height, _ROWS):
            source.read(window=Window(0, row, source.width, min(_ROWS, source.height - row)))
    return {"seconds": time.perf_counter() - began}


PARTS: dict[str, Callable[..., Found]] = {
    "model": model,
    "engine": engine,
    "mean": mean,
    "strips": strips,
    "gdal": gdal,
}


def main() -> None:
    """Do one part."""
    name, plan, *more = sys.argv[1:]
    print(json.dumps(PARTS[name](json.loads(Path(plan).read_text(encoding="utf-8")), *more)))


if __name__ == "__main__":
    main()
