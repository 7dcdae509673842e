"""How well classes lie apart, as rows of a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.exploration.separation import separation
from geolabel.steps.places import places
from geolabel.tiling.split import spatial_blocks
from geolabel.views.page import number, paragraph, table, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.exploration.separation import Separation
    from geolabel.steps.exploring.classes import Labels
    from geolabel.tiling import TileIndex

_BLOCK_SIDES = 10
"""Sides of a tile that a block has where the split does not say: neighbours on the ground are within."""
_WHOLE = "all classes"


@dataclass(frozen=True, slots=True)
class SeparationRow:
    """How well a class lies apart from the others, or all do on average."""

    name: str
    tiles: int
    """Labelled, and judged."""
    silhouette: float
    """−1 to 1: above 0 where tiles are nearer to their own class than to the next."""
    gsil: float | None
    """The same of shares of classes; of all classes together."""
    knn: float
    """Share of the tiles that most of their 10 nearest are of the class of."""
    knn_elsewhere: float
    """The same by tiles from other blocks of the ground; NaN where tiles have no place."""
    chance: float | None
    """Of guessing; of all classes together."""


def separation_of(
    index: TileIndex, vectors: NDArray[np.float32], labels: Labels, parts: NDArray[np.int64] | None, seed: int
) -> Separation:
    """Judge vectors (n, f) by the labels; where vectors were learned from the first of `parts` (n,), on the others."""
    return separation(
        vectors,
        labels.codes,
        labels.shares,
        labels.classes,
        seed=seed,
        parts=parts,
        groups=blocks_of(index),
    )


def blocks_of(index: TileIndex) -> NDArray[np.int64] | None:
    """Number of the block of ground of each tile (n,): the split's, or squares of ten tiles; None without places."""
    found = places(index, np.arange(len(index)))
    if found is not None:
        return found
    gsd = [source.gsd_m for source in index.sources if source.gsd_m]
    centres = index.centres_m()
    placed = np.isfinite(centres).all(axis=1)
    if not gsd or placed.sum() < 2:  # noqa: PLR2004 - nobody has a neighbour
        return None
    blocks = np.arange(len(index)) + len(index)  # a tile without a place is a block of its own
    side_m = float(np.median(gsd)) * max(index.size_px)
    blocks[placed] = spatial_blocks(centres[placed], _BLOCK_SIDES * side_m)
    return blocks


def rows_of(found: Separation | None) -> tuple[SeparationRow, ...]:
    """A row a class, and one of all; () where nothing was judged."""
    if found is None:
        return ()
    rows = (
        SeparationRow(
            one.name,
            one.tiles,
            one.silhouette,
            None,
            one.recognised,
            one.recognised_elsewhere,
            None,
        )
        for one in found.classes
    )
    whole = SeparationRow(
        _WHOLE,
        found.tiles,
        found.silhouette,
        found.gsil,
        found.balanced_accuracy,
        found.balanced_elsewhere,
        found.chance,
    )
    return (*rows, whole)


def separation_html(found: Separation | None, labels: Labels) -> str:
    """The table as HTML; empty where nothing was judged."""
    if found is None:
        return ""
    placed = math.isfinite(found.balanced_elsewhere)
    head = [text("Class"), *map(number, ("Tiles", "Silhouette", "Neighbours agree"))]
    head += [number("… from elsewhere")] if placed else []
    rows = []
    for one in rows_of(found):
        cells = [number(f"{one.tiles:,}"), number(_told(one.silhouette)), number(_percent(one.knn))]
        rows.append(
            [text(labels.legend.title(one.name)), *cells, *([number(_percent(one.knn_elsewhere))] if placed else [])]
        )
    told = (
        "By all features, not by their projection. Silhouette: above 0 where tiles are nearer to their own class than "
        "to the next one. Neighbours agree: of so many tiles, most of the 10 nearest are of the same class; guessing "
        f"gives {_percent(found.chance)} on average over the classes."
    )
    if placed:
        told += (
            " From elsewhere: only neighbours from other blocks of the ground count, as tiles beside each other are "
            "alike whatever they show."
        )
    if math.isfinite(found.gsil):
        told += f" Of shares of classes, the generalised silhouette (gSil) is {_told(found.gsil)}."
    return table(head, rows, edges=(len(rows) - 1,)) + paragraph(told, soft=True)


def _told(value: float) -> str:
    return f"{value:z.2f}".replace("-", "−") if math.isfinite(value) else "–"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %" if math.isfinite(value) else "–"
