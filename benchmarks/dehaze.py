"""Haze removal of whole rasters: what is gained on veils of known strength, and what is left of clear images.

Clear images: NAIP 2009 and 2020; Landsat over Pará 1988; Sentinel-2 mosaics of amazon-mining chips (top-of-atmosphere,
so a little haze is in them); a made-up world. Pucallpa's years have no blue band: green stands for it. On these the
method's constants were chosen; held out are the largest clear sheets that nobody had looked at, and BigEarthNet's six
patches over Europe (bottom-of-atmosphere, 120 px). Veils: of one strength (t .8 and .6, white; .6, bluish), growing
from left to right (t 1 to .5), and in patches (t 1 to .25). Beside geolabel's: the dark channel prior as it is
published, on the whole image; the same tile by tile (256 px, each its own light); CLAHE of lightness (clip 3, 8 × 8)
alone. PSNR in dB, of red, green and blue; peak 255, or the 99.9th percentile.

Run: python benchmarks/dehaze.py [--held-out] [--crop 1536] [--ways geolabel,prior,tiles,CLAHE] [--json FILE]
How fast it is, and its memory: dehaze_cost.py
"""

from __future__ import annotations

import argparse
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as the command line does

import torch
from affine import Affine
from measured import Result, add_json, write_json
from PIL import Image
from scipy import ndimage
from skimage import color, exposure

from geolabel import dehaze, raster
from geolabel.grid import Grid, Window
from geolabel.learn.haze import DarkChannel
from geolabel.learn.haze import dehaze as prior
from geolabel.progress import quiet
from geolabel.world import BANDS, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
RGB = ("red", "green", "blue")
HE = DarkChannel()
WAYS = ("geolabel", "prior", "tiles", "CLAHE")
TILE = 256
KEPT_WHOLE = 120.0
"""Told in dB of an image that came back to the bit: JSON knows no infinity."""
_SHEETS = (
    "GeoCompass2023-filt-positives-samp1500",
    "random_negatives10k_2025-08_clear0.75",
    "v2.4_amazon_negatives_clear0.75",
    "MinesPos2018-2020Sentinel_points_clear0.75",
)
_HELD_OUT = (
    "v0.X-SSL4EO-2025Q2cumulative-negatives_clear0.75",
    "v0.xx-SSL4EO-2023combined-negatives_clear0.75",
    "v4.18_2025old_core_positives_clear0.75",
)


def scenes() -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.bool_]]]:
    """Name, red, green and blue (3, h, w), valid (h, w): those by which constants were chosen."""
    for path in sorted((DATA / "naip").glob("*.tif")):
        yield f"NAIP {path.stem[-8:-4]}", *_read(path, [0, 1, 2])
    yield "Landsat, Pará 1988", *_read(DATA / "para-landsat" / "landsat5_1988_para.tif", [2, 1, 0])
    for path in sorted((DATA / "pucallpa-landsat").glob("*.tif")):
        yield f"Pucallpa {path.stem}", *_read(path, [2, 3, 3])
    yield from _sheets(_SHEETS)
    world = make_world(1024, 0)
    for date in ("before", "after"):
        image = getattr(world, date).image[[BANDS.index(name) for name in RGB]]
        yield f"world, {date}", image, image.any(axis=0)


def held_out(crop: int) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.bool_]]]:
    """The same, of images that had no part in it."""
    yield from _sheets(_HELD_OUT, crop)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(DATA / "bigearthnet" / "BigEarthNet-S2-Example.tar.bz2") as archive:
            archive.extractall(folder, filter="data")
        for patch in sorted(Path(folder).glob("*/*/")):
            bands = [_read(patch / f"{patch.name}_{band}.tif", [0]) for band in ("B04", "B03", "B02")]
            yield f"BigEarthNet {patch.name[11:19]}", np.concatenate([pixels for pixels, _ in bands]), bands[0][1]


def _sheets(names: tuple[str, ...], crop: int = 1536) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.bool_]]]:
    for name in names:
        sheet = np.asarray(Image.open(DATA / "amazon-mining" / "sheets" / f"{name}.png").convert("RGB"))
        part = np.ascontiguousarray(sheet.transpose(2, 0, 1)[:, :crop, :crop])
        yield f"Sentinel-2, {name[:16]}", part, part.any(axis=0)


def _read(path: Path, order: list[int]) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    info = raster.describe(path)
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
    return pixels[order], valid


def veils(shape: tuple[int, int]) -> dict[str, tuple[NDArray[np.float64], tuple[float, ...]]]:
    """Transmission (h, w), and the tint of the light."""
    white, blue = (1.0, 1.0, 1.0), (0.88, 1.0, 1.12)
    noise = np.random.default_rng(0).standard_normal(shape)
    smooth = ndimage.gaussian_filter(noise, min(shape) / 12, mode="wrap")
    return {
        "t .8": (np.full(shape, 0.8), white),
        "t .6": (np.full(shape, 0.6), white),
        "t .6 blue": (np.full(shape, 0.6), blue),
        "t 1–.5": (np.broadcast_to(np.linspace(1, 0.5, shape[1]), shape), white),
        "patches": (1 - np.clip(0.45 * (smooth / smooth.std() - 0.2), 0, 0.75), white),
    }


def by_geolabel(pixels: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    """The command's step, from file to file."""
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder) / "a.tif", Path(folder) / "b.tif"
        grid = Grid("EPSG:32719", Affine(10, 0, 350_000, 0, -10, 8_600_000), pixels.shape[2], pixels.shape[1])
        with raster.write_cog(path, grid, raster.BandStyle(RGB, str(pixels.dtype), nodata=0)) as writer:
            writer.write(0, np.where(valid, np.maximum(pixels, 1), 0).astype(pixels.dtype))
        dehaze(path, output=target)
        return _read(target, [0, 1, 2])[0]


def by_prior(pixels: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    """He, Sun and Tang, the whole image at once."""
    images = torch.from_numpy(pixels.astype(np.float32))[None]
    return prior(images, torch.from_numpy(np.array(valid))[None], HE)[0].numpy()


def by_tiles(pixels: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    """The same, each tile for itself."""
    found = np.zeros(pixels.shape, np.float32)
    for top in range(0, pixels.shape[1], TILE):
        for left in range(0, pixels.shape[2], TILE):
            at = (slice(top, top + TILE), slice(left, left + TILE))
            found[:, *at] = by_prior(np.ascontiguousarray(pixels[:, *at]), valid[at])
    return found


def by_clahe(pixels: NDArray[np.generic], peak: float) -> NDArray[np.generic]:
    """CLAHE of lightness alone."""
    lab = color.rgb2lab(np.clip(pixels / peak, 0, 1), channel_axis=0)
    kernel = [max(1, side // 8) for side in pixels.shape[1:]]
    lab[0] = 100 * exposure.equalize_adapthist(lab[0] / 100, kernel, clip_limit=3 / 256)
    return color.lab2rgb(lab, channel_axis=0) * peak


def psnr(found: NDArray[np.generic], truth: NDArray[np.generic], valid: NDArray[np.bool_], peak: float) -> float:
    """In dB; infinite where nothing differs."""
    mean = float(np.square(found[:, valid].astype(np.float64) - truth[:, valid]).mean())
    return 10 * np.log10(peak**2 / mean) if mean else np.inf


def quality(
    images: Iterator[tuple[str, NDArray[np.generic], NDArray[np.bool_]]], ways: tuple[str, ...]
) -> dict[tuple[str, str], list[float]]:
    """A row an image: what is left of it, and what is gained under each veil; by way and veil, image by image."""
    found: dict[tuple[str, str], list[float]] = {}
    print(f"{'':32}{'clear kept':>10}" + "".join(f"{name:>16}" for name in veils((8, 8))) + "   (hazy, gain)")
    for name, pixels, valid in images:
        byte = pixels.dtype == np.uint8
        peak = 255.0 if byte else float(np.percentile(pixels[:, valid], 99.9))
        top, light = np.iinfo(pixels.dtype).max, 225.0 if byte else 8000.0
        for way in ways:
            found.setdefault((way, "clear"), []).append(psnr(_by(way, pixels, valid, peak), pixels, valid, peak))
        told = f"{name:32}{found['geolabel', 'clear'][-1]:10.1f}"
        for veil, (through, tint) in veils(valid.shape).items():
            air = light * np.array(tint)[:, None, None]
            hazy = np.clip(np.rint(pixels * through + air * (1 - through)), 0, top).astype(pixels.dtype)
            before = psnr(hazy, pixels, valid, peak)
            for way in ways:
                clear = np.clip(_by(way, hazy, valid, peak), 0, top)
                found.setdefault((way, veil), []).append(psnr(clear, pixels, valid, peak) - before)
            told += f"{before:9.1f}{found['geolabel', veil][-1]:+7.1f}"
        print(told, flush=True)
    print()
    for way in ways:
        kept = found[way, "clear"]
        print(
            f"{way + ', median (least)':26}{np.median(kept):7.1f} ({min(kept):5.1f})"
            + "".join(f"{np.median(found[way, v]):+8.1f} ({min(found[way, v]):+5.1f})" for v in veils((8, 8)))
        )
    return found


def _by(way: str, pixels: NDArray[np.generic], valid: NDArray[np.bool_], peak: float) -> NDArray[np.generic]:
    if way == "CLAHE":
        return by_clahe(pixels, peak)
    return {"geolabel": by_geolabel, "prior": by_prior, "tiles": by_tiles}[way](pixels, valid)


def main() -> None:
    """Both sets of images, or the second alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="these images alone")
    parser.add_argument("--crop", type=int, default=1536, help="side of what is taken of sheets, pixels")
    parser.add_argument("--ways", default=",".join(WAYS))
    add_json(parser)
    asked = parser.parse_args()
    quiet.set(True)
    ways = tuple(asked.ways.split(","))
    if not asked.held_out:
        print("Images by which constants were chosen")
        quality(scenes(), ways)
    print("\nHeld out")
    found = quality(held_out(asked.crop), ways)
    results = [
        Result(f"{way}, {veil}", tuple(min(one, KEPT_WHOLE) for one in each)) for (way, veil), each in found.items()
    ]
    least = [Result(f"{one.name}, least", (min(one.turns),)) for one in results]
    write_json(asked.json, [*results, *least])


if __name__ == "__main__":
    main()
