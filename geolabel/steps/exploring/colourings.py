"""By what points are coloured: what is known of tiles, by classes or by numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from geolabel.labels.scheme import LabelClass, Scheme, complete
from geolabel.steps.exploring.classes import MIXED, MIXED_COLOR
from geolabel.steps.predict_tiles import PREDICTED, PROBABILITY
from geolabel.tiling.index import LABEL_PREFIX, REQUIRED, VECTOR
from geolabel.views.explore_page import Colouring
from geolabel.views.words import GREY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.steps.exploring.answers import Answers
    from geolabel.steps.exploring.classes import Labels
    from geolabel.tiling import TileIndex

MOST_CLASSES = 16
"""Classes, the commonest, whose shares, probabilities and errors are colourings: 5 kB a thousand tiles a piece."""
MOST_COLUMNS = 40
"""Columns of the index that are colourings."""
_FEW = 24
"""Different values of a column that are told apart; of more, the commonest."""
_PARTS = {"train": "#3b7dd8", "val": "#a8862a", "test": "#c9485b"}
_ERRORS = (
    ("right", "#9fb8ad"),
    ("missed", "#c9485b"),
    ("false alarm", "#e0a12b"),
)


def by_label(labels: Labels) -> Colouring:
    """The class of the largest share, `mixed` apart from unknown."""
    codes = np.where(labels.mixed, len(labels.classes), labels.codes)
    titles = [labels.legend.title(name) for name in labels.classes]
    colors = [labels.legend.color(name) for name in labels.classes]
    extra = ((MIXED, MIXED_COLOR),) if labels.mixed.any() else ()
    return _classes("Label", codes, (*titles, *(name for name, _ in extra)), (*colors, *(color for _, color in extra)))


def by_share(labels: Labels) -> Iterator[Colouring]:
    """The share of each class, the commonest first."""
    mean = np.nan_to_num(labels.shares).mean(axis=0)
    for at in np.argsort(-mean, kind="stable")[:MOST_CLASSES].tolist():
        yield _numbers(f"Share: {labels.legend.title(labels.classes[at])}", labels.shares[:, at])


def by_cluster(members: NDArray[np.int16]) -> Colouring:
    """The cluster, the largest first, and those that belong to none."""
    names, alone = [f"cluster {number}" for number in range(1, int(members.max()) + 2)], members < 0
    codes = np.where(alone, len(names), members).astype(np.int64)
    extra = (("in no cluster", GREY),) if alone.any() else ()
    shown, colors = [*names, *(one for one, _ in extra)], [*palette(names), *(color for _, color in extra)]
    return _classes("Cluster", codes, shown, colors)


def by_outlier(scores: NDArray[np.float32]) -> Colouring:
    """How far a tile lies from its neighbours, beside how far they lie from theirs."""
    return _numbers("Outlier score", scores)


def by_answer(answers: Answers) -> Iterator[Colouring]:
    """The model's probabilities; and where labels are known, what it got wrong."""
    if answers.error is not None:
        yield _numbers("Error: mean over classes", answers.error)
    for at in answers.commonest[:MOST_CLASSES]:
        title = answers.titles[at]
        yield _numbers(f"Probability: {title}", answers.probabilities[:, at])
        if (answers.outcome[:, at] >= 0).any():
            names, colors = zip(*_ERRORS, strict=True)
            yield _classes(f"Error: {title}", answers.outcome[:, at], names, colors)


def by_column(index: TileIndex, *, answered: bool = False) -> Iterator[Colouring]:
    """Columns of the index: few different values are classes, others numbers; what says nothing is left out.

    Of what `predict` wrote into it, the commonest classes; nothing where a model has `answered` here.
    """
    left_out = {*REQUIRED, "bbox", VECTOR, *_predicted(index, 0 if answered else MOST_CLASSES)} - {"source", "valid"}
    for name in index.table.column_names:
        kind = index.table.schema.field(name).type
        told = not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
        if name in left_out or name.startswith(LABEL_PREFIX) or not told:
            continue
        found = _column(name, index.column(name))
        if found is not None:
            yield found


def _predicted(index: TileIndex, most: int) -> set[str]:
    """Columns that `predict` wrote, but for those of the `most` classes of the highest mean probability."""
    written = [name for name in index.table.column_names if name.startswith((PROBABILITY, PREDICTED))]
    mean = {name.removeprefix(PROBABILITY).removeprefix(PREDICTED): 0.0 for name in written}
    for name in written:
        if name.startswith(PROBABILITY):
            values = index.column(name).astype(np.float64)
            mean[name.removeprefix(PROBABILITY)] = float(np.nan_to_num(values).mean())
    kept = sorted(mean, key=lambda name: -mean[name])[:most]
    return set(written) - {prefix + name for prefix in (PROBABILITY, PREDICTED) for name in kept}


def _column(name: str, values: NDArray[Any]) -> Colouring | None:
    title = name.replace("_", " ").capitalize()
    if values.dtype.kind == "f":
        known = np.unique(values[np.isfinite(values)])
        return _numbers(title, values) if len(known) > 1 else None
    missing = np.array([value is None for value in values.tolist()])
    plain = values if values.dtype.kind in "iu" else np.where(missing, "", values.astype(str))
    names, codes = np.unique(plain, return_inverse=True)
    shown = [str(value) for value in names.tolist() if value != ""]
    if len(shown) > _FEW and values.dtype.kind in "iu":
        return _numbers(title, values)
    if len(shown) > max(_FEW, len(values) // 2) or len(shown) + missing.any() <= 1:
        return None  # names of single tiles, or nothing to tell apart
    lowest = len(names) - len(shown)  # "" is the first, and unknown
    if len(shown) > _FEW:
        return _commonest(title, codes - lowest, shown)
    colors = [_PARTS.get(value, color) for value, color in zip(shown, palette(shown), strict=True)]
    return _classes(title, codes.astype(np.int64) - lowest, shown, colors)


def _commonest(title: str, codes: NDArray[np.int64], names: Sequence[str]) -> Colouring:
    """The commonest values as classes, all others as one more; `codes` (n,) below 0 are unknown."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    kept = np.sort(np.argsort(-counts, kind="stable")[: _FEW - 1])
    place = np.full(len(names) + 1, _FEW - 1)
    place[kept], place[-1] = np.arange(len(kept)), -1  # the last is that of the unknown
    shown = [names[at] for at in kept.tolist()]
    others = f"{len(names) - len(kept):,} others"
    return _classes(title, place[np.maximum(codes, -1)], [*shown, others], [*palette(shown), GREY])


def palette(names: Sequence[str]) -> list[str]:
    """Colours far apart from their neighbours'."""
    classes = tuple(LabelClass(f"class {at}") for at in range(len(names)))
    return [one.color for one in complete(Scheme("palette", classes)).classes] if names else []


def _classes(title: str, codes: NDArray[np.int64], names: Sequence[str], colors: Sequence[str]) -> Colouring:
    return Colouring(title=title, kind="classes", codes=codes, names=tuple(names), colors=tuple(colors))


def _numbers(title: str, values: NDArray[Any]) -> Colouring:
    return Colouring(title=title, kind="numbers", codes=values.astype(np.float32))
