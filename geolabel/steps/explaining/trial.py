"""`geolabel explain --dry-run`: how many tiles would be explained, and how long that takes here."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.steps.explaining.choose import answers
from geolabel.steps.explaining.explained import explain_cases
from geolabel.steps.explaining.region import answered, in_swaths, reasons_of
from geolabel.steps.region.trial import places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.steps.explaining.choose import Answered, Case
    from geolabel.steps.explaining.region import Asked
    from geolabel.steps.region.scene import Scene
    from geolabel.tiling.index import TileIndex

_PLACES, _SIDE = 12, 512
_SECONDS = 8.0
"""After so long no other place is begun."""
_EXPLAINED = 4
"""Tiles of a place that are explained for the trial."""
_ASKED = 96
"""Tiles of an index that the model is asked about for the trial."""


@dataclass(frozen=True, slots=True)
class ExplainPlan:
    """What explaining would take on this machine: some tiles were tried. Nothing was written."""

    output: Path
    tiles: int
    """That are looked at; of a region, about."""
    found: int
    """Explanations, about: of a region, tiles in which a class is found; of tiles, one for each class in each."""
    seconds_a_tile: float
    """To explain one; of tiles, with its check."""
    seconds: float
    """In all; of a region, without the check of a few tiles."""


def estimate(target: Path, scene: Scene, asked: Asked) -> ExplainPlan:
    """Try some places of the region, and reckon from them."""
    seen = found = explained = 0
    predict_s = explain_s = 0.0
    began = time.perf_counter()
    with scene.reader() as reader:
        for number, shard in enumerate(places(scene, _PLACES, _SIDE)):
            for swath in in_swaths(scene, reader, shard):
                start = time.perf_counter()
                tiles = list(answered(scene, swath, asked.classes))
                predict_s += time.perf_counter() - start
                seen, found = seen + len(tiles), found + sum(bool(tile.found) for tile in tiles)
                # where nothing is found, one tile is explained all the same: it takes as long
                chosen = [tile for tile in tiles if tile.found][:_EXPLAINED]
                chosen = chosen or [replace(tile, found=asked.classes[:1]) for tile in tiles[: not explained]]
                if chosen and not explained:
                    reasons_of(scene, chosen[0], asked)  # what is loaded at its first use
                start = time.perf_counter()
                for tile in chosen:
                    reasons_of(scene, tile, asked)
                explain_s, explained = explain_s + time.perf_counter() - start, explained + len(chosen)
            if number and time.perf_counter() - began > _SECONDS:
                break
    share = 1.0 if scene.area is None else max(float(scene.area.mean()), 1 / scene.area.size)
    tiles_in_all = int(scene.plan.tiles * share)
    likely = round(tiles_in_all * found / max(seen, 1))
    each = explain_s / max(explained, 1)
    return ExplainPlan(target, tiles_in_all, likely, each, tiles_in_all * predict_s / max(seen, 1) + likely * each)


def estimate_tiles(
    target: Path,
    predictor: Predictor,
    index: TileIndex,
    rows: NDArray[np.int64],
    base: Path,
    asked: Asked,
    choose: Callable[[Answered, int], list[Case]],
    count: int,
) -> ExplainPlan:
    """Try some of the tiles `rows` (n,); `choose` says what is explained of them, `count` a class and kind at most."""
    some = rows[np.unique(np.linspace(0, len(rows) - 1, _ASKED).round().astype(np.int64))]
    answers(predictor, index, some[:1], base, None)  # what is loaded at its first use
    began = time.perf_counter()
    told = answers(predictor, index, some, base, None)
    predict_s = (time.perf_counter() - began) / len(some)
    cases = choose(told, len(some))
    kinds = Counter((case.class_at, case.kind) for case in cases)
    likely = sum(min(count, max(1, round(many * len(rows) / len(some)))) for many in kinds.values())
    cases = cases or [told.case(0, asked.classes[0])]  # it takes as long
    took: list[float] = []
    for case in (cases[0], *cases[:: -(-len(cases) // _EXPLAINED)]):
        began = time.perf_counter()
        explain_cases(predictor, index, base, [case], asked.methods, asked.settings, None)
        took.append(time.perf_counter() - began)
        if sum(took) > _SECONDS:
            break
    each = float(np.mean(took[1:] or took))  # the first loads what is needed
    return ExplainPlan(target, len(rows), likely, each, len(rows) * predict_s + likely * each)
