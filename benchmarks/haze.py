"""Haze removal: pixels per second beside NumPy with SciPy and beside OpenCV, and what it does to real chips.

Speed: 256 chips of 64 × 64 px and one image of 2048 × 2048 px, three bands, float32, band by band for all (OpenCV
need not split and merge). Everyone has two threads, and they take
turns. OpenCV twice: its box filters put together
to the same guided filter, with the same borders; and its own guidedFilter, which mirrors borders. For chips OpenCV is
also run from two Python threads, and the better counts. The machine is shared, so processor seconds stand beside
those of the clock.

Quality: veils of known strength over Sentinel-2 chips of the clearer sheets, removed; and clear chips, left alone or
not. Also how well haze_degree orders chips by the strength of their veils.

OpenCV is taken from benchmarks/out/opencv, where `python benchmarks/peers.py` puts it, or from this environment.

Run: python benchmarks/haze.py [speed] [quality] [--repeats 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as the command line does

import torch
from amazon_chips import read_chips
from measured import PEER_NOT_INSTALLED, Result, add_json, over, write_json
from peers import OPENCV
from scipy import ndimage

from geolabel.learn.haze import DarkChannel, atmospheric_light, dehaze, haze_degree

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "amazon-mining"
THREADS = 2
HE = DarkChannel()
AIR = torch.tensor([225.0, 230.0, 235.0])
"""Of the veils, in the chips' 8 bits."""


def by_scipy(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The papers as one would write them."""
    dark = ndimage.minimum_filter(image.min(axis=0), HE.window, mode="constant", cval=np.inf)
    count = max(1, dark.size // 1000)
    bright = np.where(dark >= np.partition(dark.ravel(), -count)[-count], image.sum(axis=0), -np.inf)
    light = image[:, *np.unravel_index(bright.argmax(), bright.shape)][:, None, None]
    relative = image / light
    through = 1 - HE.omega * ndimage.minimum_filter(relative.min(axis=0), HE.window, mode="constant", cval=np.inf)
    guide, side = relative.mean(axis=0), 2 * HE.radius + 1
    share = ndimage.uniform_filter(np.ones_like(guide), side, mode="constant")

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return ndimage.uniform_filter(values, side, mode="constant") / share

    mean_guide, mean_through = mean(guide), mean(through)
    a = (mean(guide * through) - mean_guide * mean_through) / (mean(guide * guide) - mean_guide**2 + HE.eps)
    b = mean_through - a * mean_guide
    return (image - light) / np.clip(mean(a) * guide + mean(b), HE.floor, 1) + light


def by_opencv(image: NDArray[np.float32], *, own_guided: bool) -> list[NDArray[np.float32]]:
    """The same by OpenCV's filters; the bands of the result."""
    import cv2

    square = cv2.getStructuringElement(cv2.MORPH_RECT, (HE.window, HE.window))
    red, green, blue = image
    dark = cv2.erode(cv2.min(cv2.min(red, green), blue), square)
    count = max(1, dark.size // 1000)
    rows, cols = np.nonzero(dark >= np.partition(dark.ravel(), -count)[-count])
    among = image[:, rows, cols]
    light = among[:, among.sum(axis=0).argmax()]
    bands = [band * (1 / a) for band, a in zip(image, light, strict=True)]
    through = 1 - HE.omega * cv2.erode(cv2.min(cv2.min(bands[0], bands[1]), bands[2]), square)
    guide = (bands[0] + bands[1] + bands[2]) * np.float32(1 / 3)
    if own_guided:
        through = cv2.ximgproc.guidedFilter(guide, through, HE.radius, HE.eps)
    else:
        side = (2 * HE.radius + 1,) * 2

        def total(values: NDArray[np.float32]) -> NDArray[np.float32]:
            return cv2.boxFilter(values, -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT)

        share = 1 / total(np.ones_like(guide))
        mean_guide, mean_through = total(guide) * share, total(through) * share
        variance = total(guide * guide) * share - mean_guide * mean_guide + HE.eps
        a = (total(guide * through) * share - mean_guide * mean_through) / variance
        b = mean_through - a * mean_guide
        through = (total(a) * guide + total(b)) * share
    np.clip(through, HE.floor, 1, out=through)
    return [(band - a) / through + a for band, a in zip(image, light, strict=True)]


def scene(count: int, side: int) -> NDArray[np.float32]:
    """Made-up smooth images (count, 3, side, side) between 30 and 230."""
    noise = np.random.default_rng(0).random((count, 3, side, side), np.float32)
    smooth = ndimage.gaussian_filter(noise, (0, 0, 3, 3))
    return (smooth - smooth.min()) / (smooth.max() - smooth.min()) * 200 + 30


def from_threads(images: NDArray[np.float32], *, own_guided: bool) -> None:
    """OpenCV on one image a Python thread."""
    import cv2

    cv2.setNumThreads(1)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda image: by_opencv(image, own_guided=own_guided), images))
    cv2.setNumThreads(THREADS)


def speed(repeats: int) -> list[Result]:
    """A row a way, medians of turns; OpenCV where it is there."""
    torch.set_num_threads(THREADS)
    results = []
    if has_opencv := importlib.util.find_spec("cv2") is not None:
        import cv2

        cv2.setNumThreads(THREADS)
    print(f"{'':48}{'seconds':>9}{'Mpx/s':>8}{'processor s':>13}{'geolabel is':>13}{'most differs':>14}")
    for name, images in (("256 chips, 64 px", scene(256, 64)), ("one image, 2048 px", scene(1, 2048))):
        tensors = torch.from_numpy(images)
        valid = torch.ones((len(images), *images.shape[2:]), dtype=torch.bool)
        found = dehaze(tensors, valid, HE).numpy()
        ways: dict[str, Callable[[], Any]] = {
            "geolabel": lambda tensors=tensors, valid=valid: dehaze(tensors, valid, HE),
            "NumPy and SciPy": lambda images=images: [by_scipy(image) for image in images],
        }
        for own, label in ((False, "box filters"), (True, "guidedFilter")) if has_opencv else ():
            ways[f"OpenCV, {label}"] = lambda images=images, own=own: [by_opencv(i, own_guided=own) for i in images]
            if len(images) > 1:
                ways[f"OpenCV, {label}, two Python threads"] = lambda images=images, own=own: from_threads(
                    images, own_guided=own
                )
        apart = {
            "NumPy and SciPy": max(abs(by_scipy(i) - j).max() for i, j in zip(images, found, strict=True)),
        }
        if has_opencv:
            apart["OpenCV, box filters"] = max(
                abs(np.stack(by_opencv(i, own_guided=False)) - j).max() for i, j in zip(images, found, strict=True)
            )
        taken = in_turns(ways, repeats)
        clocks = {way: [clock for clock, _ in runs] for way, runs in taken.items()}
        for peer in ("NumPy and SciPy", "OpenCV, box filters", "OpenCV, guidedFilter"):
            ratios = over(clocks[peer], clocks["geolabel"]) if peer in clocks else ()
            results.append(Result(f"{name}, by {peer}", ratios, "" if ratios else PEER_NOT_INSTALLED))
        for way, runs in taken.items():
            seconds, processor = (statistics.median(column) for column in zip(*runs, strict=True))
            if way == "geolabel":
                own_seconds, own_processor = seconds, processor
            ratio = f"{seconds / own_seconds:.2f} ×" if way != "geolabel" else ""
            spent = f"({processor / own_processor:.2f} ×)" if way != "geolabel" else ""
            differs = f"{apart[way]:.5f}" if way in apart else ""
            rate = images[:, 0].size / seconds / 1e6
            print(f"{name + ', ' + way:48}{seconds:9.4f}{rate:8.1f}{processor:13.4f}{ratio:>8}{spent:>9}{differs:>10}")
    return results


def in_turns(ways: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of the clock and of the processor, turn by turn; each is run once before."""
    taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for turn in range(repeats + 1):
        for way, run in ways.items():
            clock, processor = time.perf_counter(), time.process_time()
            run()
            if turn:
                taken[way].append((time.perf_counter() - clock, time.process_time() - processor))
    return taken


def quality() -> list[Result]:
    """What is gained over hazy chips, what is lost on clear ones, and the order of haze degrees."""
    chips = read_chips(DATA)
    clearer = np.array(["clear0.75" in name for name in sheets()])
    clear = torch.from_numpy(chips.pixels[clearer][::8].transpose(0, 3, 1, 2).astype(np.float32))
    valid = torch.ones((len(clear), 48, 48), dtype=torch.bool)
    random = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(random.standard_normal((len(clear), 48, 48)), (0, 12, 12))
    smooth /= smooth.std(axis=(1, 2), keepdims=True) * 10
    # each chip's own strength, and around it patches
    strength = random.uniform(0.1, 0.7, len(clear))
    through = torch.from_numpy((1 - strength[:, None, None] + smooth).clip(0.2, 1).astype(np.float32))
    hazy = clear * through[:, None] + AIR[:, None, None] * (1 - through[:, None])
    planted = 1 - through.mean(dim=(1, 2))
    print(f"{len(clear):,} chips; planted veils {planted.min():.2f} to {planted.max():.2f}, PSNR in dB, medians")
    print(f"{'':44}{'hazy':>7}{'dehazed':>9}{'gain':>7}{'better':>8}{'clear kept':>12}{'degree ranks':>14}")
    # the region's light from all chips as one image, as for a whole raster
    mosaic = hazy.permute(1, 0, 2, 3).reshape(1, 3, -1, 48)
    results = []
    region = atmospheric_light(mosaic, valid.reshape(1, -1, 48), HE)[0]
    regional = f"one A from all hazy chips ({', '.join(f'{a:.0f}' for a in region.tolist())})"
    for name, settings, light in (
        ("own A", HE, None),
        ("A given", HE, AIR),
        (regional, HE, region),
        ("A given, window 7, radius 12", DarkChannel(window=7, radius=12), AIR),
        ("A given, no refinement", DarkChannel(radius=0), AIR),
        ("scalar own A, window 20, floor .55, plain", DarkChannel(20, floor=0.55, radius=0, scalar_light=True), None),
    ):
        before = psnr(hazy, clear)
        after = psnr(dehaze(hazy, valid, settings, light=light), clear)
        kept = psnr(dehaze(clear, valid, settings, light=light), clear)
        degree = haze_degree(hazy, valid, settings, light=light)
        order = np.corrcoef(ranks(degree), ranks(planted))[0, 1]
        print(
            f"{name:44}{before.median():7.1f}{after.median():9.1f}{(after - before).median():+7.1f}"
            f"{(after > before).float().mean():8.0%}{kept.median():12.1f}{order:14.2f}",
            flush=True,
        )
        results += [
            Result(f"{name.partition(' (')[0]}, gain", (float((after - before).median()),)),
            Result(f"{name.partition(' (')[0]}, ranks", (float(order),)),
        ]
    return results


def sheets() -> list[str]:
    """The sheet of each chip, in the order of chips.csv."""
    import csv

    with (DATA / "chips.csv").open(newline="", encoding="utf-8") as file:
        return [row["sheet"] for row in csv.DictReader(file)]


def ranks(values: torch.Tensor) -> NDArray[np.int64]:
    """Place of each value in their order, for Spearman's correlation."""
    return values.argsort().argsort().numpy()


def psnr(images: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Of each 8-bit image, in dB."""
    return 10 * torch.log10(255**2 / (images.clamp(0, 255) - truth).square().mean(dim=(1, 2, 3)).clamp(min=1e-6))


def main() -> None:
    """The parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="speed, quality; both where none is named")
    parser.add_argument("--repeats", type=int, default=5)
    add_json(parser)
    asked = parser.parse_args()
    sys.path.append(str(OPENCV))
    results = []
    if "speed" in asked.parts or not asked.parts:
        results += speed(asked.repeats)
    if "quality" in asked.parts or not asked.parts:
        results += quality()
    write_json(asked.json, results)


if __name__ == "__main__":
    main()
