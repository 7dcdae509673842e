"""Relevance of tiles, and whether it means anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.explain import Check, Method, Settings, deletion_check, explain
from geolabel.model import for_source
from geolabel.progress import track
from geolabel.steps.explaining.choose import Case, chips_of
from geolabel.steps.predict_tiles import parts
from geolabel.views.thumbnails import seen_bands

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.tiling.index import TileIndex


@dataclass(frozen=True, slots=True)
class Reason:
    """What one method says of a tile and a class."""

    relevance: NDArray[np.float32]
    """(height, width)."""
    check: Check


@dataclass(frozen=True, slots=True)
class Explained:
    """A tile with what speaks for a class in it."""

    case: Case
    name: str
    """Number of the tile, or longitude and latitude of its centre."""
    source: str
    """File that it was cut from."""
    pixels: NDArray[Any]
    """(3, height, width), the bands that are seen, in physical values."""
    valid: NDArray[np.bool_]
    """(height, width)."""
    reasons: Mapping[Method, Reason]


def explain_tile(
    predictor: Predictor,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    classes: Sequence[int],
    methods: Sequence[Method],
    settings: Settings,
) -> dict[tuple[int, Method], NDArray[np.float32]]:
    """Relevance (height, width) of a tile by class and method. Raises ModelError (a method that the model has not)."""
    found: dict[tuple[int, Method], NDArray[np.float32]] = {}
    for method in methods:
        maps = explain(predictor, pixels, valid, classes, method, settings)
        found |= {(one, method): relevance for one, relevance in zip(classes, maps, strict=True)}
    return found


def check_tile(
    predictor: Predictor,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    relevance: Mapping[Method, NDArray[np.float32]],
    one: int,
    seed: int,
) -> dict[Method, Reason]:
    """What each method says of a class in a tile, with its check."""
    return {
        method: Reason(found, deletion_check(predictor, pixels, valid, found, one, seed=seed))
        for method, found in relevance.items()
    }


def explain_cases(
    predictor: Predictor,
    index: TileIndex,
    base: Path,
    cases: Sequence[Case],
    methods: Sequence[Method],
    settings: Settings,
    cache: Path | None,
) -> list[Explained]:
    """Explain and check all cases, in their order; each tile is read once. Raises ModelError, InputError."""
    rows = np.unique([case.row for case in cases])
    few = replace(index, table=index.table.take(rows))
    tiles, sources = few.column("tile"), few.column("source")
    shown = seen_bands([band.name for band in predictor.card.bands])
    done: dict[tuple[int, int], Explained] = {}
    bar = iter(track(range(len(rows)), what="explaining", unit="tiles"))
    for part, scale, offset in parts(few, "reading tiles"):
        chips = chips_of(few, part, base, cache)
        ready = predictor.with_card(for_source(predictor.card, few.sources[0].dtype, scale, offset))
        factor, shift = (np.array(told, np.float32)[:, None, None] for told in (scale, offset))
        factor, shift = factor[shown], shift[shown]
        for at, place in enumerate(part):
            next(bar)
            here = [case for case in cases if case.row == rows[place]]
            pixels, valid = np.asarray(chips.pixels[at]), np.asarray(chips.valid[at])
            relevance = explain_tile(ready, pixels, valid, [case.class_at for case in here], methods, settings)
            name, source = str(tiles[place]), PurePosixPath(str(sources[place])).name
            seen = pixels[shown] * factor + shift
            for case in here:
                own = {method: relevance[case.class_at, method] for method in methods}
                reasons = check_tile(ready, pixels, valid, own, case.class_at, settings.seed)
                done[case.row, case.class_at] = Explained(case, name, source, seen, valid, reasons)
    next(bar, None)
    return [done[case.row, case.class_at] for case in cases]
