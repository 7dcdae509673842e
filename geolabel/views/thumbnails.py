"""Tiles as small pictures, to be shown beside each other."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from geolabel.views.picture import true_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SIDE_PX = 96
_COLOURS = ("red", "green", "blue")


def thumbnails(
    tiles: Sequence[tuple[NDArray[Any], NDArray[np.bool_]]],
    bands: Sequence[str],
    form: Literal["PNG", "JPEG"] = "PNG",
) -> list[bytes]:
    """Picture of each tile (pixels (bands, height, width), valid (height, width)), all in one stretch.

    Red, green and blue where the bands are named so, else the first three, else the first in grey.
    """
    if not tiles:
        return []
    first = [0, 1, 2] if len(bands) > 2 else [0, 0, 0]  # noqa: PLR2004 - three colours
    chosen = [list(bands).index(name) for name in _COLOURS] if set(_COLOURS) <= set(bands) else first
    seen = [(pixels[chosen], valid) for pixels, valid in tiles]
    together = np.concatenate([rgb.reshape(3, 1, -1) for rgb, _ in seen], axis=2)
    valid = np.concatenate([mask.reshape(1, -1) for _, mask in seen], axis=1)
    stretched = np.split(true_colour(together, valid)[0], np.cumsum([mask.size for _, mask in seen])[:-1])
    return [_encoded(flat.reshape(*mask.shape, 3), form) for flat, (_, mask) in zip(stretched, seen, strict=True)]


def _encoded(picture: NDArray[np.uint8], form: str) -> bytes:
    image = Image.fromarray(picture)
    if max(image.size) > _SIDE_PX:
        image.thumbnail((_SIDE_PX, _SIDE_PX), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, form, optimize=True)
    return stream.getvalue()
