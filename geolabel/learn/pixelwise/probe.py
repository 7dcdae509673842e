"""Probes: what is told from the features of a pixel, by a linear function or a random forest.

Fitted by scikit-learn, kept as plain arrays (geolabel.learn.baselines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.errors import ModelError, OptionError
from geolabel.learn.baselines import Baseline, fit_baseline, from_arrays
from geolabel.learn.baselines.arrays import take
from geolabel.learn.baselines.layers import Layers
from geolabel.learn.baselines.parts import DECIDED
from geolabel.model import Head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.pixelwise.maps import PixelMaps

ProbeKind = Literal["logistic", "forest"]
PIXEL_PROBES: tuple[ProbeKind, ...] = get_args(ProbeKind)
_TREES = 100
_NEVER = -1e9
"""Log-odds of a class that was not among the training pixels."""
_AT_ONCE_BYTES = 64 << 20
MOST_CLASSES = 256
"""Their numbers are bytes."""


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """The class whose log-odds are largest."""

    weight: NDArray[np.float32]
    """(features, classes)."""
    bias: NDArray[np.float32]
    """(classes,)."""

    def choose(self, features: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Numbers of classes (n,) of features (n, f)."""
        return np.asarray((features @ self.weight + self.bias).argmax(axis=1), np.uint8)

    def draw(self, maps: PixelMaps) -> NDArray[np.uint8]:
        """Numbers of classes (rows, columns) of a block's core."""
        return np.asarray(maps.linear(self.weight, self.bias).argmax(axis=0), np.uint8)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of it."""
        return {"weight": self.weight, "bias": self.bias}


@dataclass(frozen=True, slots=True)
class ForestProbe:
    """The class for which most of the trees are."""

    forest: Baseline

    def choose(self, features: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Numbers of classes (n,) of features (n, f)."""
        return np.asarray(self.forest.probabilities(features).argmax(axis=1), np.uint8)

    def draw(self, maps: PixelMaps) -> NDArray[np.uint8]:
        """Numbers of classes (rows, columns) of a block's core, some rows at a time."""
        _, height, width = maps.colours.shape
        step = max(1, _AT_ONCE_BYTES // (4 * width * len(self.forest.mean)))
        found = np.empty((height, width), np.uint8)
        for top in range(0, height, step):
            rows, cols = np.indices((min(step, height - top), width))
            found[top : top + step] = self.choose(maps.at(rows.ravel() + top, cols.ravel())).reshape(rows.shape)
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept of it."""
        return self.forest.to_arrays()


Probe = LinearProbe | ForestProbe


def fit_pixel_probe(
    kind: ProbeKind,
    features: NDArray[np.float32],
    truth: NDArray[np.integer[Any]],
    classes: Sequence[str],
    weights: NDArray[np.floating[Any]],
    seed: int,
) -> Probe:
    """Fit on features (n, f) of pixels of the classes `truth` (n,), each of which stands for `weights` (n,) pixels.

    Raises EmptyError where there are none, OptionError where features or classes are too many.
    """
    if len(classes) > MOST_CLASSES:
        raise OptionError(
            f"a probe tells {MOST_CLASSES} classes at the most, got {len(classes)}; merge some (--scheme)"
        )
    heads = (Head("class", "softmax", tuple(classes)),)
    wanted = (truth[:, None] == np.arange(len(classes))).astype(np.float32)
    if kind == "forest":
        return ForestProbe(fit_baseline("rf", features, wanted, heads, seed, weights, trees=_TREES))
    return _linear(fit_baseline("logistic", features, wanted, heads, seed, weights))


def _linear(fitted: Baseline) -> LinearProbe:
    """The standardisation of the features becomes part of the weights, so that maps may be interpolated afterwards."""
    classes = len(fitted.constant)
    weight = np.zeros((len(fitted.mean), classes), np.float32)
    bias = np.where(fitted.constant == DECIDED, 0, np.where(fitted.constant > 0, fitted.constant, _NEVER))
    if isinstance(fitted.machine, Layers):
        open_ = fitted.constant == DECIDED
        slopes = fitted.machine.weights[0] * fitted.factor[:, None]
        weight[:, open_] = slopes
        bias[open_] = fitted.machine.biases[0] - fitted.mean @ slopes
    return LinearProbe(weight, bias.astype(np.float32))


def restore_probe(kind: ProbeKind, arrays: Mapping[str, NDArray[Any]], classes: Sequence[str], features: int) -> Probe:
    """The probe that `to_arrays` made. Raises ModelError where its arrays do not fit each other."""
    if len(classes) > MOST_CLASSES:
        raise ModelError(f"{len(classes)} classes, and a probe has {MOST_CLASSES} at the most; the file is damaged")
    if kind == "forest":
        return ForestProbe(from_arrays("rf", (Head("class", "softmax", tuple(classes)),), arrays))
    return LinearProbe(
        take(arrays, "weight", np.float32, features, len(classes)), take(arrays, "bias", np.float32, len(classes))
    )
