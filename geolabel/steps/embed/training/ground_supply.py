"""What an embedder learns from places drawn on rasters, which nobody has tiled: anew for each pool."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, raster
from geolabel.ahead import ahead
from geolabel.errors import EmptyError, OptionError
from geolabel.learn.metric.pool import Pool
from geolabel.learn.predictor import predict_chips
from geolabel.learn.transforms import band_contracts
from geolabel.steps.embed.training.ground import described_split, read_places
from geolabel.steps.embed.training.ground_tuples import MOST_TILES, Layout, lay_places, lay_tuples
from geolabel.steps.embed.training.prepared import IN_ORDER, Prepared, make_card
from geolabel.steps.embed.training.tile_supply import in_order
from geolabel.steps.embed.training.tuples import candidates
from geolabel.tiling.parts import same_lattice

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from geolabel.learn.forward import Classifier
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.raster import ScatteredReader
    from geolabel.steps.embed.training.ground import Drawing, Parts
    from geolabel.tiling import Source
    from geolabel.tiling.ground import Ground

_POOL_BYTES = 192 << 20
"""Of pixels in a pool; the next one is read meanwhile."""
_LOOKED_AT = 512
"""Tiles by which bands are measured."""
_JUDGED = 1_024
"""Tuples by which an epoch is judged."""


@contextmanager
def prepare_ground(
    sources: Sequence[Source], parts: Parts, recipe: EmbedRecipe, drawing: Drawing
) -> Iterator[Prepared]:
    """Ground to draw from; `sources` are its rasters. Raises OptionError, InputError, EmptyError."""
    if recipe.by:
        raise OptionError("--by names a column of a tile index; rasters have none")
    with ExitStack() as stack:
        readers = tuple(stack.enter_context(raster.open_scattered(info)) for info in parts.train.infos)
        looked_at = parts.train.random(_LOOKED_AT, np.random.default_rng(recipe.seed))
        chips = read_places(readers, looked_at, drawing.size)
        told = {"drawing": files.to_json(drawing), "split": described_split(drawing, recipe.seed)}
        first = sources[0]
        bands = band_contracts(chips, np.arange(len(chips)), first.bands, first.scale, first.offset)
        card = make_card(recipe, bands, sources, (drawing.size, drawing.size), told)
        supply = GroundSupply(parts.train, parts.val, readers, recipe)
        yield Prepared(supply, card, by_place=True, tiles=None, score=IN_ORDER)


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
            plain = replace(self.recipe, loss="triplet", mining="", adaptive=False, unsquared=False)
            layout = lay_tuples(self.val, max(2, min(_JUDGED, _POOL_BYTES // (3 * self._tile_bytes()))), plain, rng)
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
            least = self.recipe.magnet_clusters * self.recipe.magnet_tiles
            most = max(least, min(MOST_TILES, _POOL_BYTES // self._tile_bytes()))
            return lay_places(ground, steps, self.recipe, rng, most)
        return lay_tuples(ground, steps * self.recipe.batch, self.recipe, rng)

    def _steps_a_pool(self) -> int:
        if self.recipe.loss == "magnet":
            return self.recipe.steps  # places are few, and each serves in many batches
        near, far = candidates(self.recipe)
        return max(1, _POOL_BYTES // (self._tile_bytes() * self.recipe.batch * (1 + near + far)))

    def _tile_bytes(self) -> int:
        info, size = self.readers[0].info, self.train.size
        return int(size * size * (len(info.bands) * np.dtype(info.dtype).itemsize + 1))

    def _pool(self, layout: Layout) -> Pool:
        size = self.train.size
        chips = read_places(self.readers, layout.places, size)
        centres = np.column_stack([layout.places.col, layout.places.row]) / size + 0.5
        lattices = same_lattice(self.train.infos)[layout.places.source]
        return Pool(chips, layout.labels, None, centres, lattices, layout.tuples)
