"""The peers of benchmarks/predict.py, as one would write them; run by their own Python.

python predict_peers.py forward|loop|torchgeo|rastervision… PLAN.json — one, or several one after the other; prints
{name: {"tiles", "seconds", "mean"}} as JSON.

All run the same ResNet-18 over the same tiles: whole ones that lie side by side in a part of the region. Seconds count
from the first tile that is read to the last answer; imports, opening files and a first batch of zeros are left out.
`mean` is the mean probability of the first class: it tells that all saw the same pixels. The Python of the peers knows
nothing of geolabel.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import torch
from rasterio.windows import Window
from torchvision.models import resnet18

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Plan = dict[str, Any]


class Model:
    """ResNet-18 with the weights of geolabel's model file, and its normalisation."""

    def __init__(self, plan: Plan) -> None:
        network = resnet18(num_classes=len(plan["classes"]))
        network.conv1 = torch.nn.Conv2d(len(plan["mean"]), 64, 7, 2, 3, bias=False)
        network.load_state_dict(torch.load(plan["weights"], weights_only=True))
        self.device = torch.device(plan["device"])
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self.mean, self.std = (torch.tensor(plan[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
        self(torch.zeros(plan["batch"], len(plan["mean"]), plan["tile_px"], plan["tile_px"]))

    def __call__(self, chips: torch.Tensor) -> torch.Tensor:
        """Normalised chips (n, bands, h, w) → probabilities (n, classes)."""
        cuda = self.device.type == "cuda"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=cuda):
            logits = self.network(chips.to(self.device, memory_format=torch.channels_last))
            return torch.sigmoid(logits.float()).cpu()

    def normalise(self, stored: torch.Tensor) -> torch.Tensor:
        """Stored values (n, bands, h, w) → mean 0, deviation 1."""
        return (stored - self.mean) / self.std


def forward(plan: Plan, model: Model) -> tuple[float, torch.Tensor]:
    """Forward passes alone, over normalised tiles that lie ready in memory (or on the GPU): the limit."""
    ready = [
        model.normalise(chips).to(model.device).contiguous(memory_format=torch.channels_last)
        for chips in windows_in_batches(plan)
    ]
    return timed(model(chips) for chips in ready)


def loop(plan: Plan, model: Model) -> tuple[float, torch.Tensor]:
    """A window is read for each tile, with rasterio."""
    return timed(model(model.normalise(chips)) for chips in windows_in_batches(plan))


def windows_in_batches(plan: Plan) -> Iterator[torch.Tensor]:
    """Stored values as float32, row by row: (batch, bands, h, w)."""
    side = plan["tile_px"]
    with rasterio.open(plan["part"]) as source:
        windows = [
            Window(col, row, side, side)
            for row in range(0, source.height, side)
            for col in range(0, source.width, side)
        ]
        for first in range(0, len(windows), plan["batch"]):
            some = windows[first : first + plan["batch"]]
            yield torch.from_numpy(np.stack([source.read(window=window) for window in some]).astype(np.float32))


def torchgeo(plan: Plan, model: Model) -> tuple[float, torch.Tensor]:
    """RasterDataset, GridGeoSampler and a DataLoader."""
    from torchgeo.datasets import RasterDataset, stack_samples  # type: ignore[import-not-found]
    from torchgeo.samplers import GridGeoSampler  # type: ignore[import-not-found]

    dataset = RasterDataset(plan["part"])
    sampler = GridGeoSampler(dataset, size=plan["tile_px"], stride=plan["tile_px"])
    samples = loader(plan, dataset, sampler=sampler, collate_fn=stack_samples)
    return timed(model(model.normalise(sample["image"])) for sample in samples)


def rastervision(plan: Plan, model: Model) -> tuple[float, torch.Tensor]:
    """SlidingWindowGeoDataset and a DataLoader; its own normalisation is left out, since the network has another."""
    from rastervision.core.data import RasterioSource, Scene  # type: ignore[import-not-found]
    from rastervision.pytorch_learner import SlidingWindowGeoDataset, TransformType  # type: ignore[import-not-found]

    scene = Scene(id="region", raster_source=RasterioSource(uris=plan["part"]))
    side = plan["tile_px"]
    dataset = SlidingWindowGeoDataset(
        scene, size=side, stride=side, padding=0, transform_type=TransformType.noop, normalize=False
    )
    return timed(model(model.normalise(chips)) for chips, _ in loader(plan, dataset))


def loader(plan: Plan, dataset: Any, **options: Any) -> Any:
    """On processors without workers: these take the cores that the network needs."""
    return torch.utils.data.DataLoader(dataset, plan["batch"], num_workers=plan["workers"], **options)


def timed(batches: Iterable[torch.Tensor]) -> tuple[float, torch.Tensor]:
    """Seconds, and all probabilities (tiles, classes)."""
    began = time.perf_counter()
    found = torch.cat(list(batches))
    return time.perf_counter() - began, found


PEERS: dict[str, Callable[[Plan, Model], tuple[float, torch.Tensor]]] = {
    "forward": forward,
    "loop": loop,
    "torchgeo": torchgeo,
    "rastervision": rastervision,
}


def main() -> None:
    """Run those that are named."""
    *names, path = sys.argv[1:]
    plan = json.loads(Path(path).read_text(encoding="utf-8"))
    model = Model(plan)
    print(json.dumps({name: run(name, plan, model) for name in names}))


def run(name: str, plan: Plan, model: Model) -> dict[str, float]:
    """One of them."""
    seconds, found = PEERS[name](plan, model)
    return {"tiles": len(found), "seconds": seconds, "mean": float(found[:, 0].mean())}


if __name__ == "__main__":
    main()
