"""The plan of the country as paths: where the river, the creeks and the roads run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.world.curves import Meander, lengths, meander, resample, wander, wiggle

if TYPE_CHECKING:
    from geolabel.world.arrays import Points


@dataclass(frozen=True, slots=True)
class Plan:
    """Paths of everything long, in pixels."""

    river: Meander
    """The big river."""
    river_width_px: float
    """Its width."""
    creeks: tuple[Points, ...]
    """Tributaries, source first, mouth at the river last."""
    trunk: Points
    """The main road."""
    sides: tuple[Points, ...]
    """Side roads at right angles to it, the ribs of the fishbone."""


def draw_plan(rng: np.random.Generator, size_px: int) -> Plan:
    """Lay out a square country size_px on a side, then turn it some way up."""
    river_rng, creek_rng, road_rng, turn_rng = rng.spawn(4)
    width = float(np.clip(size_px / 62.0, 8.0, 24.0))
    reach = 14.0 * width
    start = np.array([-1.5 * reach, river_rng.uniform(0.20, 0.30) * size_px])
    end = np.array([size_px + reach, river_rng.uniform(0.22, 0.36) * size_px])
    loose = wander(river_rng, start, end, sway_px=width, bend_px=2.5 * width)
    river = meander(loose, width_px=width, steps=390)
    trunk = wander(
        road_rng,
        np.array([-30.0, road_rng.uniform(0.74, 0.84) * size_px]),
        np.array([size_px + 30.0, road_rng.uniform(0.62, 0.74) * size_px]),
        sway_px=0.016 * size_px,
        bend_px=0.14 * size_px,
    )
    turn = _turning(turn_rng, size_px)
    return Plan(
        river=Meander(turn(river.path), tuple(map(turn, river.history)), tuple(map(turn, river.oxbows))),
        river_width_px=width,
        creeks=tuple(map(turn, _creeks(creek_rng, river.path, size_px))),
        trunk=turn(trunk),
        sides=tuple(map(turn, _ribs(road_rng, trunk, river.path, size_px))),
    )


class _Turn:
    """One of the eight ways to turn and mirror the square."""

    def __init__(self, way: int, size_px: int) -> None:
        self.way, self.size_px = way, size_px

    def __call__(self, path: Points) -> Points:
        x, y = path[:, 0], path[:, 1]
        x = self.size_px - x if self.way & 1 else x
        y = self.size_px - y if self.way & 2 else y
        return np.stack([y, x] if self.way & 4 else [x, y], axis=1)


def _turning(rng: np.random.Generator, size_px: int) -> _Turn:
    return _Turn(int(rng.integers(8)), size_px)


def _creeks(rng: np.random.Generator, river: Points, size_px: int) -> list[Points]:
    """Tributaries from both sides, each with a fork or two, meandering in small."""
    creeks: list[Points] = []
    count = max(2, round(size_px / 220))
    spots = (np.arange(count) + rng.uniform(0.2, 0.8, count)) / count * size_px
    for number, spot in enumerate(spots):
        mouth = river[np.argmin(np.abs(river[:, 0] - spot))]
        # The river keeps to the upper third, so most tributaries come up from below.
        up = number % 3 == 1
        source = np.array([spot + rng.normal(0, 0.12 * size_px), -40.0 if up else size_px + 40.0])
        creeks.append(_small_river(rng, source, mouth))
        stem, first = creeks[-1], rng.choice([-1.0, 1.0])
        for fork in range(int(rng.integers(0, 3))):
            join = stem[int(len(stem) * rng.uniform(0.3, 0.7))]
            # Two forks of one creek come in from opposite sides, so that they do not cross.
            lean = first * (-1.0) ** fork * rng.uniform(0.12, 0.24) * size_px
            away = rng.uniform(0.12, 0.28) * size_px * (-1.0 if up else 1.0)
            creeks.append(_small_river(rng, join + np.array([lean, away]), join))
    return creeks


def _small_river(rng: np.random.Generator, source: Points, mouth: Points) -> Points:
    """A tributary: a loose valley with small meanders in it."""
    reach = float(np.hypot(*(mouth - source)))
    valley = wander(rng, source, mouth, sway_px=0.06 * reach, bend_px=0.2 * reach)
    loose = wiggle(rng, valley, sway_px=2.0, bend_px=14.0)
    loose[-1] = mouth
    return meander(loose, width_px=5.5, steps=int(rng.integers(50, 105))).path


def _ribs(rng: np.random.Generator, trunk: Points, river: Points, size_px: int) -> list[Points]:
    """Side roads, every one to two kilometres, stopping short of the river."""
    along, path = lengths(trunk), resample(trunk, 1.0)
    stops = np.cumsum(rng.uniform(75.0, 165.0, size=max(4, size_px // 60))) - 20.0
    ribs: list[Points] = []
    for stop in stops[stops < along[-1] - 20.0]:
        here = path[int(stop)]
        ahead = path[min(int(stop) + 8, len(path) - 1)] - path[max(int(stop) - 8, 0)]
        normal = np.array([-ahead[1], ahead[0]]) / np.hypot(*ahead)
        for side in (-1.0, 1.0):
            if rng.random() < 0.2:
                continue
            reach = rng.uniform(0.07, 0.42) * size_px
            tip = here + side * reach * normal
            rib = wander(rng, here, tip, sway_px=0.018 * reach + 1.0, bend_px=60.0)
            gap = np.hypot(rib[:, None, 0] - river[:, 0], rib[:, None, 1] - river[:, 1])
            near = np.flatnonzero(gap.min(axis=1) < 0.03 * size_px)
            rib = rib[: near[0]] if len(near) else rib
            if len(rib) > 6:
                ribs.append(rib)
    return ribs
