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
from geolabel.tiling.index import shapes_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling.index import TileIndex

PARTS = ("train", "test")
_TOUCHING = 0.98
"""Of a tile's sides: neighbours touch, and in degrees may seem to overlap by a little."""
_POLYGON = 3


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
    """(n, classes), each row with the sum 1; NaN, all of it, where one of the classes is unknown."""
    labels: NDArray[np.int64]
    """Class of the largest share (n,); −1 where that is less than asked, or not known."""
    unlabelled: int
    """Tiles of train and test that are left out, because nothing is known of them."""
    tied: int
    """Tiles of which two classes have the largest share: the first counts."""

    def of_part(self, part: str) -> NDArray[np.int64]:
        """Numbers (m,) of the tiles of a part, among these."""
        return np.flatnonzero(self.parts == part)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Tiles (n,) whose shares can be judged, as all of their classes are known."""
        return np.asarray(np.isfinite(self.shares).all(axis=1))


def judged_tiles(index: TileIndex, path: Path, least: float) -> JudgedTiles:
    """The tiles that teach and judge probes; `least` is the share that the label of a tile needs.

    Raises TileIndexError (no labels, no split, parts that share ground), EmptyError (a part without labelled tiles,
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
    whole = np.isfinite(kept).all(axis=1, keepdims=True)  # of the others a share of what is known would be a guess
    shares_of_known = np.where(whole, filled / filled.sum(axis=1, keepdims=True), np.nan)
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
        shares=shares_of_known.astype(np.float32),
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
    """Raise TileIndexError where a test tile lies over ground of a training tile, of whatever raster or date."""
    geometries = shapes_of(index.column("geometry")[rows])
    extended = shapely.get_type_id(geometries) == _POLYGON  # a point does not say how far its chip reaches
    train, test = (_inner(geometries[extended & (part[rows] == name)]) for name in PARTS)
    shared = len(np.unique(shapely.STRtree(train).query(test, predicate="intersects")[0]))
    if shared:
        raise TileIndexError(
            f"{path}: {shared:,} test tiles lie over training tiles, so probes would be judged on ground they learned; "
            "run geolabel split again, by blocks and with a --buffer of at least a tile, which keeps them apart"
        )


def _inner(tiles: NDArray[Any]) -> NDArray[Any]:
    """Quadrilaterals (n,) drawn in about their centres: those that only touch lie apart."""
    corners, number = shapely.get_coordinates(tiles, return_index=True)
    centres = shapely.get_coordinates(shapely.centroid(tiles))[number]
    return np.asarray(shapely.set_coordinates(tiles.copy(), centres + (corners - centres) * _TOUCHING))
