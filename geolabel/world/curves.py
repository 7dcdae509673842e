"""Paths: resampling, wandering, and the slow migration that makes a river meander."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, signal
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from geolabel.world.arrays import Points


def lengths(path: Points) -> Points:
    """Distance along the path at each of its points, (n,), pixels."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    return np.concatenate(([0.0], np.cumsum(steps)))


def resample(path: Points, spacing_px: float) -> Points:
    """The same path with points about every spacing_px."""
    along = lengths(path)
    count = max(int(along[-1] / spacing_px) + 1, 4)
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, path[:, axis]) for axis in (0, 1)], axis=1)


def wander(rng: np.random.Generator, start: Points, end: Points, *, sway_px: float, bend_px: float) -> Points:
    """A loose path from start to end; sway_px sideways at bends about bend_px long."""
    reach = float(np.hypot(*(end - start)))
    count = max(int(reach / 4.0), 12)
    share = np.linspace(0.0, 1.0, count)
    noise = rng.standard_normal((count, 2))
    noise = ndimage.gaussian_filter1d(noise, max(bend_px / reach * count / 2.5, 1.0), axis=0)
    noise /= max(float(noise.std()), 1e-9)
    # Both ends stay where they were asked for.
    hold = np.sin(np.pi * share)[:, None] ** 0.5
    return np.asarray(start + share[:, None] * (end - start) + sway_px * hold * noise)


def wiggle(rng: np.random.Generator, path: Points, *, sway_px: float, bend_px: float) -> Points:
    """The path with every point pushed about sway_px aside, smoothly over bend_px."""
    dense = resample(path, 2.0)
    noise = ndimage.gaussian_filter1d(rng.standard_normal(dense.shape), bend_px / 5.0, axis=0, mode="nearest")
    return np.asarray(dense + sway_px * noise / max(float(noise.std()), 1e-9))


@dataclass(frozen=True, slots=True)
class Meander:
    """A river's course today, its earlier courses, and the loops it has abandoned."""

    path: Points
    """Centre line today, upstream first."""
    history: tuple[Points, ...]
    """Earlier centre lines, oldest first; the last is today's."""
    oxbows: tuple[Points, ...]
    """Centre lines of loops cut off, oldest first."""


def meander(path: Points, *, width_px: float, steps: int, keep_every: int = 4) -> Meander:
    """Let a river migrate for a number of steps.

    The bank retreats with the curvature here and, more strongly, with the curvature just
    upstream, which is what makes bends grow, skew and drift downstream; a loop whose ends
    meet is cut off. Source: Howard & Knutson 1984, Water Resources Research 20(11).
    """
    spacing = 0.6 * width_px
    memory = float(np.exp(-spacing / (1.6 * width_px)))
    history: list[Points] = []
    oxbows: list[Points] = []
    for step in range(steps):
        path = resample(path, spacing)
        tangent = np.gradient(path, axis=0)
        turning = np.gradient(tangent, axis=0)
        pace = np.hypot(tangent[:, 0], tangent[:, 1])
        curvature = (tangent[:, 0] * turning[:, 1] - tangent[:, 1] * turning[:, 0]) / pace**3
        # Water cannot turn tighter than about its own width.
        curvature = np.clip(curvature, -0.7 / width_px, 0.7 / width_px)
        upstream = signal.lfilter([1.0 - memory], [1.0, -memory], curvature)
        retreat = 0.11 * width_px**2 * (2.5 * upstream - curvature)
        hold = np.clip(np.minimum(np.arange(len(path)), np.arange(len(path))[::-1]) / 8.0, 0, 1)
        outward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1) / pace[:, None]
        path = path + outward * (retreat * hold)[:, None]
        path[1:-1] = 0.98 * path[1:-1] + 0.01 * (path[:-2] + path[2:])
        if step % 3 == 0:
            path, cut = _cut_off(path, reach_px=1.25 * width_px, gap=8)
            oxbows += cut
        if step % keep_every == 0:
            history.append(path)
    return Meander(path, (*history, path), tuple(oxbows))


def _cut_off(path: Points, *, reach_px: float, gap: int) -> tuple[Points, list[Points]]:
    """Short-cut every loop whose two ends came within reach_px of each other."""
    loops: list[Points] = []
    while True:
        pairs = cKDTree(path).query_pairs(reach_px, output_type="ndarray")
        pairs = pairs[pairs[:, 1] - pairs[:, 0] > gap]
        if len(pairs) == 0:
            return path, loops
        first, last = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))[0]]
        last = pairs[pairs[:, 0] == first, 1].max()
        loops.append(path[first : last + 1])
        path = np.concatenate([path[: first + 1], path[last:]])
