"""A table of tags as columns of a tile index; shared by `tile --images` and `label --tags`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from geolabel.errors import TableError
from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.progress import log
from geolabel.tiling.index import LABEL_PREFIX, RESERVED, dictionary

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.table import TagTable


def tag_scheme(table: TagTable, tags: Path | None) -> Scheme:
    """Tags are independent of each other; class sub-folders exclude each other."""
    group = "" if tags else "folder"
    name = tags.stem if tags else "folders"
    return complete(Scheme(name, tuple(LabelClass(found, group=group) for found in table.classes)))


def tag_columns(table: TagTable, row_of: NDArray[np.int64], count: int) -> tuple[dict[str, pa.Array], int]:
    """A table's labels, attributes and places as columns of `count` tiles; how many tiles it says nothing of.

    `row_of` (images,): the tile of each image, -1 where there is none. Raises TableError where two have the same.
    """
    inside = row_of >= 0
    rows = row_of[inside]
    _check_once(table, row_of)
    labels = np.full((count, len(table.classes)), np.nan, dtype=np.float32)
    labels[rows] = table.labels[inside]
    columns: dict[str, pa.Array] = {
        "known": pa.array(np.isfinite(labels).mean(axis=1), pa.float32()),
        **{LABEL_PREFIX + name: pa.array(labels[:, at], pa.float32()) for at, name in enumerate(table.classes)},
    }
    for name, values in table.attributes.items():
        if name in RESERVED:
            log.warning("the column %r of the table is left out: the tile index has one of its own", name)
            continue
        spread = np.full(count, None, dtype=object)
        spread[rows] = values[inside]
        columns[name] = dictionary(spread)
    if table.lon_lat is not None:
        points = np.full((count, 2), np.nan)
        points[rows] = table.lon_lat[inside]
        placed = np.isfinite(points).all(axis=1)
        shapes = np.full(count, None, dtype=object)
        shapes[placed] = shapely.points(points[placed])
        columns["geometry"] = pa.array(shapely.to_wkb(shapes), pa.binary())
    return columns, count - len(np.unique(rows))


def _check_once(table: TagTable, row_of: NDArray[np.int64]) -> None:
    """Refuse two rows for one image, which the names `a` and `a.png` can hide."""
    inside = np.flatnonzero(row_of >= 0)
    _, first, count = np.unique(row_of[inside], return_index=True, return_counts=True)
    if (count > 1).any():
        row = row_of[inside[first[count > 1][0]]]
        one, other, *_ = (table.images[at] for at in np.flatnonzero(row_of == row).tolist())
        raise TableError(f"images {one} and {other}: are one file; keep one row of the table")
