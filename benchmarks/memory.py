"""Peak memory of `geolabel predict`: does it grow with the region? The limits are 1.5 GB, and a tenth more.

    python benchmarks/memory.py [--repeats 3] [--side 10000] [--times 4] [--classes 2,9,17] [--json FILE]

An untrained network predicts in a process of its own; what the kernel says of that is printed, medians of the repeats.
The first two rows are one raster of 10,000 × 10,000 px, 4 bands, uint16, and the same raster sixteen times side by side
(--times along each axis; a VRT, 40,000 × 40,000 px); the network is a small and fast one (lcnet_035), since memory is
the point. The others are geolabel's own small-cnn: tiles of 64 px, and tiles of 256 px at half stride with more classes
on 1,536 rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labels_run import Cost, apart, run
from measured import Result, add_json, over, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_MB, GROWTH = 1_500.0, 1.10
ROWS = 1_536
OUT = Path(__file__).parent / "out"


@dataclass(frozen=True, slots=True)
class Case:
    """A region and the model that it is predicted by."""

    side: int
    """Of the raster that the region is made of, pixels."""
    part: str
    """whole, repeated (side by side) or upper (its upper ROWS rows)."""
    architecture: str
    tile_px: int
    stride: int
    classes: int
    times: int = 1
    """How often the raster is repeated along each axis."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the region."""
        return self.times * self.side, min(ROWS, self.side) if self.part == "upper" else self.times * self.side

    @property
    def region(self) -> Path:
        """Its file."""
        width, height = self.size
        names = {"whole": f"{self.side}.tif", "repeated": f"{width}.vrt", "upper": f"{width}x{height}.tif"}
        return OUT / f"big-{names[self.part]}"

    @property
    def model(self) -> Path:
        """The model's file."""
        return OUT / f"untrained-{self.architecture}-{self.tile_px}-{self.classes}.safetensors"


def cases(side: int, times: int, several: Sequence[int]) -> tuple[Case, ...]:
    """The rows of the table; growth is that of the second over the first."""
    return (
        Case(side, "whole", "lcnet_035", 256, 256, 2),
        Case(side, "repeated", "lcnet_035", 256, 256, 2, times),
        Case(side, "whole", "small-cnn", 64, 64, 2),
        *(Case(side, "upper", "small-cnn", 256, 128, classes) for classes in several),
    )


def main() -> None:
    """Print a row a case, and what became of the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, default=10_000, help="of the raster, pixels; smaller: to see that it runs")
    parser.add_argument("--times", type=int, default=4, help="how often it is repeated along each axis")
    parser.add_argument("--classes", default="2,9,17", help="of the rows at half stride, with commas")
    add_json(parser)
    asked = parser.parse_args()
    print(
        f"{'region':>16}{'network':>11}{'tile':>6}{'stride':>8}{'classes':>9}{'tiles':>9}{'seconds':>9}{'peak MB':>9}"
        f"{'of limit':>10}"
    )
    peaks, results = [], []
    for case in cases(asked.side, asked.times, [int(count) for count in asked.classes.split(",")]):
        apart(prepare, case)
        costs = [predict(case) for _ in range(asked.repeats)]
        seconds, peak = (statistics.median(getattr(cost, name) for cost in costs) for name in ("seconds", "peak_mb"))
        tiles = json.loads(costs[-1].output)["tiles"]
        width, height = case.size
        print(
            f"{f'{width} × {height}':>16}{case.architecture:>11}{case.tile_px:>6}{case.stride:>8}{case.classes:>9}"
            f"{tiles:>9,}{seconds:>9.1f}{peak:>9.0f}{peak / LIMIT_MB:>10.2f}",
            flush=True,
        )
        peaks.append(peak)
        words = f"{case.architecture}, {case.tile_px} px, {case.classes} classes, {case.part}"
        results.append(Result(words, tuple(cost.peak_mb for cost in costs)))
    growth, most = peaks[1] / peaks[0], max(peaks[:3])
    told = f"{asked.times**2} × the area: {growth:.2f} × the memory, at most {GROWTH:.2f}"
    print(f"\n{verdict(good=growth <= GROWTH)}{told}")
    print(f"{verdict(good=most <= LIMIT_MB)}two classes: {most:.0f} MB, at most {LIMIT_MB:.0f}")
    results.append(Result("growth", over(results[1].turns, results[0].turns)))
    write_json(asked.json, results)


def verdict(*, good: bool) -> str:
    """How a line begins."""
    return f"{'ok' if good else 'MISSED':8}"


def predict(case: Case) -> Cost:
    """One run of the command."""
    words = ("predict", case.region, "--model", case.model, "--stride", str(case.stride))
    return run([sys.executable, "-m", "geolabel", *words, "-o", OUT / "memory.geolabel", "--overwrite", "--json"])


def prepare(case: Case) -> None:
    """Raster and model of a case, once; in a process apart, so that this one stays small."""
    from big_raster import make

    whole = make(OUT / f"big-{case.side}.tif", case.side)
    if case.part == "upper":
        crop(whole, case)
    if case.part == "repeated":
        repeat(whole, case.region, case.times)
    untrained(case)


def crop(whole: Path, case: Case) -> None:
    """The upper rows of a raster, once."""
    import rasterio
    from rasterio.windows import Window

    if case.region.exists():
        return
    width, height = case.size
    with rasterio.open(whole) as source, rasterio.open(case.region, "w", **source.profile | {"height": height}) as part:
        part.write(source.read(window=Window(0, 0, width, height)))
        part.descriptions = source.descriptions


def repeat(whole: Path, path: Path, times: int) -> None:
    """A VRT that shows a raster several times side by side."""
    import rasterio

    with rasterio.open(whole) as source:
        side, (high, wide) = source.width, source.block_shapes[0]
        wkt, transform = source.crs.to_wkt(), ", ".join(map(str, source.transform.to_gdal()))
        names = source.descriptions
    places = [(col * side, row * side) for row in range(times) for col in range(times)]
    bands = [
        f'<VRTRasterBand dataType="UInt16" band="{band}" blockXSize="{wide}" blockYSize="{high}">'
        f"<Description>{name}</Description>"
        + "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="1">{whole.name}</SourceFilename>'
            f"<SourceBand>{band}</SourceBand>"
            f'<SourceProperties RasterXSize="{side}" RasterYSize="{side}" DataType="UInt16" BlockXSize="{wide}" '
            f'BlockYSize="{high}"/><SrcRect xOff="0" yOff="0" xSize="{side}" ySize="{side}"/>'
            f'<DstRect xOff="{left}" yOff="{top}" xSize="{side}" ySize="{side}"/></SimpleSource>'
            for left, top in places
        )
        + "</VRTRasterBand>"
        for band, name in enumerate(names, start=1)
    ]
    path.write_text(
        f'<VRTDataset rasterXSize="{times * side}" rasterYSize="{times * side}"><SRS>{wkt}</SRS>'
        f"<GeoTransform>{transform}</GeoTransform>{''.join(bands)}</VRTDataset>\n",
        encoding="utf-8",
    )


def untrained(case: Case) -> None:
    """A model file whose answers mean nothing: the task is not the point here."""
    import torch
    from big_raster import BANDS

    from geolabel.labels.scheme import LabelClass, Scheme, complete
    from geolabel.learn import backbones
    from geolabel.learn.forward import make_classifier
    from geolabel.learn.store import save_predictor
    from geolabel.model import BandContract, Head, ModelCard

    names, size = tuple(f"class_{number}" for number in range(case.classes)), (case.tile_px, case.tile_px)
    card = ModelCard(
        architecture=case.architecture,
        heads=(Head("classes", "sigmoid", names),),
        scheme=complete(Scheme("memory", tuple(LabelClass(name) for name in names))).to_json(),
        bands=tuple(BandContract(band, 1.0, 0.0, 1_000.0, 500.0) for band in BANDS),
        dtype="uint16",
        gsd_m=10.0,
        tile_px=size,
        presence=dict.fromkeys(names, 0.1),
        thresholds=dict.fromkeys(names, 0.9),
    )
    network = backbones.start(case.architecture, len(BANDS), len(names), "none", 0, tile_px=size)
    save_predictor(case.model, make_classifier(card, network, torch.device("cpu")))


if __name__ == "__main__":
    main()
