"""By what a score was measured: a short name for some tiles and what is known of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex


def ground_of(index: TileIndex, rows: NDArray[np.int64], names: Sequence[str], truth: NDArray[np.floating]) -> str:
    """Hash of the tiles `rows` (n,), of the classes, in any order, and of their truth (n, classes; NaN unknown).

    Scores of one ground can be compared. It does not depend on where the index lies, nor on its other tiles.
    """
    digest = hashlib.blake2b(digest_size=12)
    source = {found.path: found.fingerprint for found in index.sources if found.kind == "raster"}
    paths = index.column("source")[rows].astype(str).tolist()
    digest.update("\n".join(source.get(path) or path.rsplit("/", 1)[-1] for path in paths).encode())
    for name in ("col_off", "row_off", "width", "height"):
        digest.update(np.ascontiguousarray(index.column(name)[rows], dtype=np.int64).tobytes())
    for name, column in sorted(zip(names, truth.T.tolist(), strict=True)):
        digest.update(f"\n{name}\n".encode() + bytes(2 if value != value else int(value) for value in column))  # noqa: PLR0124 - NaN
    return digest.hexdigest()
