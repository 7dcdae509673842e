"""Ground: where tiles may lie on one or many rasters, and how they are drawn from it; no raster is tiled first.

Sources: uniform and clustered sampling and pairs by distance, as in metric embeddings of satellite images (Tile2Vec,
arXiv 1805.02855). Distances are between the centres of tiles, straight, in pixels of their raster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError, OptionError
from geolabel.tiling.annulus import draw_in_rings
from geolabel.tiling.barred import Barred
from geolabel.tiling.field import Field
from geolabel.tiling.parts import choose_blocks, keep_outs
from geolabel.tiling.places import Places
from geolabel.tiling.triplets import draw_triplets
from geolabel.tiling.walk import draw_clusters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo

_AT_ONCE = 1 << 21
"""Tries that are looked at together."""
_IN_VAIN = 1 << 23
"""Where so many tries found nothing, there is nothing."""
_LOOKS = range(10, 20)
"""Ground is looked over for a first tile 2¹⁰, then 2¹¹ … 2¹⁹ times."""
_DOUBLINGS = 8
"""A tile around another is tried 2, 4, 8 … 256 times."""
_LOOKED_AT = 1 << 16
"""Tiles drawn to see what blocks hold."""
_SPLITS = 16
"""Ways to choose blocks that are tried, until both parts have tiles."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where tiles of one size may lie: wholly on a raster, valid enough, and touching the area of interest."""

    size: int
    """Tile side, pixels."""
    fields: tuple[Field, ...]
    """One a raster, in the order given."""
    cell_source: NDArray[np.int64]
    """(cells,): the raster of each rectangle of corners."""
    cells: NDArray[np.int64]
    """(cells, 4): column, row, width and height of rectangles that hold all allowed corners, and few others."""

    @classmethod
    def of(cls, infos: Sequence[RasterInfo], size: int, *, min_valid: float = 0.5, aoi: Path | None = None) -> Ground:
        """Where tiles of `size` px lie on described rasters. Raises OptionError, InputError, EmptyError (nowhere)."""
        if size < 1:
            raise OptionError(f"--size must be at least 1 px, got {size}")
        ground = cls._over(size, [Field.of(info, size, min_valid, aoi) for info in infos])
        if ground.is_empty():
            raise EmptyError(f"no tile of {size} px fits: {_why_empty(infos, size, aoi)}")
        return ground

    @classmethod
    def _over(cls, size: int, fields: Sequence[Field]) -> Ground:
        cells = [field.cells() for field in fields]
        source = np.repeat(np.arange(len(fields)), [len(some) for some in cells])
        return cls(size, tuple(fields), source, np.concatenate([np.zeros((0, 4), np.int64), *cells]))

    @property
    def infos(self) -> tuple[RasterInfo, ...]:
        """The rasters, in the order given: `Places.source` counts them."""
        return tuple(field.info for field in self.fields)

    def is_empty(self) -> bool:
        """Whether no tile is found."""
        if not len(self.cells):
            return True
        rng = np.random.default_rng(0)
        return not any(self.allows(self._propose(1 << tries, rng)).any() for tries in _LOOKS)

    def allows(self, places: Places) -> NDArray[np.bool_]:
        """Which tiles may lie where `places` says: (n,)."""
        last = self._last()[places.source]
        allowed = (places.col >= 0) & (places.row >= 0) & (places.col <= last[:, 0]) & (places.row <= last[:, 1])
        for number, field in enumerate(self.fields):
            if not field.free:
                here = np.flatnonzero(allowed & (places.source == number))
                if len(here):
                    allowed[here] = field.allows(places.col[here], places.row[here])
        return allowed

    def valid_share(self, places: Places) -> NDArray[np.float32]:
        """Valid share of tiles: (n,), 0–1; NaN where nobody looked (a least share of 0)."""
        share = np.empty(len(places), np.float32)
        for number in np.unique(places.source):
            here = places.source == number
            share[here] = self.fields[number].valid_share(places.col[here], places.row[here])
        return share

    def split(self, block_px: int, val: float, seed: int) -> tuple[Ground, Ground]:
        """Ground to learn from and ground to validate on, by whole blocks of `block_px` px of the rasters.

        About `val` of the tiles validate, and lie in blocks of their own; training keeps a tile's side away from these
        blocks, also where they are seen by another raster. Either part may be split again. Raises OptionError,
        EmptyError (too small for two parts).
        """
        if not 0 < val < 1:
            raise OptionError(f"the share to validate on must lie between 0 and 1, got {val:g}")
        if block_px < self.size:
            raise OptionError(f"blocks of {block_px} px hold no tile of {self.size} px; give larger blocks")
        rng = np.random.default_rng(seed)
        drawn = self.random(_LOOKED_AT, rng)
        for _ in range(_SPLITS):
            maps = choose_blocks(self.infos, drawn, self.size, block_px, val, rng)
            outs = keep_outs(self.infos, maps, self.size, block_px)
            train = self._over(self.size, [
                replace(
                    field,
                    barred=(*field.barred, Barred.of(held, block_px, self.size)),
                    keep_out=field.keep_out if out is None else (*field.keep_out, out),
                )
                for field, held, out in zip(self.fields, maps, outs, strict=True)
            ])  # fmt: skip
            validation = self._over(self.size, [
                replace(field, barred=(*field.barred, Barred.of(~held, block_px, 0)))
                for field, held in zip(self.fields, maps, strict=True)
            ])  # fmt: skip
            if not train.is_empty() and not validation.is_empty():
                return train, validation
        raise EmptyError(
            f"blocks of {block_px} px leave one part without tiles of {self.size} px, as a tile's width is kept "
            "between the parts; give another block size, or more ground"
        )

    def random(self, count: int, rng: np.random.Generator) -> Places:
        """`count` tiles, uniform over all allowed corners of all rasters. Raises EmptyError where none is found."""
        found: list[Places] = []
        missing, tried, kept = count, 0, 0
        while missing > 0:
            tries = min(int(missing * (tried + 1) / (kept + 1) * 1.1) + 16, _AT_ONCE)
            drawn = self._propose(tries, rng)
            allowed = np.flatnonzero(self.allows(drawn))
            found.append(drawn.take(allowed[:missing]))
            missing -= len(found[-1])
            tried, kept = tried + tries, kept + len(allowed)
            if not kept and tried > _IN_VAIN:
                raise EmptyError(f"no tile of {self.size} px is found; lower --min-valid, or check --aoi")
        return Places.concat(found)

    def around(
        self, centres: Places, low_px: float, high_px: float, rng: np.random.Generator
    ) -> tuple[Places, NDArray[np.bool_]]:
        """A tile for each of n, its centre `low_px` … `high_px` from that one's, and whether one was found (n,).

        Uniform over the allowed corners of the ring, on the same raster. Where none is found in 510 tries, the tile is
        the given one.
        """
        col, row = centres.col.copy(), centres.row.copy()
        found = np.zeros(len(centres), dtype=bool)
        last = self._last()[centres.source]
        for doubling in range(1, _DOUBLINGS + 1):
            tries = 1 << doubling
            for pending in _pieces(np.flatnonzero(~found), _AT_ONCE // tries):
                at = np.repeat(pending, tries)
                drawn_col, drawn_row, there = draw_in_rings(
                    centres.col[at], centres.row[at], last[at, 0], last[at, 1], low_px, high_px, rng
                )
                inside = np.flatnonzero(there)
                drawn = Places(centres.source[at[inside]], drawn_col[inside], drawn_row[inside])
                inside = inside[self.allows(drawn)]
                reached, first = np.unique(inside // tries, return_index=True)
                chosen = inside[first]
                found[pending[reached]] = True
                col[pending[reached]], row[pending[reached]] = drawn_col[chosen], drawn_row[chosen]
        return Places(centres.source.copy(), col, row), found

    def triplets(
        self,
        count: int,
        rng: np.random.Generator,
        *,
        positive: tuple[float, float],
        negative: tuple[float, float],
        negatives: int = 1,
    ) -> tuple[Places, Places, Places]:
        """`count` anchors, for each a positive, and `negatives` negatives that follow each other; rings in pixels.

        Anchors for which one is missing are drawn anew: they are uniform over the ground where all are there. Raises
        OptionError, EmptyError (the ground is too small for a ring).
        """
        return draw_triplets(self, count, rng, positive=positive, negative=negative, negatives=negatives)

    def clusters(
        self, count: int, per: int, reach_px: float, rng: np.random.Generator, random_reset: float = 0.0
    ) -> Places:
        """`count` tiles of a walk, in its order: clusters of `per` tiles, each within `reach_px` of its first one.

        With probability `random_reset` a tile begins a cluster of its own anywhere: 1 is sampling at random. Where
        nothing is allowed within reach, a tile lies anywhere. Raises OptionError, EmptyError.
        """
        return draw_clusters(self, count, per, reach_px, rng, random_reset)

    def _last(self) -> NDArray[np.int64]:
        """Last column and row at which a tile can begin, of each raster: (rasters, 2)."""
        return np.array([field.last for field in self.fields], np.int64)

    def _propose(self, count: int, rng: np.random.Generator) -> Places:
        """Corners, uniform over the cells."""
        ends = np.cumsum(self.cells[:, 2] * self.cells[:, 3])
        drawn = rng.integers(ends[-1], size=count)
        cell = np.searchsorted(ends, drawn, side="right")
        col, row, width, height = self.cells[cell].T
        within = drawn - ends[cell] + width * height
        return Places(self.cell_source[cell], col + within % width, row + within // width)


def _pieces(rows: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    return np.array_split(rows, -(-len(rows) // max(1, most))) if len(rows) else []


def _why_empty(infos: Sequence[RasterInfo], size: int, aoi: Path | None) -> str:
    """What keeps tiles from the rasters, and how to mend it."""
    width, height = max(((info.width, info.height) for info in infos), key=min, default=(0, 0))
    if min(width, height) < size:
        return f"of {len(infos)} rasters the largest is {width} × {height} px; lower --size"
    where = "" if aoi is None else f", or check that {aoi} lies on them (--aoi)"
    return f"{len(infos)} rasters lack valid pixels; lower --min-valid{where}"
