"""The ground that places are drawn from: rasters nobody has tiled, in parts that share no pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import raster, vector
from geolabel.errors import EmptyError, OptionError
from geolabel.learn.chips import Chips
from geolabel.steps.drawn import ground_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.raster import ScatteredReader
    from geolabel.tiling import Source
    from geolabel.tiling.ground import Ground
    from geolabel.tiling.places import Places

_LEAST_TILES = 4
"""Sides of a tile that a block is halved down to, where the rasters are small."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How places are drawn from rasters."""

    size: int = 96
    """Tile side, pixels."""
    bands: tuple[str, ...] = ()
    aoi: Path | None = None
    min_valid: float = 0.5
    val: float = 0.15
    """Share of the ground, in whole blocks, by which epochs are judged."""
    test: float = 0.15
    """Share of the ground by which the vectors are judged in the end, where there are labels to judge by."""

    def __post_init__(self) -> None:
        if self.val < 0 or self.test < 0 or self.val + self.test >= 1:
            raise OptionError(
                f"--val {self.val:g} and --test {self.test:g} must leave something to train on: together below 1"
            )

    @property
    def aoi_file(self) -> Path | None:
        """The file of the area of interest; None where it is a rectangle, or all."""
        return self.aoi if self.aoi is not None and vector.rectangle(self.aoi) is None else None


@dataclass(frozen=True, slots=True)
class Parts:
    """Ground in parts; None where there is none."""

    train: Ground
    val: Ground | None
    test: Ground | None = None


def open_ground(rasters: Sequence[Path], drawing: Drawing, index: Path) -> tuple[list[Source], Ground]:
    """The rasters as an index at `index` names them, and where tiles may lie on them.

    Raises OptionError, InputError, BandError, CRSError, EmptyError.
    """
    infos = (raster.describe(path, drawing.bands) for path in rasters)
    return ground_of(infos, index, drawing.size, min_valid=drawing.min_valid, aoi=drawing.aoi)


def split_ground(ground: Ground, drawing: Drawing, reach: float, seed: int, *, tested: bool) -> Parts:
    """Ground that trains, ground that judges epochs, and where `tested` ground that judges the vectors.

    Blocks hold a ring of `reach` tile sides where the rasters are large enough. Where they are too small for a part,
    there is none, and that is said; ground to test on there must be. Raises EmptyError.
    """
    rest, test = ground, None
    if tested:
        found = _split(ground, drawing.test, reach, seed)
        if found is None:
            raise EmptyError(
                f"the rasters are too small for blocks of {drawing.size} px tiles that train and others that test; "
                "lower --size, or give more rasters"
            )
        rest, test = found
    parts = _split(rest, drawing.val / (1 - drawing.test * tested), reach, seed + 1) if drawing.val else None
    return Parts(rest, None, test) if parts is None else Parts(*parts, test)


def described_split(drawing: Drawing, seed: int) -> dict[str, Any]:
    """How an index, and a model's contract, say that ground was split."""
    return {
        "method": "blocks",
        "by": None,
        "val": drawing.val,
        "test": drawing.test,
        "size": drawing.size,
        "folds": 0,
        "seed": seed,
    }


def _split(ground: Ground, share: float, reach: float, seed: int) -> tuple[Ground, Ground] | None:
    block = ground.size * max(2 * _LEAST_TILES, math.ceil(2 * reach) + 2)
    while block >= _LEAST_TILES * ground.size:
        try:
            return ground.split(block, share, seed)
        except EmptyError:
            block //= 2
    return None


def read_places(readers: Sequence[ScatteredReader], places: Places, size: int) -> Chips:
    """The pixels of n places, each block of the files decoded once."""
    info = readers[0].info
    pixels = np.empty((len(places), len(info.bands), size, size), info.dtype)
    valid = np.empty((len(places), size, size), bool)
    for number, reader in enumerate(readers):
        here = np.flatnonzero(places.source == number)
        if len(here) == len(places):
            reader.read(places.col, places.row, size, pixels, valid)
        elif len(here):
            some, seen = np.empty_like(pixels[: len(here)]), np.empty_like(valid[: len(here)])
            reader.read(places.col[here], places.row[here], size, some, seen)
            pixels[here], valid[here] = some, seen
    return Chips(pixels, valid)
