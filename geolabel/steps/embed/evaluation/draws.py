"""Draws of tiles that teach probes and judge them: as they come, or as many of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError, OptionError, listed
from geolabel.steps.embed.evaluation.tiles import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.steps.embed.evaluation.tiles import JudgedTiles

BALANCED, NATURAL = "balanced", "natural"
LEAST_OF_A_CLASS = 5
"""Tiles of a class, in train and in test, from which on a balanced draw has it: one class must not starve the rest."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Tiles of one repeat, by their numbers among the judged ones."""

    mix: str
    """balanced or natural."""
    repeat: int
    train: NDArray[np.int64]
    """(m,)"""
    test: NDArray[np.int64]
    """(n,)"""


def mixes_of(class_mix: str) -> tuple[str, ...]:
    """The draws that `balanced`, `natural` or `both` asks for. Raises OptionError."""
    if class_mix not in (BALANCED, NATURAL, "both"):
        raise OptionError(f"--class-mix is balanced, natural or both, got {class_mix!r}")
    return (NATURAL, BALANCED) if class_mix == "both" else (class_mix,)


def usual_classes(tiles: JudgedTiles) -> NDArray[np.int64]:
    """Classes (k,) that are the label of five tiles or more in each part: those of a balanced draw."""
    labels = (tiles.labels[tiles.of_part(part)] for part in PARTS)
    counts = [np.bincount(found[found >= 0], minlength=len(tiles.classes)) for found in labels]
    return np.flatnonzero(np.min(counts, axis=0) >= LEAST_OF_A_CLASS)


def draw_tiles(tiles: JudgedTiles, mixes: Sequence[str], repeats: int, most: int, seed: int) -> tuple[Draw, ...]:
    """Tiles of each repeat, drawn without replacement: up to `most` of each part, the same whatever is judged by them.

    natural: as they come, labelled or not. balanced: of each class as many as `most`, or its rarest class, allows;
    classes with fewer than five tiles in a part are left out. Raises EmptyError where fewer than two classes remain.
    """
    found = []
    for mix in mixes:
        pools = {part: _pools(tiles, mix, part) for part in PARTS}
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat, mix == BALANCED])
            train, test = (_draw(pools[part], most, rng) for part in PARTS)
            found.append(Draw(mix, repeat, train, test))
    return tuple(found)


def _pools(tiles: JudgedTiles, mix: str, part: str) -> list[NDArray[np.int64]]:
    """Tiles that are drawn from, as many of each: those of a part, or of each class."""
    rows = tiles.of_part(part)
    if mix == NATURAL:
        return [rows]
    usual = usual_classes(tiles)
    if len(usual) < 2:  # noqa: PLR2004 - nothing to balance
        raise EmptyError(
            f"only {listed(tiles.classes[at] for at in usual)} is the label of {LEAST_OF_A_CLASS} tiles in train and "
            "in test, so classes cannot be balanced; give --class-mix natural, or label more tiles"
        )
    return [rows[tiles.labels[rows] == at] for at in usual]


def _draw(pools: Sequence[NDArray[np.int64]], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    count = min(max(1, most // len(pools)), *map(len, pools)) if len(pools) > 1 else min(most, len(pools[0]))
    return np.sort(np.concatenate([rng.choice(pool, count, replace=False) for pool in pools]))
