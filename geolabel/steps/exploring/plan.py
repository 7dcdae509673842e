"""`geolabel explore --dry-run`: what looking at tiles would read, hold and take, from a short measured trial."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.exploration.neighbours import nearest
from geolabel.scoring.nearest import nearest as nearest_of
from geolabel.steps.exploring.classes import labels_of
from geolabel.steps.exploring.colourings import MOST_CLASSES, MOST_COLUMNS, by_column
from geolabel.steps.exploring.found import find
from geolabel.steps.exploring.looking import look
from geolabel.steps.exploring.page import ATLAS_BYTES, PAGE_BYTES
from geolabel.steps.exploring.tiles import even_sample, subset
from geolabel.views.atlas import make_atlas, side_for

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.steps.exploring.choices import Choices
    from geolabel.steps.exploring.features import Wanted
    from geolabel.steps.exploring.looking import Looked
    from geolabel.steps.exploring.tiles import Explored

_FIRST, _TRIED = 24, 400
"""Tiles by which all is loaded and compiled, and tiles by which it is timed."""
_ASKED = 256
"""Tiles whose neighbours are looked for among as many as there are."""
_AT_ONCE_BYTES = 512e6
"""Of tiles and distances that are in memory for a while, about."""
_AS_TEXT = 4 / 3
_PLACE_BYTES = 28
"""On the page: number, longitude, latitude and sides of a tile."""


@dataclass(frozen=True, slots=True)
class ExplorePlan:
    """What exploring would read and take on this machine: some of the tiles were looked at."""

    output: Path
    tiles: int
    left_out: int
    """Tiles of the index beyond the sample."""
    features: str
    """What tiles are compared by."""
    size: int
    """Numbers a tile of these."""
    read_megabytes: float
    """Pixels, as they are in memory."""
    page_megabytes: float
    memory_megabytes: float
    """Beside what the program itself needs."""
    seconds: float
    """About, and rather more than less."""


def estimate(output: Path, tiles: Explored, wanted: Wanted, choices: Choices, label_share: float) -> ExplorePlan:
    """Explore some of the tiles, and reckon from them. Nothing is written. Raises what `look` and `find` do."""
    count = len(tiles)
    first_s, _ = _tried(tiles, min(_FIRST, count), wanted, choices, label_share)
    few = min(_TRIED, count)
    tried_s, looked = _tried(tiles, few, wanted, choices, label_share)
    kept = [looked.features, *([looked.seen.signatures] if looked.seen else [])]
    pictures = _side(tiles) ** 2 * 3 if looked.seen else 0
    memory = count * (pictures + sum(2 * one.nbytes / len(one) for one in kept)) + _AT_ONCE_BYTES
    source = tiles.index.sources[0]
    pixel_bytes = len(source.bands) * np.dtype(source.dtype).itemsize if looked.seen else 0
    return ExplorePlan(
        output=output,
        tiles=count,
        left_out=tiles.total - count,
        features=looked.told,
        size=looked.features.shape[1],
        read_megabytes=count * int(np.prod(tiles.index.size_px)) * pixel_bytes / 1e6,
        page_megabytes=_page_bytes(tiles, looked, choices, label_share) / 1e6,
        memory_megabytes=memory / 1e6,
        seconds=first_s + tried_s * count / few + sum(_neighbours_s(one, count) for one in kept),
    )


def _tried(tiles: Explored, count: int, wanted: Wanted, choices: Choices, label_share: float) -> tuple[float, Looked]:
    """Seconds for an even sample of so many tiles, and what was seen of them."""
    rows = even_sample(len(tiles), count, choices.seed)
    few = replace(tiles, index=subset(tiles.index, rows), rows=tiles.rows[rows])
    # LDA may not find two classes among few tiles, and takes little
    methods = tuple(method for method in choices.methods if method != "lda") or ("pca",)
    began = time.perf_counter()
    looked = look(few, wanted, None)
    find(few.index, looked, labels_of(few.index, label_share), replace(choices, methods=methods))
    return time.perf_counter() - began, looked


def _neighbours_s(vectors: NDArray[np.float32], count: int) -> float:
    """Seconds to find the neighbours of `count` such vectors, beyond those of the trial: each is compared with all."""
    if count <= len(vectors):
        return 0.0
    every = np.resize(vectors, (count, vectors.shape[1]))
    nearest(vectors[:_ASKED], 1)  # what is compiled at its first use
    began = time.perf_counter()
    nearest_of(every[:_ASKED], 8, every)
    return (time.perf_counter() - began) / _ASKED * count


def _side(tiles: Explored) -> int:
    """Side of a picture, px: tiles are not enlarged."""
    return int(min(side_for(len(tiles)), *tiles.index.size_px))


def _page_bytes(tiles: Explored, looked: Looked, choices: Choices, label_share: float) -> float:
    """Numbers of each tile, and its picture as it comes out in the trial."""
    classes = min(MOST_CLASSES, len(labels_of(tiles.index, label_share).classes))
    answers = 0 if looked.probabilities is None else min(MOST_CLASSES, looked.probabilities.shape[1])
    columns = list(by_column(tiles.index, answered=bool(answers)))[:MOST_COLUMNS]
    numbers = 2 + classes + answers + sum(one.kind == "numbers" for one in columns)
    words = 4 + answers + sum(one.kind == "classes" for one in columns)
    points = 2 * sum(choices.dims) * len(choices.methods)
    numbers_bytes = len(tiles) * (_PLACE_BYTES + 4 * numbers + words + points) * _AS_TEXT
    if looked.seen is None:
        return numbers_bytes
    seen = looked.seen.pictures
    each = sum(map(len, make_atlas(seen, ATLAS_BYTES).sheets)) / len(seen)
    pictures = len(tiles) * each * (_side(tiles) / seen.shape[1]) ** 2
    return float(min(max(PAGE_BYTES, numbers_bytes), numbers_bytes + min(pictures, ATLAS_BYTES) * _AS_TEXT))
