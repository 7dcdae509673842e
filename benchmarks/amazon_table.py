"""The table of amazon_mining.py: what each model reached on the unseen chips, kept as JSON as soon as it is known."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from geolabel.scoring import ranking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from amazon_chips import Chips
    from numpy.typing import NDArray

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Result:
    """A model with one seed, on the test chips."""

    name: str
    seed: int
    epochs: int
    """At the most; 0 of models that learn without."""
    best_epoch: int
    parameters: int
    train_s: float
    peak_mb: float | None
    threshold: float
    val_average_precision: float
    average_precision: float
    auc: float
    f1: float
    precision: float
    recall: float
    probability: tuple[float, ...]
    """Of each test chip, in the order of chips.csv."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which test chips count as mines (n,)."""
        return np.array(self.probability) >= self.threshold

    def save(self, path: Path) -> None:
        """Whole or not at all: a run that is cut off goes on with what is here."""
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it back."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def show(chips: Chips, results: Sequence[Result]) -> None:
    """Print the table of the test chips: medians over seeds, intervals of the middle seed, then each set."""
    by_name: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_name[result.name].append(result)
    middle = {name: _middle(found) for name, found in by_name.items()}
    weights = [_drawn(chips.mine, groups) for groups in (np.arange(len(chips)), chips.sets)]
    mines = int(chips.mine.sum())
    print(
        f"\n{len(chips)} unseen chips of {len(np.unique(chips.sets))} sets, {mines} with mines; by chance the ", end=""
    )
    print(f"average precision is {mines / len(chips):.3f}\n")
    print("| model | average precision | 95 % over chips | over sets | F1 | precision | recall | AUC | on val "
          "| parameters | epochs, best | seconds | peak MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, one in sorted(middle.items(), key=lambda item: -item[1].average_precision):
        all_of = {key: median(getattr(found, key) for found in by_name[name]) for key in _MEASURED}
        spread = [found.average_precision for found in by_name[name]]
        seeds = f" ({', '.join(f'{value:.3f}' for value in spread)})" if len(spread) > 1 else ""
        over = [_told(_precision(chips.mine, one, drawn)) for drawn in weights]
        epochs = f"{one.epochs}, {one.best_epoch}" if one.epochs else "–"
        peak = f"{one.peak_mb:,.0f}" if one.peak_mb else "–"
        print(f"| {name} | {all_of['average_precision']:.3f}{seeds} | {over[0]} | {over[1]} | {all_of['f1']:.3f} | "
              f"{all_of['precision']:.3f} | {all_of['recall']:.3f} | {all_of['auc']:.3f} | "
              f"{all_of['val_average_precision']:.3f} | {one.parameters:,} | {epochs} | {all_of['train_s']:.0f} | "
              f"{peak} |")  # fmt: skip
    _show_gains(chips, middle, weights)
    _show_sets(chips, middle)


_MEASURED = ("average_precision", "f1", "precision", "recall", "auc", "val_average_precision", "train_s")


def _middle(results: Sequence[Result]) -> Result:
    return sorted(results, key=lambda found: found.average_precision)[(len(results) - 1) // 2]


def _drawn(truth: NDArray[np.bool_], groups: NDArray[Any]) -> NDArray[np.float64]:
    """How often each chip (n,) is drawn in each resample, with its whole group: (n, resamples).

    Groups with mines and groups without are drawn apart: how common mines are was decided when the sets were chosen,
    and is no news of a model.
    """
    rng = np.random.default_rng(0)
    number = np.unique(groups, return_inverse=True)[1]
    has_mine = np.bincount(number, truth) > 0
    times = np.zeros((len(has_mine), RESAMPLES))
    for side in (np.flatnonzero(has_mine), np.flatnonzero(~has_mine)):
        drawn = rng.choice(side, (len(side), RESAMPLES))
        np.add.at(times, (drawn, np.arange(RESAMPLES)), 1)
    return times[number]


def _precision(truth: NDArray[np.bool_], one: Result, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average precision under weights (n, resamples): (resamples,)."""
    ranked = ranking.rank(truth.astype(np.float32), np.array(one.probability))
    return np.asarray(ranking.average_precision(*ranked.sums(weights)))


def _told(samples: NDArray[np.float64], sign: str = "") -> str:
    low, high = np.quantile(samples, [0.025, 0.975])
    return f"{low:{sign}.3f} … {high:{sign}.3f}"


def _show_gains(chips: Chips, middle: dict[str, Result], weights: Sequence[NDArray[np.float64]]) -> None:
    """What each model is better than the forest, on the same resamples."""
    base = middle.get("forest")
    if base is None:
        return
    print("\n| gain in average precision over the forest | | 95 % over chips | over sets |\n|---|---|---|---|")
    for name, one in middle.items():
        if one is not base:
            gains = [_precision(chips.mine, one, drawn) - _precision(chips.mine, base, drawn) for drawn in weights]
            value = one.average_precision - base.average_precision
            print(f"| {name} | {value:+.3f} | {_told(gains[0], '+')} | {_told(gains[1], '+')} |")


def _show_sets(chips: Chips, middle: dict[str, Result]) -> None:
    """Recall on the sets of mines, false alarms on the others, at each model's own threshold."""
    print(f"\n| set | chips | {' | '.join(middle)} |\n|---|---|{'---|' * len(middle)}")
    found = {name: one.found for name, one in middle.items()}
    for mine, title in ((True, "found"), (False, "false alarms")):
        for name in np.unique(chips.sets[chips.mine == mine]):
            rows = (chips.sets == name) & (chips.mine == mine)
            shares = " | ".join(f"{detected[rows].mean():.0%}" for detected in found.values())
            print(f"| {name}, {title} | {int(rows.sum())} | {shares} |")
