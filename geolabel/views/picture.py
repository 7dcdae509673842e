"""A region as a picture: true colour beside its classes, with a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from geolabel.labels.colour import rgb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_GAP = 12
_LINE = 30


def true_colour(rgb: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bands red, green, blue (3, h, w) stretched to what the eye likes: (h, w, 3); white where not valid.

    One stretch for the three, from the dark end of the scene to its 99.5th percentile: colours keep their tint.
    """
    return stretched(rgb, valid, *limits(rgb[:, valid]))


def limits(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Values between which a picture is stretched: the dark end and the 99th percentile; 0 and 1 of none: (2,)."""
    if not values.size:
        return np.array([0.0, 1.0])
    return np.percentile(values.astype(np.float32), (0.5, 99.0)).astype(np.float64)


def stretched(
    rgb: NDArray[np.generic], valid: NDArray[np.bool_], low: np.float64, high: np.float64
) -> NDArray[np.uint8]:
    """The same as `true_colour`, between limits that several pictures share."""
    seen = np.where(valid, rgb, 0).astype(np.float32)  # NaN and the like have no brightness
    bright = np.clip((seen - low) / max(float(high - low), 1e-6), 0, 1) ** 0.6
    picture = (bright * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.where(valid[..., None], picture, 255).astype(np.uint8)


def overlay(
    picture: NDArray[np.uint8], classes: NDArray[np.uint8], colors: Sequence[str], opacity: float = 0.55
) -> NDArray[np.uint8]:
    """Class colours over a picture (h, w, 3); `classes` (h, w) from 1, 0 and 255 stay bare."""
    table = np.zeros((256, 3), dtype=np.float32)
    for number, color in enumerate(colors, start=1):
        table[number] = rgb(color)
    shown = ((classes > 0) & (classes <= len(colors)))[..., None]
    mixed = picture * (1 - opacity) + table[classes] * opacity
    return np.where(shown, mixed, picture).astype(np.uint8)


def write_panels(
    path: Path,
    panels: Sequence[tuple[str, NDArray[np.uint8]]],
    legend: Sequence[tuple[str, str]],
    side_px: int = 640,
) -> None:
    """Panels (title, picture) side by side over a legend of (title, colour), as PNG."""
    font = ImageFont.load_default(size=16)
    images = [
        (title, Image.fromarray(panel).resize((side_px, side_px), Image.Resampling.LANCZOS)) for title, panel in panels
    ]
    width = len(images) * (side_px + _GAP) + _GAP
    sheet = Image.new("RGB", (width, side_px + 2 * _LINE + 2 * _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (title, image) in enumerate(images):
        left = _GAP + number * (side_px + _GAP)
        draw.text((left, 8), title, fill="#222222", font=font)
        sheet.paste(image, (left, _LINE + 4))
    left, top = _GAP, side_px + _LINE + _GAP
    for title, color in legend:
        draw.rectangle((left, top + 6, left + 16, top + 22), fill=color)
        draw.text((left + 22, top + 4), title, fill="#222222", font=font)
        left += 22 + int(draw.textlength(title, font=font)) + 2 * _GAP
    sheet.save(path)
