"""Read → forward → blend, strip by strip: memory does not grow with the region's height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geolabel.grid import Window
from geolabel.inference.blend import Blender
from geolabel.inference.decision import quantise
from geolabel.progress import track
from geolabel.raster import mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from geolabel.inference.plan import Plan

_CHIP_BYTES = 64 << 20
"""Chips are cut from a strip so many bytes at a time."""


class PixelReader(Protocol):
    """What the pipeline reads from: `geolabel.raster.Reader`, or anything like it."""

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels (bands, height, width) and which of them are valid (height, width)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Finished rows of a region."""

    row_off: int
    levels: NDArray[np.uint8]
    """(classes, rows, width): probabilities as 0–250."""
    valid: NDArray[np.bool_]
    """(rows, width): where anything was seen, and was asked for."""


def predict_rows(
    reader: PixelReader,
    plan: Plan,
    forward: Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.float32]],
    classes: int,
    *,
    inside: Callable[[Window], NDArray[np.bool_]] | None = None,
) -> Iterator[Rows]:
    """Predict a region from the top down, and yield its rows once no tile below touches them.

    `forward` maps chips (n, bands, h, w) and their validity (n, h, w) to probabilities (n, classes). `inside` tells
    which pixels of a window lie in the area of interest. Tiles without a valid pixel are not predicted.
    """
    blender = Blender(plan, classes)
    ends = np.append(plan.rows[1:], plan.height)
    strips = _strips(reader, plan, inside)
    for strip, end in zip(
        track(strips, total=len(plan.rows), what="predicting", unit="rows"), ends.tolist(), strict=True
    ):
        probabilities, weights = _forward_strip(strip, plan, forward, classes)
        blender.add(strip.row_off, probabilities, weights)
        levels = blender.take(end, quantise)
        yield Rows(strip.row_off, levels, strip.shown[: end - strip.row_off, : plan.width].copy())


@dataclass(frozen=True, slots=True)
class _Strip:
    """One row of tiles."""

    row_off: int
    pixels: NDArray[Any]
    """(bands, tile height, width)."""
    valid: NDArray[np.bool_]
    """(tile height, width): what the network sees."""
    shown: NDArray[np.bool_]
    """(tile height, width): what of it is asked for. Outside an area of interest there is context, but no answer."""


def _strips(reader: PixelReader, plan: Plan, inside: Callable[[Window], NDArray[np.bool_]] | None) -> Iterator[_Strip]:
    """Each row of tiles; every pixel of the region is read once."""
    held: tuple[NDArray[Any], ...] | None = None
    top = bottom = 0
    for row in plan.rows.tolist():
        until = min(row + plan.tile_height, plan.height)
        window = Window(0, bottom, plan.width, until - bottom)
        pixels, valid = reader.read(window)
        new: tuple[NDArray[Any], ...] = (pixels, valid[None], (valid & inside(window) if inside else valid)[None])
        if held is not None:
            kept = slice(row - top, bottom - top)
            new = tuple(np.concatenate([old[:, kept], more], axis=1) for old, more in zip(held, new, strict=True))
        held, top, bottom = new, row, until
        size = (plan.tile_height, max(plan.width, plan.tile_width))
        seen, valid, shown = (mirror(part, *size) for part in (held[0], held[1], held[2]))
        yield _Strip(row, seen, valid[0], shown[0])


def _forward_strip(
    strip: _Strip,
    plan: Plan,
    forward: Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.float32]],
    classes: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities (tiles, classes) of a row of tiles, and their weights (tiles,): their shares of valid pixels."""
    weights = _tile_means(strip.valid, plan)
    probabilities = np.zeros((len(plan.cols), classes), dtype=np.float32)
    views = np.lib.stride_tricks.sliding_window_view(strip.pixels, plan.tile_width, axis=2)
    valid_views = np.lib.stride_tricks.sliding_window_view(strip.valid, plan.tile_width, axis=1)
    some = np.flatnonzero(_tile_means(strip.shown, plan) > 0)
    step = max(1, _CHIP_BYTES // (strip.pixels.nbytes // strip.pixels.shape[2] * plan.tile_width))
    for first in range(0, len(some), step):
        part = some[first : first + step]
        starts = plan.cols[part]
        probabilities[part] = forward(
            views[:, :, starts].transpose(2, 0, 1, 3), valid_views[:, starts].transpose(1, 0, 2)
        )
    skipped = np.ones(len(weights), dtype=bool)
    skipped[some] = False
    weights[skipped] = 0
    return probabilities, weights.astype(np.float32)


def _tile_means(mask: NDArray[np.bool_], plan: Plan) -> NDArray[np.float64]:
    """Share of each tile of a row on which `mask` (tile height, width) is true: (tiles,)."""
    running = np.concatenate([[0], np.cumsum(mask.sum(axis=0))])
    inside = running[plan.cols + plan.tile_width] - running[plan.cols]
    return np.asarray(inside / (plan.tile_height * plan.tile_width), dtype=np.float64)


def realign(parts: Iterable[Rows], rows: int) -> Iterator[Rows]:
    """The same rows in strips of `rows` each (the last may have fewer): whole blocks of the file they go to."""
    held: list[Rows] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part.valid)
        while count >= rows:
            whole = _join(held)
            yield Rows(whole.row_off, whole.levels[:, :rows], whole.valid[:rows])
            held = [Rows(whole.row_off + rows, whole.levels[:, rows:].copy(), whole.valid[rows:].copy())]
            count -= rows
    if count:
        yield _join(held)


def _join(parts: list[Rows]) -> Rows:
    return Rows(
        parts[0].row_off,
        np.concatenate([part.levels for part in parts], axis=1),
        np.concatenate([part.valid for part in parts]),
    )
