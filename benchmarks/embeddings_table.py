"""The tables of embeddings.py, and in words what did not beat raw pixels and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.steps.embed.evaluation.encoders import CHANCE, MODEL
from geolabel.steps.embed.evaluation.table import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embeddings_run import Taught

    from geolabel.steps.embed.evaluation.table import Outcome

SCORES = {
    "accuracy": "accuracy.knn",
    "balanced accuracy": "balanced_accuracy.knn",
    "the same, SVC": "balanced_accuracy.svc",
    "MAP@R": "map_at_r",
    "soft MAP@R": "soft_map_at_r",
    "gSil": "gsil",
    "summed error": "summed_error.knn",
    "kNC": "knc",
}
"""Columns, and what `embed evaluate` calls them. Accuracies and summed error are those of nearest neighbours."""
_LESS_IS_BETTER = ("summed error",)
_MIXES = ("natural", "balanced")
Row = tuple[str, list["Outcome"]]


def show(title: str, taught: Sequence[Taught]) -> None:
    """Print how each was trained, a table for each mix of classes, and what baselines did better."""
    print(f"\n{title}\n\n| encoder | learned from | best epoch | on val | by | active at the end | s |")
    print("|---|---|---|---|---|---|---|")
    for one in taught:
        score = "–" if one.score is None else f"{one.score:.3f}"
        told = (one.name, one.learned_from, f"{one.best_epoch} of {one.epochs}", score, one.judged_by)
        print(f"| {' | '.join(told)} | {one.active:.2f} | {one.seconds:.0f} |")
    baselines = _baselines(taught)
    own = [(one.name, [found for found in one.outcomes if found.encoder == MODEL]) for one in taught]
    for mix in _MIXES:
        rows = [(name, [one for one in found if one.mix == mix]) for name, found in (*baselines, *own)]
        rows = [(name, found) for name, found in rows if found]
        if not rows:
            continue
        print(f"\n{mix} mix\n\n| encoder | {' | '.join(SCORES)} |\n|---{'|---' * len(SCORES)}|")
        for name, found in rows:
            print(f"| {name} | {' | '.join(_cell(found, key) for key in SCORES.values())} |")
        print()
        first = len(rows) - len(own)
        for row in rows[first:]:
            print(f"- {row[0]}: {_beaten_by(row, rows[:first])}")


def _baselines(taught: Sequence[Taught]) -> list[Row]:
    """Their outcomes are with the one that was judged beside them: all are judged on the same draws."""
    outcomes = max((one.outcomes for one in taught), key=len)
    names = dict.fromkeys(one.encoder for one in outcomes if one.encoder != MODEL)
    return [(name, [one for one in outcomes if one.encoder == name]) for name in names]


def _cell(found: Sequence[Outcome], key: str) -> str:
    return str(spread([one.scores[key] for one in found])).replace("0.", ".")


def _beaten_by(row: Row, baselines: Sequence[Row]) -> str:
    """By which baselines, in what; a score counts where it is better on most of the draws."""
    told = []
    for name, theirs in baselines:
        lost = [score for score, key in SCORES.items() if _is_better(theirs, row[1], key, score)]
        if lost:
            told.append(f"{name} in {'all' if len(lost) == len(SCORES) else ', '.join(lost)}")
    return f"not better than {'; '.join(told)}" if told else f"better than all ({CHANCE} too) in everything"


def _is_better(theirs: Sequence[Outcome], ours: Sequence[Outcome], key: str, score: str) -> bool:
    sign = -1 if score in _LESS_IS_BETTER else 1
    gain = sign * np.array([one.scores[key] - two.scores[key] for one, two in zip(theirs, ours, strict=True)])
    return bool((gain >= 0).mean() > 0.5)
