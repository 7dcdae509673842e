"""The tiles of an index and their vectors: what is known of them stays with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel import files
from geolabel.learn.chips import load_chips
from geolabel.learn.predictor import predict_chips
from geolabel.model import for_source
from geolabel.steps.predict_tiles import parts

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.tiling import TileIndex


def encoded_tiles(
    encoder: Predictor, index: TileIndex, base: Path, table: pa.Table
) -> Generator[tuple[pa.Table, NDArray[np.float32]]]:
    """Rows of `table`, which are those of the index, and their vectors (n, size); each source by its own scale.

    The sources are looked for from the folder `base` on. Tiles keep their order, but for those of another scale, which
    come after those of the first. Raises InputError, BandError, TileIndexError.
    """
    for rows, scale, offset in parts(index, "encoding tiles"):
        with files.scratch() as scratch:
            chips = load_chips(index, rows, base, scratch)
            ready = encoder.with_card(for_source(encoder.card, index.sources[0].dtype, scale, offset))
            yield table.take(pa.array(rows)), predict_chips(ready, chips, np.arange(len(rows)))
