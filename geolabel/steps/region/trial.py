"""A short trial on tiles of the region itself: how the network runs fastest here, and whether dense windows agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import memory
from geolabel.errors import OptionError
from geolabel.grid import Window
from geolabel.inference import Places, Shard
from geolabel.inference.swaths import Reach, Swath, swaths
from geolabel.learn import dense, engines
from geolabel.learn.windows import Windows, cut_tiles
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geolabel.raster import Reader
    from geolabel.steps.region.choices import Choices
    from geolabel.steps.region.scene import Scene

_WORTH_A_TRIAL = 64_000_000
"""Pixels of all tiles: about twenty seconds of a plain network on two cores."""
_TILES = 64
_PLACES = 16
_BATCH_PIXELS = 1 << 24
"""Of a batch on a processor, at the most: some gigabytes within the network."""
_SIDE = 512
"""Pixels of a sampled place, where tiles are not larger."""
_AGREE = 0.97
"""Correlation between dense windows and single tiles below which the windows are not taken unless asked for."""
_NO_MATTER = 0.01
"""Largest difference at which the correlation says nothing: the sample is all alike."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a region is to be predicted."""

    stride: int
    """Step between tiles, pixels."""
    engine: engines.Engine
    dense: dense.Agreement | None = None
    """None: tile by tile."""
    places: Places | None = None
    """Where the network's map has its places, where outlines are to be refined."""


def find(scene: Scene, choices: Choices) -> Found:
    """Try engines and windows on a sample of the region. Raises OptionError, InstallError, InputError."""
    with scene.reader() as reader:
        engine = _engine(scene, reader, choices)
        memory.give_back_now()
        if scene.dense_stride is None:
            return Found(scene.plan.stride, engine)
        wide = scene.planned(scene.dense_stride)
        windows = dense.make_dense(scene.predictor, scene.dense_stride, engine.precision)
        agreement = _agreement(wide, reader, choices, windows)
        if agreement is None:
            return Found(scene.plan.stride, engine)
        places = Places(windows.lattice, windows.field.centre) if choices.refine else None
        # the trunk is run by torch, in blocks of its own
        return Found(scene.dense_stride, replace(engine, kind="torch", batch=1), agreement, places)


def places(scene: Scene, count: int, side: int = _SIDE) -> Iterator[Shard]:
    """Small shards of about `side` px, spread over what is asked for; without an area the first is the middle."""
    plan, rng = scene.plan, np.random.default_rng(0)
    cells = None if scene.area is None or not scene.area.any() else np.argwhere(scene.area)
    for number in range(count):
        share = (0.5, 0.5) if number == 0 else rng.random(2)
        if cells is not None and scene.area is not None:
            share = (cells[rng.integers(len(cells))] + 0.5) / scene.area.shape
        rows = _near(plan.rows, plan.tile_height, side, float(share[0]))
        cols = _near(plan.cols, plan.tile_width, side, float(share[1]))
        top, left = int(plan.rows[rows.start]), int(plan.cols[cols.start])
        bottom = min(int(plan.rows[rows.stop - 1]) + plan.tile_height, plan.height)
        right = min(int(plan.cols[cols.stop - 1]) + plan.tile_width, plan.width)
        yield Shard(number, Window(left, top, right - left, bottom - top), rows, cols)


def _near(starts: np.ndarray[tuple[int], np.dtype[np.int64]], size: int, side: int, share: float) -> slice:
    """Some tiles in a row that fill about `side` px, at a share of the way along an axis."""
    count = max(1, int((starts + size <= max(side, size)).sum()))
    first = int(share * (len(starts) - count))
    return slice(first, first + count)


def _sampled(scene: Scene, reader: Reader, reach: Reach) -> Iterator[Swath]:
    """Swaths of some places, where there is anything valid to predict."""
    for shard in places(scene, _PLACES):
        for swath in swaths(reader, scene.plan, shard, reach, scene.block[1], scene.inside):
            if len(swath.rows):
                yield swath


def _engine(scene: Scene, reader: Reader, choices: Choices) -> engines.Engine:
    plan = scene.plan
    most = max(_BATCH_PIXELS // (plan.tile_width * plan.tile_height), 1)
    if choices.batch is not None and choices.batch > most and scene.device.type == "cpu":
        raise OptionError(f"--batch {choices.batch}: takes too much memory; {most} of these tiles at the most")
    asked = choices.engine != "auto" or choices.precision != "auto" or choices.compiled or choices.batch is not None
    if plan.tiles * plan.tile_width * plan.tile_height < _WORTH_A_TRIAL and not asked:
        return engines.default(scene.predictor)
    chips, valid, count = [], [], 0
    tile_px = (plan.tile_width, plan.tile_height)
    for swath in _sampled(scene, reader, Reach()):
        cut, seen = cut_tiles(swath.pixels, swath.valid, swath.rows, swath.cols, tile_px)
        chips.append(cut)
        valid.append(seen)
        count += len(swath.rows)
        if count >= _TILES:
            break
    if not chips:
        return engines.default(scene.predictor)
    engine = engines.choose(
        scene.predictor,
        np.concatenate(chips)[: 4 * _TILES],
        np.concatenate(valid)[: 4 * _TILES],
        kind=choices.engine,
        precision=choices.precision,
        batch=choices.batch,
        compiled=choices.compiled,
    )
    log.info("the network runs by %s, %s, %d tiles at a time", engine.kind, engine.precision, engine.batch)
    return engine


def _agreement(scene: Scene, reader: Reader, choices: Choices, windows: dense.Dense) -> dense.Agreement | None:
    """How windows of one feature map agree with tiles one by one; None where they differ too much to be taken."""
    single = Windows(scene.predictor)
    found, count = [], 0
    for swath in _sampled(scene, reader, Reach(windows.halo, windows.lattice)):
        some = np.unique(np.linspace(0, len(swath.rows) - 1, _TILES // 4).astype(int))
        place = (swath.pixels, swath.valid, swath.rows[some], swath.cols[some])
        found.append((windows(*place), single(*place)))
        count += len(some)
        if count >= 2 * _TILES:
            break
    if not found:
        return None
    agreement = dense.Agreement.of(*(np.concatenate(part) for part in zip(*found, strict=True)))
    if agreement.r >= _AGREE or agreement.largest <= _NO_MATTER:
        return agreement
    asked = choices.dense == "on" or choices.refine
    tell = log.warning if asked else log.info
    tell(
        "dense windows and single tiles agree at r = %.3f only (largest difference %.2f)%s",
        agreement.r,
        agreement.largest,
        "" if asked else "; tiles are predicted one by one",
    )
    return agreement if asked else None
