"""What `geolabel tune` may change of a recipe, and between which values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geolabel.errors import OptionError
from geolabel.learn.baselines import BASELINES
from geolabel.steps.recipe_words import field_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geolabel.learn.recipe import Recipe
    from geolabel.model import Head

_DIGITS = 2
"""Of searched numbers: more would be noise, and nobody wants to type them."""
_USUAL = {"lr", "weight_decay", "dropout", "augment", "balance", "layer_decay", "freeze_epochs", "model", "missing"}
"""Searched where nobody says otherwise, as far as the model has them."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`."""

    low: float
    high: float
    log: bool = False
    """Whether factors count, rather than differences."""

    def with_value(self, value: float) -> Range:
        """The same, reaching as far as a value."""
        return replace(self, low=min(self.low, value), high=max(self.high, value))

    @property
    def size(self) -> float:
        """How many different values there are."""
        return math.inf


@dataclass(frozen=True, slots=True)
class Choice:
    """Some values."""

    values: tuple[Any, ...]

    def with_value(self, value: Any) -> Choice:
        """The same, and a value more where it is not among them."""
        return self if value in self.values else Choice((value, *self.values))

    @property
    def size(self) -> float:
        """How many different values there are."""
        return len(self.values)


Space = dict[str, Range | Choice]
"""By field of the recipe."""


def make_space(start: Recipe, heads: Sequence[Head], *, gaps: bool, search: Sequence[str] = ()) -> Space:
    """What to search around the recipe `start`, whose own values all are in it.

    `gaps` says whether training tiles have unknown labels; `search` names fields, instead of the usual ones. Raises
    OptionError for fields that this kind of model does not have, or that are not searched.
    """
    allowed = _baseline(gaps=gaps) if start.model in BASELINES else _network(start, heads, gaps=gaps)
    names = list(dict.fromkeys(field_name(name) for name in search)) or [name for name in allowed if name in _USUAL]
    for name in names:
        if name not in allowed:
            shown = ", ".join(other.replace("_", "-") for other in allowed)
            raise OptionError(
                f"--search {name.replace('_', '-')}: not searched with --model {start.model}; {shown} are"
            )
    space = {name: allowed[name].with_value(getattr(start, name)) for name in names}
    if size_of(space) < 2:  # noqa: PLR2004 - a choice
        raise OptionError(f"--search: there is nothing to choose with --model {start.model}; name other fields")
    return space


def _network(start: Recipe, heads: Sequence[Head], *, gaps: bool) -> Space:
    space: Space = {
        "lr": Range(1e-4, 1e-2, log=True),
        "weight_decay": Choice((0.0, 0.001, 0.01, 0.05, 0.2)),
        "dropout": Choice((None, 0.1, 0.3, 0.5)),
        "augment": Choice(("none", "dihedral", "dihedral,light", "dihedral,scale,light", "all")),
        "balance": Choice(("none", "weights", "sampler")),
        "batch": Choice((32, 64, 128)),
        "schedule": Choice(("cosine", "one-cycle", "plateau")),
        "mixup": Choice((0.0, 0.2, 0.4)),
        "ema": Choice((0.0, 0.99, 0.999)),
        "clip": Choice((0.0, 1.0)),
    }
    kinds = {head.kind for head in heads}
    if start.targets == "presence" and "sigmoid" in kinds:
        space["loss"] = Choice(("auto", "focal", "asymmetric", "soft-f1"))
    if start.targets == "presence" and "softmax" in kinds and start.loss != "mse":
        space["label_smoothing"] = Choice((0.0, 0.05, 0.1))
    if start.weights != "none":
        space["lr"] = Range(1e-5, 1e-2, log=True)
        space["layer_decay"] = Range(0.5, 1.0)
        space["freeze_epochs"] = Choice((0, 1, 3))
    if gaps:
        space["missing"] = Choice(("mask", "drop"))
    return space


def _baseline(*, gaps: bool) -> Space:
    space: Space = {"model": Choice(BASELINES)}
    if gaps:
        space["missing"] = Choice(("mask", "drop"))
    return space


def size_of(space: Mapping[str, Range | Choice]) -> float:
    """How many different recipes there are."""
    return math.prod(found.size for found in space.values())


def apply(start: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with searched values, numbers rounded to two digits; those of `start` stay as they are."""
    rounded: dict[str, Any] = {
        name: float(f"{value:.{_DIGITS}g}") if isinstance(value, float) and value != getattr(start, name) else value
        for name, value in values.items()
    }
    return replace(start, **rounded)
