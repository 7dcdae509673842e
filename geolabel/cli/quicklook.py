"""A picture in the terminal: two pixels in each character, ▀ in the colour of the upper one on that of the lower."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from rich.columns import Columns
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.steps.inspection.sheet import Look

_UPPER = "\u2580"
_MOST_ROWS, _MOST_COLUMNS = 40, 100
_SOURCE_PX = 400
_SWATCH = "\u2588\u2588"


def print_look(name: str, bands: Sequence[str]) -> None:
    """Print a quick look at what `name` stands for, where stdout is a terminal that has colours and wants them."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal or "NO_COLOR" in os.environ or console.color_system is None:
        return
    from geolabel.errors import GeolabelError
    from geolabel.progress import log
    from geolabel.steps.inspect import look

    try:
        found = look(name, _SOURCE_PX, bands=bands)
    except GeolabelError as error:  # tiles whose raster is not here: the tables tell of the rest
        log.warning("no quick look: %s", error)
        return
    if found is not None:
        show_look(console, found)


def show_look(console: Console, look: Look) -> None:
    """Print a look, its caption and legend, within forty rows and the console's width."""
    rows = min(_MOST_ROWS, max(8, console.height - 4))
    columns = min(_MOST_COLUMNS, console.width)
    small = fitted(look.pixels, columns, 2 * rows)
    console.print(Segments(_segments(small)), end="")
    console.print(look.caption)
    if look.legend:
        console.print(Columns([Text.assemble((_SWATCH, color), f" {title}") for title, color in look.legend]))


def fitted(pixels: NDArray[np.uint8], columns: int, rows: int) -> NDArray[np.uint8]:
    """A picture (h, w, 3) that fits into so many columns and rows of square pixels, with an even number of rows."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = min(columns / width, rows / height, 1.0)
    wide, high = max(1, round(width * scale)), max(2, round(height * scale / 2) * 2)
    return np.asarray(Image.fromarray(pixels).resize((wide, high), Image.Resampling.BOX))


def _segments(pixels: NDArray[np.uint8]) -> Iterator[Segment]:
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for above, below in zip(upper, lower, strict=True):
            yield Segment(_UPPER, Style(color=_hex(above), bgcolor=_hex(below)))
        yield Segment.line()


def _hex(rgb: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
