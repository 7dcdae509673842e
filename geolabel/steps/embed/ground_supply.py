"""What an embedder learns from places drawn on rasters, which nobody has tiled: anew for each pool."""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel import raster
from geolabel.ahead import ahead
from geolabel.errors import EmptyError, OptionError
from geolabel.learn.chips import Chips
from geolabel.learn.metric.pool import Pool
from geolabel.learn.predictor import predict_chips
from geolabel.learn.transforms import band_contracts
from geolabel.progress import log
from geolabel.steps.embed.ground_tuples import Layout, lay_places, lay_tuples
from geolabel.steps.embed.prepared import IN_ORDER, Prepared, make_card
from geolabel.steps.embed.tile_supply import in_order
from geolabel.steps.embed.tuples import candidates
from geolabel.steps.tile_rows import check_alike, raster_source
from geolabel.tiling.ground import Ground

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from geolabel.learn.forward import Classifier
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.raster.scattered import ScatteredReader
    from geolabel.tiling import Source
    from geolabel.tiling.places import Places

_POOL_BYTES = 192 << 20
"""Of pixels in a pool; the next one is read meanwhile."""
_LOOKED_AT = 512
"""Tiles by which bands are measured."""
_JUDGED = 1_024
"""Tuples by which an epoch is judged."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How places are drawn from rasters."""

    size: int = 96
    """Tile side, pixels."""
    bands: tuple[str, ...] = ()
    aoi: Path | None = None
    min_valid: float = 0.5
    val: float = 0.15
    """Share of the ground, in whole blocks, that does not train: epochs are judged by it."""


@contextmanager
def prepare_ground(rasters: Sequence[Path], recipe: EmbedRecipe, drawing: Drawing, output: Path) -> Iterator[Prepared]:
    """Rasters to draw from; names of sources are relative to `output`.

    Raises OptionError, InputError, BandError, CRSError, EmptyError.
    """
    if recipe.supervised or recipe.by:
        raise OptionError(
            "rasters have no labels; tile and label them first (geolabel tile --sampling random, label, split), or "
            "name a source of labels: --osm, --clc, --raster, --vector"
        )
    infos = [raster.describe(path, drawing.bands) for path in rasters]
    sources: list[Source] = []
    for info in infos:
        check_alike(info, sources)
        sources.append(raster_source(info, output))
    ground = Ground.of(infos, drawing.size, min_valid=drawing.min_valid, aoi=drawing.aoi)
    with ExitStack() as stack:
        readers = tuple(stack.enter_context(raster.open_scattered(info)) for info in infos)
        train, val = split_ground(ground, recipe, drawing)
        chips = read_places(readers, train.random(_LOOKED_AT, np.random.default_rng(recipe.seed)), drawing.size)
        first = sources[0]
        bands = band_contracts(chips, np.arange(len(chips)), first.bands, first.scale, first.offset)
        told = {"drawing": {"size": drawing.size, "min_valid": drawing.min_valid, "val": drawing.val}}
        card = make_card(recipe, bands, sources, (drawing.size, drawing.size), told)
        yield Prepared(GroundSupply(train, val, readers, recipe), card, by_place=True, tiles=None, score=IN_ORDER)


def split_ground(ground: Ground, recipe: EmbedRecipe, drawing: Drawing) -> tuple[Ground, Ground | None]:
    """Ground that trains, and ground that judges: in blocks that hold the rings of positives.

    Where the rasters are too small for both, all of it trains, and that is said.
    """
    if not drawing.val:
        return ground, None
    block = drawing.size * max(8, math.ceil(2 * recipe.max_pos_dist) + 2)
    while True:
        try:
            return ground.split(block, drawing.val, recipe.seed)
        except EmptyError as error:
            if block < 4 * drawing.size:
                log.warning("%s; all of it trains, and nothing tells which epoch is best", error)
                return ground, None
            block //= 2


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


@dataclass(frozen=True, slots=True)
class GroundSupply:
    """Pools of places; while one is learned from, the next is drawn and read."""

    train: Ground
    val: Ground | None
    readers: tuple[ScatteredReader, ...]
    recipe: EmbedRecipe

    def pools(self, epoch: int) -> Generator[tuple[Pool, int]]:
        """As many as the epoch's steps need, none larger than memory allows."""

        def made() -> Iterator[tuple[Pool, int]]:
            left, number = self.recipe.steps, 0
            while left > 0:
                rng = np.random.default_rng([self.recipe.seed, epoch, number, 4])
                count = min(left, self._steps_a_pool())
                layout = self._lay(self.train, count, rng)
                yield self._pool(layout), count
                left, number = left - count, number + 1

        with ahead(made()) as waiting:
            yield from waiting

    def score(self, encoder: Classifier) -> float:
        """Share of tuples on the ground that does not train whose negative lies farther than the positive."""
        if self.val is None:
            return float("nan")
        rng = np.random.default_rng([self.recipe.seed, 5])
        try:
            layout = lay_tuples(self.val, _JUDGED, self.recipe, rng)
        except EmptyError:
            return float("nan")
        drawn, chips = layout.tuples, self._pool(layout).chips
        assert drawn is not None
        return in_order(
            *(
                predict_chips(encoder, chips, rows)
                for rows in (drawn.anchors, drawn.positives[:, 0], drawn.negatives[:, 0])
            )
        )

    def _lay(self, ground: Ground, steps: int, rng: np.random.Generator) -> Layout:
        if self.recipe.loss == "magnet":
            return lay_places(ground, steps, self.recipe, rng)
        return lay_tuples(ground, steps * self.recipe.batch, self.recipe, rng)

    def _steps_a_pool(self) -> int:
        if self.recipe.loss == "magnet":
            return self.recipe.steps  # places are few, and each serves in many batches
        near, far = candidates(self.recipe)
        info, size = self.readers[0].info, self.train.size
        tile = size * size * (len(info.bands) * np.dtype(info.dtype).itemsize + 1)
        return max(1, _POOL_BYTES // (tile * self.recipe.batch * (1 + near + far)))

    def _pool(self, layout: Layout) -> Pool:
        size = self.train.size
        chips = read_places(self.readers, layout.places, size)
        centres = np.column_stack([layout.places.col, layout.places.row]) / size + 0.5
        return Pool(chips, layout.labels, None, centres, layout.places.source, layout.tuples)
