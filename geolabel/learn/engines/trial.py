"""Which engine is the fastest for a model on this machine, and right: found by a trial on real tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from geolabel.errors import InstallError, OptionError
from geolabel.learn.engines.candidates import candidates
from geolabel.learn.engines.engine import Engine, default_engine
from geolabel.learn.engines.equip import classifiers, equip
from geolabel.learn.engines.timing import Sample, rate
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.device import Precision
    from geolabel.learn.engines.engine import EngineKind
    from geolabel.learn.predictor import Predictor

_FIRST_PIXELS = {"cpu": 1 << 18, "cuda": 1 << 20}
"""Of a batch, with which the sweep begins: what a cache holds, 4 tiles of 256 px."""
_MOST_PIXELS = {"cpu": 1 << 19, "cuda": 1 << 27}
"""Of a batch, at which it ends, for the sake of memory."""
_CHECKED, _CHECKED_LEAST = 64, 8
"""Tiles that tell whether probabilities move; fewer where 64 would take longer than the trial."""
_MAY_MOVE = 0.01
_BETTER = 1.02
"""Times as fast a larger batch must be: less is noise, and a smaller batch takes less memory."""


def default(predictor: Predictor) -> Engine:
    """How a model is run where a trial is not worth its time."""
    return default_engine(_device(predictor), *predictor.card.tile_px[::-1])


def _device(predictor: Predictor) -> torch.device:
    leaf = next(classifiers(predictor), None)
    return leaf.device if leaf else torch.device("cpu")


def choose(
    predictor: Predictor,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    *,
    kind: Literal["auto"] | EngineKind = "auto",
    precision: Precision = "auto",
    batch: int | None = None,
    compiled: bool = False,
    seconds: float = 2.0,
) -> Engine:
    """The fastest engine on sample tiles in stored values (n, bands, h, w), valid where (n, h, w) says so.

    `seconds` are for timing; to convert the network, and to check that a probability of up to 64 tiles moves by less
    than .01 against torch's single precision, comes on top. An engine by which one moves more is taken only where no
    other may be: a warning says by how much. Raises InstallError, OptionError where what is asked for cannot be had.
    """
    leaf, device = next(classifiers(predictor), None), _device(predictor)
    height, width = pixels.shape[-2:]
    first, most = (_tiles(room, device, height, width) for room in (_FIRST_PIXELS, _MOST_PIXELS))
    asked = candidates(device, kind, precision, batch or first, compiled=compiled)
    if leaf is None or not len(pixels):
        plain = default_engine(device, height, width)
        return replace(plain, batch=batch or plain.batch)
    sample = Sample(pixels, valid)
    tried = _try(predictor, asked, sample, seconds / 2, forced=kind != "auto")
    best = _first_right(predictor, tried, sample, seconds / 2)
    best = best if batch else _sweep(predictor, best, sample, seconds / 4, most)
    # tried as it is: to compile takes half a minute, for each batch and precision
    return replace(best.engine, compiled=compiled)


@dataclass(frozen=True, slots=True)
class _Tried:
    engine: Engine
    predictor: Predictor
    """Equipped with it."""
    rate: float
    """Tiles a second."""


def _tiles(room: Mapping[str, int], device: torch.device, height: int, width: int) -> int:
    return max(1, room.get(device.type, room["cpu"]) // (height * width))


def _try(
    predictor: Predictor, asked: Sequence[Engine], sample: Sample, seconds: float, *, forced: bool
) -> list[_Tried]:
    """Time each engine; those that cannot run this network are left out unless `forced`. The fastest comes first."""
    found: list[_Tried] = []
    for engine in asked:
        rival = max((one.rate for one in found), default=0.0)
        try:
            found.append(_timed(predictor, engine, sample, seconds / len(asked), rival))
        except (InstallError, OptionError) as error:
            if forced or engine.kind == "torch":
                raise
            log.info("trial: %s", error)
    return sorted(found, key=lambda one: one.rate, reverse=True)


def _timed(predictor: Predictor, engine: Engine, sample: Sample, seconds: float, rival: float) -> _Tried:
    # OpenVINO has a batch under way for each core, at the most
    beside = torch.get_num_threads() if engine.kind == "openvino" else 1
    equipped = equip(predictor, engine)
    speed = rate(
        equipped, sample.times(engine.batch * beside), seconds, rival=rival, prepares=engine.kind == "openvino"
    )
    log.info("trial: %s: %.1f tiles/s", engine, speed)
    return _Tried(engine, equipped, speed)


def _first_right(predictor: Predictor, tried: Sequence[_Tried], sample: Sample, seconds: float) -> _Tried:
    """The fastest engine that moves no probability by .01; where all do, the one that moves them least."""
    tiles = min(len(sample.pixels), max(_CHECKED_LEAST, min(_CHECKED, int(seconds * tried[-1].rate))))
    checked = sample.times(tiles)
    truth: NDArray[np.float32] | None = None
    seen: list[_Tried] = []
    for one in tried:
        plain = Engine("torch", "fp32", one.engine.batch)
        if one.engine == plain:
            return one
        if truth is None:
            truth = checked.answers(equip(predictor, plain))
        moves = np.abs(checked.answers(one.predictor) - truth)
        moved = float(np.nan_to_num(moves, nan=1.0).max())
        seen.append(replace(one, engine=replace(one.engine, moved=moved)))
        if moved < _MAY_MOVE:
            return seen[-1]
        log.info("trial: refused, it moves probabilities: %s", seen[-1].engine)
    least = min(seen, key=lambda one: one.engine.moved)
    log.warning(
        "%s in %s moves probabilities by up to %.3f against full precision; --engine torch --precision fp32 does not",
        least.engine.kind,
        least.engine.precision,
        least.engine.moved,
    )
    return least


def _sweep(predictor: Predictor, best: _Tried, sample: Sample, seconds: float, most: int) -> _Tried:
    """The same engine with larger batches, each twice as large, up to `most` tiles, while that makes it faster."""
    while 2 * best.engine.batch <= most:
        larger = replace(best.engine, batch=2 * best.engine.batch)
        try:
            found = _timed(predictor, larger, sample, seconds / 2, best.rate)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            break
        if found.rate < best.rate * _BETTER:
            break
        best = found
    return best
