"""A region explained: every tile in which a class is found, blended with the weights of `predict`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.inference import Decision, cut
from geolabel.inference.blend import ramp
from geolabel.inference.swaths import Reach, swaths
from geolabel.learn.windows import cut_tiles
from geolabel.progress import counting
from geolabel.steps.explaining.choose import Case
from geolabel.steps.explaining.explained import Explained, check_tile, explain_tile
from geolabel.views.thumbnails import seen_bands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.inference import Shard
    from geolabel.inference.swaths import Swath
    from geolabel.learn.explain import Method, Settings
    from geolabel.raster import Reader
    from geolabel.steps.explaining.layer import LayerWriter
    from geolabel.steps.region.scene import Scene

_SHARD_ROWS = 2_048
_AT_ONCE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What is explained, and how."""

    classes: tuple[int, ...]
    """Of the model."""
    methods: tuple[Method, ...]
    settings: Settings

    def bands(self, one: int) -> dict[Method, int]:
        """Bands of the layer that a class has, by method."""
        first = self.classes.index(one) * len(self.methods)
        return {method: first + at for at, method in enumerate(self.methods)}


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of the region, and what the model says of it."""

    row: int
    """First row of the region."""
    col: int
    share: float
    """Valid part of it."""
    probabilities: NDArray[np.float32]
    """(classes,)."""
    found: tuple[int, ...]
    """Classes, of those asked for, that are detected."""
    pixels: NDArray[Any]
    """(bands, height, width), in stored values."""
    valid: NDArray[np.bool_]
    """(height, width)."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A tile that may be among the surest of a class, with what speaks for that class."""

    tile: Tile
    relevance: Mapping[Method, NDArray[np.float32]]


@dataclass(slots=True)
class Surest:
    """The tiles of each class in which it is found most surely: they are checked, and shown."""

    count: int
    _held: dict[int, list[_Held]] = field(default_factory=dict)

    def offer(self, tile: Tile, relevance: Mapping[tuple[int, Method], NDArray[np.float32]]) -> None:
        """A tile that was explained."""
        tile = replace(tile, pixels=tile.pixels.copy(), valid=tile.valid.copy())  # a view would hold its whole batch
        for one in tile.found:
            own = {method: found.copy() for (of, method), found in relevance.items() if of == one}
            held = [*self._held.get(one, []), _Held(tile, own)]
            held.sort(key=lambda each: (-each.tile.probabilities[one], each.tile.row, each.tile.col))
            kept: list[_Held] = []
            for each in held:  # neighbours that overlap show the same thing twice
                if all(_apart(each.tile, other.tile) for other in kept):
                    kept.append(each)
            self._held[one] = kept[: self.count]

    def checked(self, scene: Scene, source: str, seed: int) -> list[Explained]:
        """They, with their checks, class by class; `source` is what the page calls the region."""
        grid, card = scene.fit.grid, scene.predictor.card
        shown = seen_bands([band.name for band in card.bands])
        scale, offset = (
            np.array([getattr(card.bands[at], name) for at in shown], np.float32)[:, None, None]
            for name in ("scale", "offset")
        )
        done: list[Explained] = []
        for one in sorted(self._held):
            for each in self._held.pop(one):
                tile = each.tile
                height, width = tile.valid.shape
                x, y = grid.xy(np.array([tile.col + width / 2]), np.array([tile.row + height / 2]))
                lon, lat = geodesy.reproject(x, y, grid.crs, "EPSG:4326")[0].tolist()
                case = Case(len(done), one, float(tile.probabilities[one]), "detection", None)
                reasons = check_tile(scene.predictor, tile.pixels, tile.valid, each.relevance, one, seed)
                seen = tile.pixels[shown] * scale + offset
                done.append(Explained(case, f"{lon:.5f},{lat:.5f}", source, seen, tile.valid, reasons))
        return done


def _apart(one: Tile, other: Tile) -> bool:
    height, width = one.valid.shape
    return bool(abs(one.row - other.row) >= height or abs(one.col - other.col) >= width)


def explain_region(scene: Scene, asked: Asked, layer: LayerWriter, surest: Surest) -> tuple[int, int]:
    """Paint the layer from the top down; give back how many tiles were seen, and how many explained.

    Where a class is not found, nothing speaks for it that would matter: such a tile counts as 0 for it, and is not
    explained, which saves most of the time. The weights fade to a tile's edges, so this makes no seam either.
    """
    width, height = scene.plan.tile_width, scene.plan.tile_height
    fade = ramp(height)[:, None] * ramp(width)[None]
    seen = explained = 0
    with scene.reader() as reader, counting(scene.plan.tiles, what="explaining", unit="tiles") as tell:
        for shard in cut(scene.plan, scene.block, (scene.plan.width, _SHARD_ROWS)):
            for swath in in_swaths(scene, reader, shard):
                top, left = shard.core.row_off + swath.shown_from[0], shard.core.col_off + swath.shown_from[1]
                layer.flush(top)
                layer.canvas.show(top, left, swath.shown)
                for tile in answered(scene, swath, asked.classes):
                    relevance = reasons_of(scene, tile, asked)
                    if relevance:
                        surest.offer(tile, relevance)
                    by_band = {asked.bands(one)[method]: found for (one, method), found in relevance.items()}
                    layer.canvas.add(tile.row, tile.col, fade * np.float32(tile.share), by_band)
                    seen, explained = seen + 1, explained + bool(relevance)
                    tell(1)
    return seen, explained


def reasons_of(scene: Scene, tile: Tile, asked: Asked) -> dict[tuple[int, Method], NDArray[np.float32]]:
    """Relevance (height, width) by class and method, of the classes found in a tile."""
    if not tile.found:
        return {}
    return explain_tile(scene.predictor, tile.pixels, tile.valid, tile.found, asked.methods, asked.settings)


def answered(scene: Scene, swath: Swath, classes: Sequence[int]) -> Iterator[Tile]:
    """The tiles of a swath with what the model says of them."""
    card, plan = scene.predictor.card, scene.plan
    decision, tile_px = Decision.of(card), (plan.tile_width, plan.tile_height)
    step = max(1, _AT_ONCE_BYTES // (len(swath.pixels) * tile_px[0] * tile_px[1] * swath.pixels.itemsize))
    for start in range(0, len(swath.rows), step):
        part = slice(start, start + step)
        pixels, valid = cut_tiles(swath.pixels, swath.valid, swath.rows[part], swath.cols[part], tile_px)
        found = scene.predictor(pixels, valid)
        detected = decision.on_tiles(found)
        rows, cols = swath.rows[part] + swath.origin[0], swath.cols[part] + swath.origin[1]
        for at, (row, col) in enumerate(zip(rows.tolist(), cols.tolist(), strict=True)):
            here = tuple(one for one in classes if detected[at, one])
            share = float(swath.shares[part][at])
            yield Tile(row, col, share, found[at], here, pixels[at], valid[at])


def in_swaths(scene: Scene, reader: Reader, shard: Shard) -> Iterator[Swath]:
    """One row of tiles at a time: of wide regions, no more is held."""
    yield from swaths(reader, scene.plan, shard, Reach(span=scene.plan.tile_height), scene.block[1], scene.inside)
