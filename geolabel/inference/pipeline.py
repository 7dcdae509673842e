"""Read → forward → blend, strip by strip: memory does not grow with the region's height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geolabel.grid import Window
from geolabel.inference.blend import Blender
from geolabel.progress import track

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
    probability: NDArray[np.float32]
    """(classes, rows, width), 0–1."""
    valid: NDArray[np.bool_]
    """(rows, width): where anything was seen."""


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
    for (row, pixels, valid), end in zip(
        track(strips, total=len(plan.rows), what="predicting", unit="rows"), ends.tolist(), strict=True
    ):
        probabilities, weights = _forward_strip(pixels, valid, plan, forward, classes)
        blender.add(row, probabilities, weights)
        yield Rows(row, blender.take(end), valid[: end - row, : plan.width].copy())


def _strips(
    reader: PixelReader, plan: Plan, inside: Callable[[Window], NDArray[np.bool_]] | None
) -> Iterator[tuple[int, NDArray[Any], NDArray[np.bool_]]]:
    """Each row of tiles as (first row, pixels, valid); every pixel of the region is read once."""
    pixels: NDArray[Any] | None = None
    valid = np.empty((0, plan.width), dtype=bool)
    top = bottom = 0
    for row in plan.rows.tolist():
        until = min(row + plan.tile_height, plan.height)
        window = Window(0, bottom, plan.width, until - bottom)
        new, new_valid = reader.read(window)
        if inside is not None:
            new_valid = new_valid & inside(window)
        kept = slice(row - top, bottom - top)
        pixels = new if pixels is None else np.concatenate([pixels[:, kept], new], axis=1)
        valid = np.concatenate([valid[kept], new_valid])
        top, bottom = row, until
        yield row, _mirror(pixels, plan), _mirror(valid[None], plan)[0]


def _mirror(pixels: NDArray[Any], plan: Plan) -> NDArray[Any]:
    """A region smaller than a tile is mirrored at its edge up to the tile's size."""
    more = (
        (0, 0),
        (0, max(0, plan.tile_height - pixels.shape[1])),
        (0, max(0, plan.tile_width - pixels.shape[2])),
    )
    return np.pad(pixels, more, mode="symmetric") if any(after for _, after in more) else pixels


def _forward_strip(
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    plan: Plan,
    forward: Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.float32]],
    classes: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities (tiles, classes) of a row of tiles, and their weights (tiles,): their shares of valid pixels."""
    running = np.concatenate([[0], np.cumsum(valid.sum(axis=0))])
    weights = (running[plan.cols + plan.tile_width] - running[plan.cols]) / (plan.tile_height * plan.tile_width)
    probabilities = np.zeros((len(plan.cols), classes), dtype=np.float32)
    views = np.lib.stride_tricks.sliding_window_view(pixels, plan.tile_width, axis=2)
    valid_views = np.lib.stride_tricks.sliding_window_view(valid, plan.tile_width, axis=1)
    some = np.flatnonzero(weights > 0)
    step = max(1, _CHIP_BYTES // (pixels.nbytes // pixels.shape[2] * plan.tile_width))
    for first in range(0, len(some), step):
        part = some[first : first + step]
        starts = plan.cols[part]
        probabilities[part] = forward(
            views[:, :, starts].transpose(2, 0, 1, 3), valid_views[:, starts].transpose(1, 0, 2)
        )
    return probabilities, weights.astype(np.float32)


def realign(parts: Iterable[Rows], rows: int) -> Iterator[Rows]:
    """The same rows in strips of `rows` each (the last may have fewer): whole blocks of the file they go to."""
    held: list[Rows] = []
    count = 0
    for part in parts:
        held.append(part)
        count += len(part.valid)
        while count >= rows:
            whole = _join(held)
            yield Rows(whole.row_off, whole.probability[:, :rows], whole.valid[:rows])
            held = [Rows(whole.row_off + rows, whole.probability[:, rows:].copy(), whole.valid[rows:].copy())]
            count -= rows
    if count:
        yield _join(held)


def _join(parts: list[Rows]) -> Rows:
    return Rows(
        parts[0].row_off,
        np.concatenate([part.probability for part in parts], axis=1),
        np.concatenate([part.valid for part in parts]),
    )
