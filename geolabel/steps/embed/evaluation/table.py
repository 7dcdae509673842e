"""Scores of all repeats as a table: mean and deviation, and in which of them a baseline is better than the model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from geolabel.steps.embed.evaluation.encoders import CHANCE, COLOUR, MODEL, PCA, PIXELS, SUPERVISED, UNTRAINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

WORDS = {
    PIXELS: ("Raw pixels", "do"),
    COLOUR: ("Colour statistics", "do"),
    PCA: ("Principal components of the pixels", "do"),
    UNTRAINED: ("The same network untrained", "does"),
    SUPERVISED: ("The supervised classifier's features", "do"),
    CHANCE: ("Chance", "does"),
}
"""Baselines at the beginning of a sentence, with its verb."""
SUMMED_ERROR = "summed_error"
"""The one score of which less is better."""
_JUDGED = {
    "accuracy": "accuracy",
    "map_at_r": "MAP@R",
    "soft_map_at_r": "soft MAP@R",
    "gsil": "gSil",
    SUMMED_ERROR: "summed error",
}
"""Scores by which a baseline can beat the model, and what a reader calls them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Scores of one encoder on one draw."""

    encoder: str
    mix: str
    repeat: int
    scores: Mapping[str, float]
    """By name; those of probes end in their own: accuracy.knn, summed_error.rfc. NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A score over the repeats."""

    mean: float
    deviation: float
    """Of a sample; NaN of one repeat."""

    def __str__(self) -> str:
        """Both, as in a table."""
        if np.isnan(self.mean):
            return "–"
        if np.isnan(self.deviation):
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ±{f'{self.deviation:.3f}'.removeprefix('0')}"


@dataclass(frozen=True, slots=True)
class LabelRow:
    """How well an encoder's vectors tell the label of a tile, by the first probe of single classes."""

    encoder: str
    mix: str
    accuracy: Spread
    balanced_accuracy: Spread
    map_at_r: Spread
    knc: Spread
    """Accuracy of the nearest clusters."""


@dataclass(frozen=True, slots=True)
class ShareRow:
    """How well they tell the shares of all classes, by the first probe of several classes."""

    encoder: str
    mix: str
    soft_map_at_r: Spread
    gsil: Spread
    """Generalised silhouette, −1 to 1."""
    summed_error: Spread
    """0 is exact, 2 all wrong."""


@dataclass(frozen=True, slots=True)
class CompatRow:
    """What the published system calls so, calculated as its code does."""

    encoder: str
    mix: str
    map_at_1_compat: Spread
    map_at_10_compat: Spread
    gsil_compat: Spread


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """Scores of one probe on the vectors of an encoder."""

    encoder: str
    mix: str
    probe: str
    accuracy: Spread | None
    balanced_accuracy: Spread | None
    summed_error: Spread | None


Row = TypeVar("Row", LabelRow, ShareRow, CompatRow)


def spread(values: Sequence[float]) -> Spread:
    """Mean and deviation of the values that are there."""
    known = np.array(values, np.float64)
    known = known[np.isfinite(known)]
    mean = float(known.mean()) if len(known) else float("nan")
    return Spread(mean, float(known.std(ddof=1)) if len(known) > 1 else float("nan"))


def score_keys(single: str, multi: str) -> dict[str, str]:
    """Which score stands in a column that probes tell: that of the probe `single` of labels, or `multi` of shares."""
    return {
        "accuracy": f"accuracy.{single}",
        "balanced_accuracy": f"balanced_accuracy.{single}",
        SUMMED_ERROR: f"{SUMMED_ERROR}.{multi}",
    }


def encoder_rows(kind: type[Row], outcomes: Sequence[Outcome], keys: Mapping[str, str]) -> tuple[Row, ...]:
    """A row an encoder and mix, mix by mix, in the order of the outcomes; `keys` of `score_keys`."""
    names = [column.name for column in fields(kind)][2:]  # after encoder and mix
    return tuple(
        kind(encoder, mix, *(found[keys.get(name, name)] for name in names))
        for (encoder, mix), found in _spreads(outcomes)
    )


def probe_rows(outcomes: Sequence[Outcome], probes: Sequence[str]) -> tuple[ProbeRow, ...]:
    """A row an encoder, mix and probe, mix by mix."""
    names = ("accuracy", "balanced_accuracy", SUMMED_ERROR)
    return tuple(
        ProbeRow(encoder, mix, probe, *(found.get(f"{name}.{probe}") for name in names))
        for (encoder, mix), found in _spreads(outcomes)
        for probe in probes
    )


def _spreads(outcomes: Sequence[Outcome]) -> Iterator[tuple[tuple[str, str], dict[str, Spread]]]:
    encoders, mixes = (dict.fromkeys(getattr(one, name) for one in outcomes) for name in ("encoder", "mix"))
    for mix, encoder in product(mixes, encoders):  # one mix after the other: only within one do scores compare
        alike = [one.scores for one in outcomes if (one.encoder, one.mix) == (encoder, mix)]
        yield (encoder, mix), {name: spread([scores[name] for scores in alike]) for name in alike[0]}


def verdicts(outcomes: Sequence[Outcome], keys: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each baseline that does better than the model, in the mean over the repeats; one where none does.

    It names the repeats in which the baseline is better, where that is not so in all of them.
    """
    baselines, mixes = (dict.fromkeys(getattr(one, name) for one in outcomes) for name in ("encoder", "mix"))
    found = []
    for encoder in baselines:
        won = [] if encoder == MODEL else [(mix, [*_won(outcomes, encoder, mix, keys)]) for mix in mixes]
        told = [f"in {_joined(scores, 'and')} on the {mix} mix" for mix, scores in won if scores]
        if told:
            words, verb = WORDS[encoder]
            found.append(f"{words} {verb} better than the model {', '.join(told)}.")
    return tuple(found) or (f"No baseline does better than the model in {_joined(list(_JUDGED.values()), 'or')}.",)


def _won(outcomes: Sequence[Outcome], encoder: str, mix: str, keys: Mapping[str, str]) -> Iterator[str]:
    """In which scores a baseline is better than the model."""
    for name, words in _JUDGED.items():
        sign = -1 if name == SUMMED_ERROR else 1
        theirs, ours = (sign * _values(outcomes, one, mix, keys.get(name, name)) for one in (encoder, MODEL))
        gain = (theirs - ours)[np.isfinite(theirs - ours)]  # the repeats draw the same tiles for all
        if len(gain) and gain.mean() > 0:
            times = int((gain > 0).sum())
            yield words if times == len(gain) else f"{words} ({times} of {len(gain)} repeats)"


def _joined(words: Sequence[str], last: str) -> str:
    return f" {last} ".join([part for part in (", ".join(words[:-1]), words[-1]) if part])


def _values(outcomes: Sequence[Outcome], encoder: str, mix: str, key: str) -> NDArray[np.float64]:
    return np.array([one.scores[key] for one in outcomes if (one.encoder, one.mix) == (encoder, mix)])
