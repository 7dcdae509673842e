"""`geolabel embed encode --dry-run`: what encoding a region would make and take, from a short measured trial."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.steps.embed.encoding.region import answered
from geolabel.steps.region.job import named
from geolabel.steps.region.trial import find, places

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.steps.region.choices import Choices
    from geolabel.steps.region.scene import Scene

_SIDE = 2_048
"""Pixels of a place that is encoded for the trial."""
_PLACES = 12
_SECONDS = 4.0
"""After so long no other place is begun."""


@dataclass(frozen=True, slots=True)
class EncodePlan:
    """What encoding would make and take on this machine: some places of the region were encoded."""

    output: Path
    width: int
    height: int
    tiles: int
    """About, and at the most: those without valid pixels are left out."""
    size: int
    """Numbers a vector."""
    engine: str
    dense: bool
    megabytes: float
    """Of the vectors."""
    seconds: float


def estimate(target: Path, opened: Scene, choices: Choices, min_valid: float, dtype: str) -> EncodePlan:
    """Encode some places, and reckon from them. Nothing is written. Raises OptionError, InstallError, InputError."""
    found = find(opened, choices)
    scene = opened.planned(found.stride)
    for _ in answered(scene, found, list(places(scene, 1, 1)), 0.0):
        pass  # what is loaded and compiled at its first use
    began, done = time.perf_counter(), 0
    for shard in places(scene, _PLACES, _SIDE):
        done += shard.tiles
        for _ in answered(scene, found, [shard], min_valid):
            pass
        if time.perf_counter() - began > _SECONDS:
            break
    asked = 1.0 if scene.area is None else max(float(scene.area.mean()), 1 / scene.area.size)
    tiles = int(scene.plan.tiles * asked)
    size = scene.predictor.card.outputs
    return EncodePlan(
        output=target,
        width=scene.plan.width,
        height=scene.plan.height,
        tiles=tiles,
        size=size,
        engine=named(found.engine.to_json()),
        dense=found.dense is not None,
        megabytes=tiles * size * np.dtype(dtype).itemsize / 1e6,
        seconds=(time.perf_counter() - began) / max(done, 1) * tiles,
    )
