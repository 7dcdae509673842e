"""The doubts about the labels of an index: which tiles are looked at, in which folds, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.labels.doubts import Doubts, forest, out_of_fold, rank_doubts, without_unskilled
from geolabel.labels.pixel_stats import pixel_stats
from geolabel.labels.questions import ask
from geolabel.labels.scheme import Scheme
from geolabel.progress import track
from geolabel.steps.tile_pixels import read_tiles
from geolabel.tiling.split import draw_folds, spatial_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.tiling import TileIndex

MOST_TILES = 20_000
"""So many are looked at, at the most."""
LEAST_TILES = 40
_PRESENCE = 0.1
"""Share from which a class without a group counts as present, where nobody says: as training has it."""
_FOLDS = 5
_BLOCK_M, _LEAST_BLOCK_M, _BLOCKS = 5_000.0, 20.0, 20
"""Blocks are as large as this, and smaller until there are so many."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, or why nothing could be."""

    doubts: Doubts | None
    row: NDArray[np.int64]
    """(n,): rows of the index that were looked at; `doubts.row` are places among them."""
    known: int
    """Tiles of which at least one class is known."""
    about: str
    """How it was done, or why not: one line."""


def find_doubts(index: TileIndex, base: Path, *, seed: int) -> Judged:
    """Ask a cross-validated model about the labels of an index; of many known tiles, some are drawn evenly.

    Raises what reading the tiles raises.
    """
    anything = np.zeros(len(index), dtype=bool)
    for name in index.class_names:
        anything |= np.isfinite(index.share(name))
    known = np.flatnonzero(anything)
    row = draw_evenly(known, MOST_TILES, seed)
    if len(known) < LEAST_TILES:
        return Judged(None, row, len(known), f"too few tiles are known to doubt any: {len(known)} of {LEAST_TILES}")
    scheme = Scheme.from_json(index.scheme)
    own = {found.name: found.presence or _PRESENCE for found in scheme.classes}
    cuts = {**own, **index.labelling.get("presence", {})}
    shares = {name: index.share(name)[row] for name in index.class_names}
    questions = ask(shares, index.column("known")[row], scheme, cuts)
    if not questions:
        return Judged(None, row, len(known), "nothing to doubt: in all known tiles the labels say the same")
    fold, kept = _folds(index, row, seed)
    if len(np.unique(fold)) < 2:  # noqa: PLR2004 - nothing to hold out
        return Judged(None, row, len(known), "nothing to cross-validate with: all known tiles lie in one block")
    features = _features(index, row, base)
    probabilities, lost = without_unskilled(questions, out_of_fold(features, questions, fold, lambda: forest(seed)))
    doubts = rank_doubts(questions, probabilities)
    if not len(doubts):
        return Judged(None, row, len(known), "no class is in enough tiles of several folds to be learnt, and doubted")
    drawn = f"{len(row):,} of {len(known):,} known tiles, drawn evenly (seed {seed})" if len(row) < len(known) else ""
    about = f"{drawn or f'all {len(row):,} known tiles'}; {len(np.unique(fold))} folds by {kept}"
    if lost:
        told = ", ".join(f"{name or 'none of them'} ({skill:.2f})" for name, skill in lost.items())
        about += f"; no word on what the model cannot tell (area under the ROC curve below .75): {told}"
    return Judged(doubts, row, len(known), about)


def draw_evenly(row: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """At most `most` of rows (n,), in order: one of each of so many equal runs."""
    if len(row) <= most:
        return row
    edges = np.linspace(0, len(row), most + 1).astype(np.int64)
    return row[np.random.default_rng(seed).integers(edges[:-1], edges[1:])]


def _folds(index: TileIndex, row: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], str]:
    """Fold of each tile (n,), and in words what is kept together in one."""
    placed = index.has_place()[row].any()
    method = str((index.split or {}).get("method", ""))
    if "fold" in index.table.column_names and not (method == "random" and placed):
        fold = index.column("fold")[row].astype(np.int64)
        if len(np.unique(fold)) > 1:
            return fold, {"blocks": "the blocks of the split", "column": "a column", "random": "chance"}.get(
                method, "the split"
            )
    groups, kept = blocks(index, row)
    count = int(groups.max()) + 1
    if count < 2:  # noqa: PLR2004 - nothing to hold out
        return np.zeros(len(row), np.int64), kept
    return draw_folds(groups, min(_FOLDS, count), seed).astype(np.int64), kept


def blocks(index: TileIndex, row: NDArray[np.int64]) -> tuple[NDArray[np.int64], str]:
    """Number of the block of each tile (n,), and in words how blocks were made; a tile without a place is its own."""
    centres = index.centres_m()[row]
    placed = np.isfinite(centres).all(axis=1)
    groups = np.arange(len(row))
    if not placed.any():
        return groups, "chance: the tiles have no place, and near-duplicates vouch for each other"
    size = index.column("width")[row] * np.array([index.sources[0].gsd_m or 0.0])
    side, least = _BLOCK_M, max(_LEAST_BLOCK_M, 2 * float(size.max()))
    found = spatial_blocks(centres[placed], side)
    while found.max() + 1 < _BLOCKS and side / 2 >= least:
        side /= 2
        found = spatial_blocks(centres[placed], side)
    groups[placed] = found
    groups[~placed] = found.max() + 1 + np.arange(np.count_nonzero(~placed))
    return groups, f"blocks of {side / 1000:.2g} km" if side >= 1000 else f"blocks of {side:.0f} m"  # noqa: PLR2004


def _features(index: TileIndex, row: NDArray[np.int64], base: Path) -> NDArray[np.float32]:
    """Numbers (n, numbers) of the tiles `row` (n,); NaN where a tile has no valid pixel."""
    place = np.empty(len(index), dtype=np.int64)
    place[row] = np.arange(len(row))
    found: NDArray[np.float32] | None = None
    tiles = track(read_tiles(index, row, base), what="looking at tiles", unit="strips")
    for pixels in tiles:
        numbers = pixel_stats(pixels.values, pixels.valid)
        if found is None:
            found = np.full((len(row), numbers.shape[1]), np.nan, dtype=np.float32)
        found[place[pixels.row]] = numbers
    assert found is not None
    return found
