"""What values a raster holds, from all of its pixels where these are few, else from whole blocks spread over it.

Blocks rather than overviews: an overview is averaged, so it knows neither the extremes nor the spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.grid import Window
from geolabel.raster import door
from geolabel.raster.read import alpha_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MOST_BYTES = 80 << 20
"""Read at most about so much, which takes a second or two; a raster that is no larger is read whole."""
_PLACES = 64
"""Blocks that are looked at, at the most: eight along each axis."""
_LEAST_PLACES = 9
_LARGE = 1e100
"""Squares of larger values are no numbers any more: they are measured in another unit."""
_LARGEST_PX = 1 << 22
"""Of one block: of larger ones the beginning is read."""


@dataclass(frozen=True, slots=True)
class BandStatistics:
    """Values of one band, as stored; all None where no pixel is valid."""

    valid_share: float
    """Share of the pixels looked at that are valid in this band."""
    min: float | None
    p2: float | None
    """2nd percentile."""
    mean: float | None
    p98: float | None
    max: float | None
    std: float | None
    """Of all the pixels looked at, not of a sample of a larger population."""


_NOTHING = BandStatistics(0.0, None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a raster holds, or the blocks of it that were looked at."""

    pixels: int
    """That were looked at."""
    of_pixels: int
    """That there are."""
    valid_share: float
    """Share valid in at least one band, which is what geolabel takes for seen; NaN is never valid."""
    bands: tuple[BandStatistics, ...]
    codes: dict[int, int]
    """Valid value → pixels, of the first band where it is of whole numbers; empty otherwise, or for too many."""

    @property
    def exact(self) -> bool:
        """Whether every pixel was looked at."""
        return self.pixels == self.of_pixels


_MOST_CODES = 256
"""More different values are measurements, not classes."""


def measure(path: Path, indexes: Sequence[int]) -> Statistics:
    """Measure some bands (numbers from 1) of a raster. Raises InputError where it is truncated."""
    looked, seen = 0, 0
    with door.dataset(path) as dataset:
        values = [_Counted.of(dtype) or _Kept([]) for dtype in (dataset.dtypes[index - 1] for index in indexes)]
        whole = dataset.width * dataset.height
        alpha = alpha_index(dataset)
        for window in _windows(dataset, indexes):
            with door.reading(path, f"rows {window.row_off}–{window.row_off + window.height}"):
                pixels, valid = _read(dataset, indexes, alpha, window)
            looked += window.width * window.height
            seen += int(valid.any(axis=0).sum())
            for found, band, mask in zip(values, pixels, valid, strict=True):
                found.add(band[mask])
    return Statistics(
        pixels=looked,
        of_pixels=whole,
        valid_share=seen / looked,
        bands=tuple(found.summed(looked) for found in values),
        codes=values[0].codes() if values else {},
    )


def _read(
    dataset: Any, indexes: Sequence[int], alpha: int | None, window: Window
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels (bands, height, width), and which are valid in each band."""
    from rasterio.windows import Window as RasterioWindow

    area = RasterioWindow(window.col_off, window.row_off, window.width, window.height)
    pixels = dataset.read(list(indexes), window=area)
    flags = {flag.name for flag in dataset.mask_flag_enums[indexes[0] - 1]}
    if alpha is not None:
        valid = np.broadcast_to(dataset.read(alpha, window=area) > 0, pixels.shape)
    elif "per_dataset" in flags:
        valid = np.broadcast_to(dataset.read_masks(indexes[0], window=area) > 0, pixels.shape)
    else:  # GDAL would decode the blocks again for its masks
        valid = np.stack(
            [not_nodata(band, dataset.nodatavals[at - 1]) for at, band in zip(indexes, pixels, strict=True)]
        )
    return pixels, valid & np.isfinite(pixels) if pixels.dtype.kind in "fc" else valid


def not_nodata(band: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Which pixels of a band are not its nodata value; NaN is another matter."""
    if nodata is None or math.isnan(nodata):
        return np.ones(band.shape, bool)
    return np.asarray(band != np.float32(nodata) if band.dtype == np.float32 else band != nodata)


def _windows(dataset: Any, indexes: Sequence[int]) -> Iterator[Window]:
    """Strips of the whole raster, or blocks on an even lattice over it."""
    width, height = dataset.width, dataset.height
    deep = sum(np.dtype(dataset.dtypes[index - 1]).itemsize for index in indexes)
    block_height, block_width = dataset.block_shapes[indexes[0] - 1]
    if width * height * deep <= _MOST_BYTES:
        rows = max(1, _LARGEST_PX // (width * block_height)) * block_height
        for top in range(0, height, rows):
            yield Window(0, top, width, min(rows, height - top))
        return
    block_width, block_height = min(block_width, width), min(block_height, height)
    block_height = min(block_height, max(1, _LARGEST_PX // block_width))
    if block_width == width:  # strips: some of them make a block
        block_height = min(height, max(block_height, _LARGEST_PX // _PLACES // width))
    across, down = math.ceil(width / block_width), math.ceil(height / block_height)
    count = max(_LEAST_PLACES, min(_PLACES, _MOST_BYTES // (block_width * block_height * deep)))
    cols = min(across, max(1, round(math.sqrt(count * across / down))))
    rows = min(down, max(1, count // cols))
    for row in _even(down, rows):
        for col in _even(across, cols):
            left, top = col * block_width, row * block_height
            yield Window(left, top, min(block_width, width - left), min(block_height, height - top))


def _even(count: int, chosen: int) -> list[int]:
    """`chosen` of `count` places, evenly, none at the very end."""
    return [int((at + 0.5) * count / chosen) for at in range(chosen)]


@dataclass(frozen=True, slots=True)
class _Counted:
    """How often each value of a small type of whole numbers was met: little memory, whatever the number of pixels."""

    lowest: int
    counts: NDArray[np.int64]
    """(values,): from the type's lowest value on."""

    @classmethod
    def of(cls, dtype: str) -> _Counted | None:
        """None for types of which there are too many values."""
        kind = np.dtype(dtype)
        if kind.kind not in "iu" or kind.itemsize > 2:  # noqa: PLR2004 - 65,536 values
            return None
        span = np.iinfo(kind)
        return cls(int(span.min), np.zeros(int(span.max) - int(span.min) + 1, np.int64))

    def add(self, values: NDArray[Any]) -> None:
        self.counts[:] += np.bincount(values.astype(np.intp) - self.lowest, minlength=len(self.counts))

    def codes(self) -> dict[int, int]:
        there = np.flatnonzero(self.counts)
        if len(there) > _MOST_CODES:
            return {}
        return dict(zip((there + self.lowest).tolist(), self.counts[there].tolist(), strict=True))

    def summed(self, looked: int) -> BandStatistics:
        there = np.flatnonzero(self.counts)
        if not len(there):
            return _NOTHING
        values, counts = (there + self.lowest).astype(np.float64), self.counts[there]
        mean = float(np.average(values, weights=counts))
        return BandStatistics(
            valid_share=int(counts.sum()) / looked,
            min=float(values[0]),
            p2=self._percentile(values, counts, 2),
            mean=mean,
            p98=self._percentile(values, counts, 98),
            max=float(values[-1]),
            std=math.sqrt(float(np.average((values - mean) ** 2, weights=counts))),
        )

    @staticmethod
    def _percentile(values: NDArray[np.float64], counts: NDArray[np.int64], percent: float) -> float:
        """Between the two values nearest in rank, as numpy does it."""
        ends = np.cumsum(counts)
        rank = (int(ends[-1]) - 1) * percent / 100
        low, high = (float(values[np.searchsorted(ends, at, side="right")]) for at in (int(rank), math.ceil(rank)))
        return low + (high - low) * (rank - int(rank))


@dataclass(frozen=True, slots=True)
class _Kept:
    """All values that were met, for types of which there are too many to be counted."""

    parts: list[NDArray[Any]]

    def add(self, values: NDArray[Any]) -> None:
        self.parts.append(np.abs(values) if values.dtype.kind == "c" else values)

    def codes(self) -> dict[int, int]:
        values = np.concatenate(self.parts)
        if values.dtype.kind not in "iu":
            return {}
        found, counts = np.unique(values, return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True)) if len(found) <= _MOST_CODES else {}

    def summed(self, looked: int) -> BandStatistics:
        values = np.concatenate(self.parts)
        if not len(values):
            return _NOTHING
        span = max(1.0, float(np.abs(values).max()) / _LARGE)
        shown = values / span if span > 1 else values
        low, high = np.percentile(shown, (2, 98))
        return BandStatistics(
            valid_share=len(values) / looked,
            min=float(values.min()),
            p2=float(low) * span,
            mean=float(shown.mean(dtype=np.float64)) * span,
            p98=float(high) * span,
            max=float(values.max()),
            std=float(shown.std(dtype=np.float64)) * span,
        )
