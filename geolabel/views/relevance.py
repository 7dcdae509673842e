"""Relevance over pictures: red speaks for a class, blue against it; the picture is grey, so as not to be either."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from geolabel.labels.colour import rgb
from geolabel.views.picture import limits, stretched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

FOR, AGAINST = "#b2182b", "#2166ac"
"""Told apart by the colour-blind, too. Source: the ends of ColorBrewer's RdBu."""
_MOST = 99.0
"""Percentile of what is shown in full colour: a single pixel does not make all others pale."""
_MOST_PIXELS = 1 << 22
"""By which the stretch of pictures is found; every so many of more."""
_OPAQUE = 0.88
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SIDE_PX, _GAP, _LINE, _BAR = 480, 14, 30, 14


def pictures(tiles: Sequence[tuple[NDArray[Any], NDArray[np.bool_]]]) -> list[NDArray[np.uint8]]:
    """Picture (h, w, 3) of each tile (the three bands that are seen (3, h, w), valid (h, w)), all in one stretch."""
    step = -(-sum(valid.size for _, valid in tiles) // _MOST_PIXELS)
    low, high = limits(np.concatenate([pixels[:, valid][:, ::step] for pixels, valid in tiles], axis=1))
    return [stretched(pixels, valid, low, high) for pixels, valid in tiles]


def limit_of(maps: Iterable[NDArray[np.float32]]) -> float:
    """Relevance that is shown in full colour, for maps (h, w) that are to be compared; 1 where all are 0."""
    told = [np.abs(relevance[relevance != 0]) for relevance in maps]
    values = np.concatenate(told) if told else np.zeros(0, np.float32)
    return float(np.percentile(values, _MOST)) if len(values) else 1.0


def overlaid(picture: NDArray[np.uint8], relevance: NDArray[np.float32], limit: float) -> NDArray[np.uint8]:
    """Relevance (h, w) over a picture (h, w, 3): the stronger, the more opaque; full from ± `limit` on."""
    grey = np.repeat((picture.astype(np.float32) @ _LUMA)[..., None], 3, axis=2)
    strength = np.clip(relevance / limit, -1, 1)[..., None]
    colour = np.where(strength > 0, *np.array([rgb(FOR), rgb(AGAINST)], np.float32))
    opacity = _OPAQUE * np.abs(strength)
    mixed: NDArray[np.uint8] = np.rint(grey * (1 - opacity) + colour * opacity).astype(np.uint8)
    return mixed


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture (h, w, 3) as PNG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def figure(panels: Sequence[tuple[str, NDArray[np.uint8]]], limit: float, unit: str, note: str) -> bytes:
    """Panels (title, picture (h, w, 3)) of one size side by side over the scale of relevance, as PNG for papers."""
    font = ImageFont.load_default(size=15)
    height, width = panels[0][1].shape[:2]
    times = max(1, round(_SIDE_PX / max(height, width)))
    wide, high = width * times, height * times
    sheet = Image.new("RGB", (len(panels) * (wide + _GAP) + _GAP, high + 4 * _LINE + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for at, (title, picture) in enumerate(panels):
        left = _GAP + at * (wide + _GAP)
        draw.text((left, 8), _fitting(draw, title, wide, font), fill="#222222", font=font)
        sheet.paste(Image.fromarray(picture).resize((wide, high), Image.Resampling.NEAREST), (left, _LINE))
    top, length = high + _LINE + _GAP, sheet.width - 2 * _GAP
    ramp = np.broadcast_to(np.linspace(-1, 1, length, dtype=np.float32), (_BAR, length))
    white = np.full((_BAR, length, 3), 255, np.uint8)
    sheet.paste(Image.fromarray(overlaid(white, ramp, 1.0)), (_GAP, top))
    for share, words, anchor in ((0.0, f"-{limit:.3g}", "la"), (0.5, "0", "ma"), (1.0, f"+{limit:.3g}", "ra")):
        draw.text((_GAP + share * length, top + _BAR + 4), words, fill="#222222", font=font, anchor=anchor)
    for line, words in enumerate((f"blue speaks against, red for: {unit}", note)):
        place = (_GAP, top + _BAR + 24 + 20 * line)
        draw.text(place, _fitting(draw, words, length, font), fill="#222222", font=font)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _fitting(draw: ImageDraw.ImageDraw, words: str, width: float, font: Any) -> str:
    """As much of a line as there is room for."""
    if draw.textlength(words, font=font) <= width:
        return words
    while words and draw.textlength(f"{words}…", font=font) > width:
        words = words[:-1]
    return f"{words}…"
