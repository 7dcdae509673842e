"""The search itself: which tiles, best first, and by what."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from geolabel.embeddings import blocks, count_of, vectors_of
from geolabel.embeddings.blocks import not_numbers
from geolabel.embeddings.index import build_index, is_fresh, nearest_by_index
from geolabel.errors import EmptyError
from geolabel.learn.device import choose_device
from geolabel.learn.nearest import Best, Likeness, best_of, scored
from geolabel.learn.search_probe import SearchProbe, into_levels
from geolabel.steps.embed.searching.heat import LEVELS, NODATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.embeddings import EmbeddingsHeader
    from geolabel.learn.nearest import Scored
    from geolabel.steps.embed.searching.examples import Examples

BACKGROUND = 2000
"""Random tiles that a probe takes for what the examples are not."""
_MOST_THREADS = 8


def by_likeness(
    path: Path,
    header: EmbeddingsHeader,
    like: Examples,
    unlike: Examples,
    top: int,
    device: str,
    *,
    index: bool,
) -> Best:
    """Tiles most like the nearest of the examples, these left out.

    With `index`, of those that an index of the file gives, which is built where there is none, or an old one.
    """
    where = choose_device(device)
    score = Likeness.of(like.vectors, unlike.vectors, norm=header.norm, device=where)
    left_out = np.concatenate([like.rows, unlike.rows])
    if not index:
        with closing(blocks(path, _threads())) as parts:
            return best_of(_numbers(path, scored(parts, score, where)), top, left_out)
    if not is_fresh(path):
        build_index(path)
    rows = nearest_by_index(path, like.vectors, top + len(left_out))
    rows = np.setdiff1d(rows, left_out)
    found = best_of(scored([(0, vectors_of(path, rows))], score, where), top, np.zeros(0, np.int64))
    return Best(rows[found.rows], found.scores)


def by_probe(
    path: Path, like: Examples, unlike: Examples, top: int, seed: int, device: str
) -> tuple[Best, NDArray[np.uint8]]:
    """Tiles that a linear probe holds for likeliest, and the level (tiles,) of each tile's probability.

    Whatever it is, a tile drawn at random is taken for something else: what is rare is found so.
    """
    where, count = choose_device(device), count_of(path)
    left_out = np.concatenate([like.rows, unlike.rows])
    others = np.setdiff1d(np.arange(count), left_out)
    if not len(others):
        raise EmptyError(f"{path}: all its {count} tiles are examples, so --fit has none to find; give fewer")
    drawn = np.random.default_rng(seed).choice(others, min(BACKGROUND, len(others)), replace=False)
    background = vectors_of(path, np.sort(drawn)).astype(np.float32)
    probe = SearchProbe.fit(like.vectors, unlike.vectors, background, seed)
    levels = np.full(count, NODATA, np.uint8)
    with closing(blocks(path, _threads())) as parts:
        logits = _numbers(path, scored(parts, probe.score(where), where))
        found = best_of(into_levels(logits, levels, LEVELS), top, left_out)
    return Best(found.rows, (1 / (1 + np.exp(-found.scores.astype(np.float64)))).astype(np.float32)), levels


def _numbers(path: Path, scores: Iterable[Scored]) -> Iterator[Scored]:
    """The same scores, (first row, (n,)). Raises InputError where one is no number: so is its vector."""
    for first, found in scores:
        if bool((found.isnan() | found.isposinf()).any()):
            raise not_numbers(path)
        yield first, found


def _threads() -> int:
    """Threads that decode: the product has the rest."""
    return max(1, min(_MOST_THREADS, (os.cpu_count() or 1) // 2))
