"""A picture of an embeddings file: places that look alike to the encoder have the same colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel import raster
from geolabel.embeddings import read_header
from geolabel.embeddings.colours import NODATA, Colours
from geolabel.embeddings.pieces import pieces
from geolabel.errors import EmptyError
from geolabel.steps.embed.lattice_raster import write_lattice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.embeddings.lattice import Placed


def draw(embeddings: Path, placed: Sequence[Placed], pictures: Sequence[Path]) -> Colours:
    """Write a COG a raster: red, green and blue from 1 to 255, 0 where no tile is; one cell a stride.

    The colours mean the same in all of them. Raises InputError, OutputError.
    """
    count = sum(len(one.members) for one in placed)
    if not count:
        raise EmptyError(f"{embeddings}: has no tiles, so no picture of them")
    colours = Colours.fit(lambda: pieces(embeddings), count, read_header(embeddings).size)
    rgb = np.empty((count, 3), np.uint8)
    for first, vectors in pieces(embeddings):
        rgb[first : first + len(vectors)] = colours.rgb(vectors)
    style = raster.BandStyle(("red", "green", "blue"), nodata=NODATA, overviews="average")
    for one, path in zip(placed, pictures, strict=True):
        write_lattice(path, one, rgb, style)
    return colours
