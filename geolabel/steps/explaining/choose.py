"""Which tiles are explained, and for which classes: those that were named, or those worth looking at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError, ModelError, OptionError, TileIndexError, listed
from geolabel.inference import Decision
from geolabel.learn.chips import cached_chips, load_chips
from geolabel.learn.predictor import predict_chips
from geolabel.model import for_source
from geolabel.steps.predict_tiles import parts
from geolabel.steps.truth import truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.learn.predictor import Predictor
    from geolabel.model import ModelCard
    from geolabel.tiling.index import TileIndex

RIGHT, FALSE_ALARM, MISS = "right detection", "false alarm", "miss"


@dataclass(frozen=True, slots=True)
class Case:
    """A tile in which a class is explained."""

    row: int
    """Of the index."""
    class_at: int
    """Of the model."""
    probability: float
    kind: str
    """How the model's answer compares with the label, in words."""
    labelled: bool | None
    """Whether the label says that the class is there; None: unknown."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Tiles of which the model's answers are known."""

    rows: NDArray[np.int64]
    """(n,), of the index."""
    probabilities: NDArray[np.float32]
    """(n, classes)."""
    detected: NDArray[np.bool_]
    """(n, classes)."""
    truth: NDArray[np.float32]
    """(n, classes): 1 there, 0 not there, NaN unknown."""

    def case(self, at: int, class_at: int) -> Case:
        """One of the tiles, for one of the classes."""
        truth = float(self.truth[at, class_at])
        found, known = bool(self.detected[at, class_at]), bool(np.isfinite(truth))
        if known:
            kind = (RIGHT if truth else FALSE_ALARM) if found else (MISS if truth else "rightly not detected")
        else:
            kind = "detection" if found else "not detected"
        likely = float(self.probabilities[at, class_at])
        return Case(int(self.rows[at]), class_at, likely, kind, bool(truth) if known else None)


def classes_of(card: ModelCard, names: Sequence[str], model: Path) -> list[int]:
    """The model's classes by name, all where none is named. Raises ModelError."""
    unknown = [name for name in names if name not in card.classes]
    if unknown:
        raise ModelError(f"{model}: has no class {listed(unknown)}; its classes are {listed(card.classes, 20)}")
    return [card.classes.index(name) for name in dict.fromkeys(names)] or list(range(len(card.classes)))


def rows_of(index: TileIndex, tiles: Path, wanted: Sequence[int], split: str | None) -> NDArray[np.int64]:
    """Rows (n,) of the tiles `wanted`, or of a part of the split: the test tiles where None, all where it is not split.

    Raises OptionError (no such tile), TileIndexError (not split), EmptyError.
    """
    if not len(index):
        raise EmptyError(f"{tiles}: has no tiles; tile again, with a lower --min-valid")
    if wanted:
        at = {int(tile): row for row, tile in enumerate(index.column("tile").tolist())}
        unknown = [tile for tile in wanted if tile not in at]
        if unknown:
            raise OptionError(
                f"--tile {listed(unknown)}: {tiles} has no such tile; it has {len(index):,}, from {min(at, default=0)} "
                f"to {max(at, default=0)}"
            )
        return np.array([at[tile] for tile in dict.fromkeys(wanted)], dtype=np.int64)
    if index.split is None:
        if split is not None:
            raise TileIndexError(f"{tiles}: is not split; leave --split away, or run geolabel split first")
        return np.arange(len(index))
    parts_of = index.column("split").astype(str)
    rows = np.flatnonzero(parts_of == (split or "test"))
    if not len(rows):
        raise EmptyError(f"{tiles}: no tile in {split or 'test'!r}; --split can be {listed(sorted(set(parts_of)))}")
    return rows


def answers(
    predictor: Predictor, index: TileIndex, rows: NDArray[np.int64], base: Path, cache: Path | None
) -> Answered:
    """What the model says of the tiles `rows` (n,), which are read some at a time. Raises InputError, BandError."""
    card = predictor.card
    few = replace(index, table=index.table.take(rows))
    found = np.empty((len(rows), len(card.classes)), np.float32)
    for part, scale, offset in parts(few, "predicting tiles"):
        ready = predictor.with_card(for_source(card, few.sources[0].dtype, scale, offset))
        found[part] = predict_chips(ready, chips_of(few, part, base, cache), np.arange(len(part)))
    return Answered(rows, found, Decision.of(card).on_tiles(found), truth_of(card, few))


def chips_of(index: TileIndex, rows: NDArray[np.int64], base: Path, cache: Path | None) -> Chips:
    """Pixels of some tiles, which fit into memory (`parts`), kept in the folder `cache` where there is one."""
    if cache is not None:
        return cached_chips(index, rows, base, cache)
    return load_chips(index, rows, base, Path())  # parts are too small for scratch files


def of_tiles(told: Answered, classes: Sequence[int], *, named: bool) -> list[Case]:
    """All classes in each tile where they were `named`, else those detected there, or the likeliest where none is."""
    found = []
    for at in range(len(told.rows)):
        here = [one for one in classes if named or told.detected[at, one]]
        here = here or [int(told.probabilities[at].argmax())]
        found += [told.case(at, one) for one in here]
    return sorted(found, key=lambda case: (case.class_at, case.row))


def worth_a_look(told: Answered, classes: Sequence[int], count: int) -> list[Case]:
    """Of each class the `count` surest right detections, false alarms and misses; detections where nothing is known."""
    found = []
    for one in classes:
        cases = [told.case(at, one) for at in _surest(told, one, count)]
        order = {RIGHT: 0, "detection": 0, FALSE_ALARM: 1, MISS: 2}
        found += sorted(cases, key=lambda case: (order[case.kind], -case.probability, case.row))
    return found


def _surest(told: Answered, one: int, count: int) -> list[int]:
    likely, detected, truth = told.probabilities[:, one], told.detected[:, one], told.truth[:, one]
    known = bool(np.isfinite(truth).any())
    groups = [detected & (truth == 1), detected & (truth == 0)] if known else [detected]
    surest = [np.flatnonzero(group)[np.argsort(-likely[group], kind="stable")][:count] for group in groups]
    missed = np.flatnonzero(~detected & (truth == 1))
    surest.append(missed[np.argsort(likely[missed], kind="stable")][:count])  # the surer of itself, the lower
    return [int(at) for group in surest for at in group]
