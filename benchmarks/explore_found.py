"""What `geolabel explore` finds: planted copies, spoilt tiles, and how often it is wrong on real ones.

Real tiles: the 10,315 Sentinel-2 chips of amazon_mining.py (the thresholds were chosen on these), and, held out, all
tiles of 48 px of NAIP 2009 (half a tile apart, so that there are enough; neighbours overlap by half and are no copies)
and of Landsat over Pará and Pucallpa. Of 500 tiles each a copy is planted, in six ways. A pair that is found beside
those is told by what the pictures have in common: the same bytes, or their correlation in the best of eight turns and
of shifts up to two pixels. Spoilt: lines of a tile moved up and down by as much as neighbours differ, and by twice as
much; a third at 255; two thirds without data.

Run: python benchmarks/explore_found.py [--held-out] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from amazon_chips import read_chips
from measured import Result, add_json, write_json
from numpy.lib.stride_tricks import sliding_window_view

from geolabel import raster
from geolabel.exploration.artefacts import artefacts
from geolabel.exploration.duplicates import leaks, near_duplicates
from geolabel.exploration.signatures import signatures
from geolabel.grid import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Tiles = NDArray[np.uint8]

DATA = Path(os.environ.get("GEOLABEL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
SIDE, PLANTED = 48, 500
ALIKE, HARDLY = 0.95, 0.8
"""Correlation of two pictures that show the same, and below which they do not."""


def sets(*, held_out: bool) -> Iterator[tuple[str, Tiles]]:
    """Name, pixels (n, bands, 48, 48)."""
    if not held_out:
        yield "chips", np.ascontiguousarray(read_chips(DATA / "amazon-mining").pixels.transpose(0, 3, 1, 2))
    yield "NAIP 2009", _cut(DATA / "naip" / "m_4709963_se_14_1_20090818.tif", (0, 1, 2), SIDE // 2)
    yield "Pará", _cut(DATA / "para-landsat" / "landsat5_1988_para.tif", (2, 1, 0), SIDE // 2)
    yield "Pucallpa 1990", _cut(DATA / "pucallpa-landsat" / "1990.tif", (0, 1, 2), SIDE // 2)


def _cut(path: Path, bands: tuple[int, ...], stride: int) -> Tiles:
    info = raster.describe(path)
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
    whole = sliding_window_view(valid, (SIDE, SIDE))[::stride, ::stride].all(axis=(2, 3))
    tiles = sliding_window_view(pixels[list(bands)], (SIDE, SIDE), axis=(1, 2))[:, ::stride, ::stride]
    return np.ascontiguousarray(tiles.transpose(1, 2, 0, 3, 4)[whole].astype(np.uint8))


def copies(tiles: Tiles, rng: np.random.Generator) -> dict[str, Tiles]:
    """The tiles (n, bands, h, w) again, by what was done to them."""
    real = tiles.astype(np.float32)
    noise = 0.2 * real.std(axis=(2, 3), keepdims=True) * rng.standard_normal(real.shape, np.float32)
    gain, lift = rng.uniform(0.7, 1.3, (*tiles.shape[:2], 1, 1)), rng.uniform(-15, 15, (len(tiles), 1, 1, 1))
    aside = [np.pad(tiles, ((0, 0), (0, 0), (by, 0), (by, 0)), mode="edge")[..., :SIDE, :SIDE] for by in (1, 3)]
    return {
        "the same bytes": tiles,
        "noise, a fifth of the spread": _bytes(real + noise),
        "another light": _bytes(gain * real + lift),
        "turned and mirrored": np.ascontiguousarray(np.rot90(tiles, 1, (2, 3))[..., ::-1]),
        "a pixel aside": aside[0],
        "three pixels aside": aside[1],
    }


def _bytes(values: NDArray[np.floating]) -> Tiles:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def likeness(one: Tiles, other: Tiles) -> float:
    """Correlation of two tiles (bands, h, w) in the best turn and shift, over what both show."""
    best = -1.0
    for turn in range(8):
        moved = np.rot90(other, turn % 4, (1, 2))
        moved = moved[:, ::-1] if turn >= 4 else moved
        for down in range(-2, 3):
            for right in range(-2, 3):
                a = one[:, max(0, down) : SIDE + min(0, down), max(0, right) : SIDE + min(0, right)]
                b = moved[:, max(0, -down) : SIDE + min(0, -down), max(0, -right) : SIDE + min(0, -right)]
                best = max(best, float(np.corrcoef(_level(a), _level(b))[0, 1]))
    return best


def _level(tile: Tiles) -> NDArray[np.float64]:
    return (tile - tile.mean(axis=(1, 2), keepdims=True)).ravel()


def same_picture(tiles: Tiles) -> NDArray[np.int64]:
    """For each tile, the first with the same bytes."""
    flat = np.ascontiguousarray(tiles.reshape(len(tiles), -1)).view(f"V{tiles[0].size}").ravel()
    _, first, which = np.unique(flat, return_index=True, return_inverse=True)
    return first[which]


def tell_copies(name: str, tiles: Tiles) -> dict[str, float]:
    """Planted copies found, then what else was."""
    rng = np.random.default_rng(0)
    seen = np.ones((len(tiles), SIDE, SIDE), bool)
    alone = signatures(tiles, seen)
    rows = np.sort(rng.choice(len(tiles), min(PLANTED, len(tiles)), replace=False))
    blank = np.linalg.norm(alone, axis=1) == 0
    print(f"\n{name}: {len(tiles):,} tiles, {blank.sum()} of them without texture to compare")
    shares = {}
    for way, planted in copies(tiles[rows], rng).items():
        both = np.concatenate([alone, signatures(planted, seen[rows])])
        found = near_duplicates(both)
        member = np.full(len(both), -1)
        for number, group in enumerate(found.groups):
            member[group] = number
        again = (member[rows] >= 0) & (member[rows] == member[len(tiles) :])
        parts = np.repeat([0, 1], [len(tiles), len(rows)])
        leaked = np.isin(np.arange(len(rows)) + len(tiles), found.pairs[leaks(found, parts)])
        shares[way] = float(again.mean())
        print(f"  {way:30}{again.mean():7.1%} found, {leaked.mean():7.1%} as a leak", flush=True)
    pairs = near_duplicates(alone).pairs
    first = same_picture(tiles)
    same = first[pairs[:, 0]] == first[pairs[:, 1]]
    alike = np.array([likeness(tiles[a], tiles[b]) for a, b in pairs[~same]])
    shows = (tiles != tiles[:, :, :1, :1]).any(axis=(1, 2, 3))
    repeated = np.flatnonzero((np.bincount(first, minlength=len(tiles))[first] > 1) & shows)
    missed = np.setdiff1d(repeated, pairs[same])
    print(
        f"  among the real ones: {len(pairs)} pairs; {same.sum()} of the same bytes "
        f"(of {len(repeated)} tiles that share them with another, beside {(~shows).sum()} of one colour, "
        f"{len(missed)} were missed), "
        f"{(alike >= ALIKE).sum()} that correlate by {ALIKE} and more, "
        f"{((alike < ALIKE) & (alike >= HARDLY)).sum()} by {HARDLY} to {ALIKE}, {(alike < HARDLY).sum()} by less"
    )
    return shares


def tell_spoilt(name: str, tiles: Tiles) -> dict[str, float]:
    """False alarms, then what was planted."""
    rng = np.random.default_rng(1)
    seen = np.ones((len(tiles), SIDE, SIDE), bool)
    real = artefacts(tiles, seen, 255)
    step = np.abs(np.diff(tiles.astype(np.float32), axis=2)).mean(axis=(1, 2, 3))[:, None, None, None]
    rows = step * rng.choice([-1.0, 1.0], (len(tiles), 1, SIDE, 1))
    full, gone = tiles.copy(), seen.copy()
    full[:, :, : SIDE // 3] = 255
    gone[:, : 2 * SIDE // 3] = False
    planted = {
        "stripes": artefacts(_bytes(tiles + rows), seen, 255).striped,
        "stripes × 2": artefacts(_bytes(tiles + 2 * rows), seen, 255).striped,
        "saturated": artefacts(full, seen, 255).bright,
        "empty": artefacts(tiles, gone, 255).blank,
    }
    wrong = {"striped": real.striped, "saturated": real.bright, "empty": real.blank}
    told = [", ".join(f"{kind} {found.mean():.2%}" for kind, found in those.items()) for those in (wrong, planted)]
    print(f"{name:15}flagged as they are: {told[0]}; planted: {told[1]}")
    every = {**{f"wrong, {kind}": found for kind, found in wrong.items()}, **planted}
    return {kind: float(found.mean()) for kind, found in every.items()}


def main() -> None:
    """Copies, then what is spoilt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="without the chips")
    add_json(parser)
    asked = parser.parse_args()
    every = list(sets(held_out=asked.held_out))
    found = [tell_copies(name, tiles) for name, tiles in every]
    print()
    spoilt = [tell_spoilt(name, tiles) for name, tiles in every]
    results = [Result(way, tuple(one[way] for one in those)) for those in (found, spoilt) for way in those[0]]
    write_json(asked.json, results)


if __name__ == "__main__":
    main()
