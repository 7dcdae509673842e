"""`geolabel predict --dry-run`: what a prediction would read, write and take, from a short measured trial."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, memory, raster
from geolabel.grid import Window
from geolabel.inference import (
    Answers,
    Plan,
    Shard,
    blended,
    rows_at_once,
)
from geolabel.steps.prediction import write_prediction
from geolabel.steps.region.job import named
from geolabel.steps.region.ready import Ready
from geolabel.steps.region.trial import Found, find, places

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.steps.region.choices import Choices
    from geolabel.steps.region.scene import Scene

_SIDE = 2_048
"""Pixels of a place that is predicted and written for the trial."""
_PLACES = 12
_SECONDS = 8.0
"""After so long no other place is begun."""


@dataclass(frozen=True, slots=True)
class PredictPlan:
    """What a prediction would read, write and take on this machine: some places were predicted and written."""

    output: Path
    width: int
    height: int
    km2: float
    """That are asked for."""
    tiles: int
    """That touch what is asked for, about; without a valid pixel they are skipped."""
    shards: int
    engine: str
    dense: bool
    read_mb: float
    """Uncompressed."""
    write_mb: float
    """The finished folder."""
    work_mb: float
    """Beside it, while it is made."""
    memory_mb: float
    """Peak."""
    seconds: float


@dataclass(frozen=True, slots=True)
class _Place:
    """What one place took."""

    pixels: int
    tiles: int
    predict_s: float
    write_s: float
    write_bytes: int


def estimate(target: Path, scene: Scene, choices: Choices, opened_s: float) -> PredictPlan:
    """Predict and write some places of the region, and reckon from them; to open it took `opened_s`. Nothing stays."""
    began = time.perf_counter()
    found = find(scene, choices)
    scene = scene.planned(found.stride)
    trial_s = time.perf_counter() - began
    tried = _try(scene, choices, found)
    plan, grid = scene.plan, scene.fit.grid
    pixels, classes = plan.width * plan.height, len(scene.predictor.card.classes)
    gsd_x, gsd_y = grid.gsd_m
    asked = 1.0 if scene.area is None else max(float(scene.area.mean()), 1 / scene.area.size)
    predict_s = _scaled(tried, "predict_s", "tiles", int(plan.tiles * asked))
    write_s, write_bytes = (_scaled(tried, name, "pixels", pixels) for name in ("write_s", "write_bytes"))
    info = scene.fit.info
    read = info.width * info.height * len(info.bands) * np.dtype(info.dtype).itemsize
    return PredictPlan(
        output=target,
        width=plan.width,
        height=plan.height,
        km2=pixels * asked * gsd_x * gsd_y / 1e6,
        tiles=int(plan.tiles * asked),
        shards=len(scene.shards),
        engine=named(files.to_json(found.engine)),
        dense=found.dense is not None,
        read_mb=read * asked / 1e6,
        write_mb=write_bytes / 1e6,
        work_mb=(pixels * (classes + 1) + plan.tiles * (classes + 1) * 4) / 1e6,
        memory_mb=memory.peak() / 1e6 + (_held(scene, plan.width) - _held(scene, min(plan.width, _SIDE))) / 1e6,
        seconds=opened_s + trial_s + predict_s + write_s,
    )


def _try(scene: Scene, choices: Choices, found: Found) -> list[_Place]:
    """Predict and write places until the time is up; the first is of one tile, and tells what any region takes."""
    ready = Ready.of(scene, found.engine, found.places, windows=found.dense is not None)
    tried: list[_Place] = []
    began = time.perf_counter()
    least = next(places(scene, 1, 1))
    with scene.reader() as reader:
        _place(ready, choices, reader, least)  # what is loaded and compiled at its first use
        for shard in (least, *places(scene, _PLACES, _SIDE)):
            tried.append(_place(ready, choices, reader, shard))
            if len(tried) > 1 and time.perf_counter() - began > _SECONDS:
                break
    return tried


def _place(ready: Ready, choices: Choices, reader: raster.Reader, shard: Shard) -> _Place:
    start = time.perf_counter()
    ((_, answers),) = ready.predict(reader, [shard])
    predicted = time.perf_counter()
    size = _write(ready.scene, choices, shard, answers)
    return _Place(
        pixels=shard.core.width * shard.core.height,
        # beyond an area of interest tiles cost nothing, and are not counted for the region either
        tiles=answers.shares.size if ready.scene.area is None else answers.predicted,
        predict_s=predicted - start,
        write_s=time.perf_counter() - predicted,
        write_bytes=size,
    )


def _write(scene: Scene, choices: Choices, shard: Shard, answers: Answers) -> int:
    """Write a place as if it were a region, and give back how many bytes that took."""
    core, plan, card = shard.core, scene.plan, scene.predictor.card
    rows, cols = plan.rows[shard.rows] - core.row_off, plan.cols[shard.cols] - core.col_off
    small = Plan(core.width, core.height, plan.tile_width, plan.tile_height, plan.stride, cols, rows)
    whole = Shard(0, Window(0, 0, core.width, core.height), slice(0, len(rows)), slice(0, len(cols)))
    strips = blended(small, (whole,), lambda _: answers, len(card.classes))
    with files.scratch() as folder:
        draft = folder
        write_prediction(draft, scene.fit.grid.part(core), card, strips, choices.threshold, choices.min_area_ha)
        return sum(path.stat().st_size for path in draft.iterdir())


def _scaled(tried: list[_Place], name: str, of: str, amount: int) -> float:
    """What `amount` pixels or tiles take: what any region takes, and the rest in proportion."""
    least, *others = tried
    fixed = float(getattr(least, name))
    more = sum(float(getattr(place, name)) - fixed for place in others)
    size = sum(getattr(place, of) - getattr(least, of) for place in others)
    return float(fixed + max(more, 0.0) / max(size, 1) * (amount - getattr(least, of)))


def _held(scene: Scene, width: int) -> float:
    """Bytes that grow with the width of the region: strips on their way, and rows of the map."""
    plan, card = scene.plan, scene.predictor.card
    shard = min(width, max(part.core.width for part in scene.shards))
    strip = shard * (512 + plan.tile_height) * (len(card.bands) * np.dtype(scene.fit.info.dtype).itemsize + 1)
    return 3 * strip + rows_at_once(width) * width * (3 * len(card.classes) + 24)
