"""Tiles as small pictures, to be shown beside each other."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from geolabel.views.picture import limits, stretched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIDE_PX = 96
COLOURS = ("red", "green", "blue")
_MOST_PIXELS = 1 << 22
"""By which the stretch of many tiles is found; every so many of more."""


def thumbnails(
    tiles: Sequence[tuple[NDArray[Any], NDArray[np.bool_]]],
    bands: Sequence[str],
    form: Literal["PNG", "JPEG", "WEBP"] = "PNG",
) -> list[bytes]:
    """Picture of each tile (pixels (bands, height, width), valid (height, width)), all in one stretch.

    Red, green and blue where the bands are named so, else the first three, else the first in grey.
    """
    if not tiles:
        return []
    chosen = seen_bands(bands)
    step = -(-sum(valid.size for _, valid in tiles) // _MOST_PIXELS)
    seen = [pixels[chosen][:, valid][:, ::step] for pixels, valid in tiles]
    low, high = limits(np.concatenate(seen, axis=1))
    return [_encoded(stretched(pixels[chosen], valid, low, high), form) for pixels, valid in tiles]


def seen_bands(bands: Sequence[str]) -> list[int]:
    """Places of the three bands that are shown as red, green and blue."""
    if set(COLOURS) <= set(bands):
        return [list(bands).index(name) for name in COLOURS]
    return [0, 1, 2] if len(bands) > 2 else [0, 0, 0]  # noqa: PLR2004 - three colours


def _encoded(picture: NDArray[np.uint8], form: str) -> bytes:
    image = Image.fromarray(picture)
    if max(image.size) > SIDE_PX:
        image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, form, optimize=True)
    return stream.getvalue()
