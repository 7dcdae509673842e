"""Which tiles judge an embedding, and what they show: labels and shares, in parts that share no pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel.errors import EmptyError, TileIndexError, listed
from geolabel.labels.targets import dominant
from geolabel.steps.embed.classes import NONE, shares_with_none
from geolabel.steps.task import whole_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex

PARTS = ("train", "test")
_INSIDE_PX = 0.5
"""Windows that share less than a pixel only touch."""


@dataclass(frozen=True, slots=True)
class JudgedTiles:
    """Tiles of train and test of which at least one class is known."""

    rows: NDArray[np.int64]
    """Rows of the index: (n,)."""
    parts: NDArray[Any]
    """train or test: (n,)."""
    classes: tuple[str, ...]
    """Those that are somewhere among the tiles; `none` is the last, where it is there."""
    shares: NDArray[np.float32]
    """(n, classes), each row with the sum 1; what is not known counts as 0."""
    labels: NDArray[np.int64]
    """Class of the largest share (n,); −1 where that is less than asked, or not known."""
    unlabelled: int
    """Tiles of train and test that are left out, because nothing is known of them."""
    tied: int
    """Tiles of which two classes have the largest share: the first counts."""

    def of_part(self, part: str) -> NDArray[np.int64]:
        """Numbers (m,) of the tiles of a part, among these."""
        return np.flatnonzero(self.parts == part)


def judged_tiles(index: TileIndex, path: Path, least: float) -> JudgedTiles:
    """The tiles that teach and judge probes; `least` is the share that the label of a tile needs.

    Raises TileIndexError (no labels, no split, parts that share pixels), EmptyError (a part without labelled tiles,
    fewer than two classes).
    """
    if not index.class_names:
        raise TileIndexError(f"{path}: has no labels; attach some with geolabel label")
    if index.split is None:
        raise TileIndexError(
            f"{path}: is not split, and probes must be judged on places they did not learn; run geolabel split first"
        )
    part = index.column("split").astype(str)
    wanted = np.isin(part, PARTS) & whole_tiles(index)
    shares = shares_with_none(index)
    told = np.nansum(shares, axis=1)
    rows = np.flatnonzero(wanted & (told > 0))
    kept = shares[rows]
    seen = np.nansum(kept, axis=0) > 0
    classes = tuple(name for name, there in zip((*index.class_names, NONE), seen, strict=True) if there)
    _check(path, part[rows], classes)
    _refuse_overlap(index, path, rows, part)
    filled = np.nan_to_num(kept[:, seen])
    largest = filled.max(axis=1, keepdims=True)
    labels = dominant(kept[:, seen].T, least)
    for name in PARTS:
        if len(np.unique(labels[(part[rows] == name) & (labels >= 0)])) < 2:  # noqa: PLR2004 - nothing to tell apart
            raise EmptyError(
                f"{path}: the tiles of {name} have fewer than two classes as their largest share; lower "
                "--single-class-threshold, split anew with another --block, or label more tiles"
            )
    return JudgedTiles(
        rows=rows,
        parts=part[rows],
        classes=classes,
        shares=(filled / filled.sum(axis=1, keepdims=True)).astype(np.float32),
        labels=labels,
        unlabelled=int((wanted & ~(told > 0)).sum()),
        tied=int(((filled == largest).sum(axis=1) > 1).sum()),
    )


def _check(path: Path, parts: NDArray[Any], classes: tuple[str, ...]) -> None:
    for name in PARTS:
        if not (parts == name).any():
            raise EmptyError(
                f"{path}: no tile in {name} of which a class is known; lower --min-known of geolabel label, or split "
                "anew with another --block"
            )
    if len(classes) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise EmptyError(f"{path}: all labelled tiles are {listed(classes)}; probes need two classes or more")


def _refuse_overlap(index: TileIndex, path: Path, rows: NDArray[np.int64], part: NDArray[Any]) -> None:
    """Raise TileIndexError where a test tile shares pixels with a training tile of the same raster."""
    columns = [index.column(name)[rows].astype(np.float64) for name in ("col_off", "row_off", "width", "height")]
    col, row, width, height = columns
    boxes = shapely.box(col + _INSIDE_PX, row + _INSIDE_PX, col + width - _INSIDE_PX, row + height - _INSIDE_PX)
    sources = index.column("source")[rows].astype(str)
    shared = 0
    for source in index.sources:
        if source.kind == "raster":
            train, test = (np.flatnonzero((sources == source.path) & (part[rows] == name)) for name in PARTS)
            met = shapely.STRtree(boxes[train]).query(boxes[test], predicate="intersects")[0]
            shared += len(np.unique(met))
    if shared:
        raise TileIndexError(
            f"{path}: {shared:,} test tiles share pixels with training tiles, so probes would be judged on what they "
            "learned; run geolabel split again with a --buffer of at least a tile"
        )
