"""Test-time augmentation: a tile is answered for as it lies, and turned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geolabel.errors import OptionError
from geolabel.learn.predictor import Calibrated
from geolabel.model import slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.model import Head, ModelCard

Turns = Literal["none", "flips", "all"]
_LEAST = 1e-7
"""Nearer to 0 or 1 a probability is not believed: its logit would outweigh all others."""


@dataclass(frozen=True, slots=True)
class Symmetry:
    """One of the eight ways to lay a square on itself: transposed first, then flipped."""

    transposed: bool
    upside_down: bool
    mirrored: bool

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels (…, h, w), turned: (…, h, w), or (…, w, h) where transposed."""
        seen = pixels.swapaxes(-1, -2) if self.transposed else pixels
        seen = seen[..., ::-1, :] if self.upside_down else seen
        return np.ascontiguousarray(seen[..., ::-1] if self.mirrored else seen)


FLIPS = tuple(Symmetry(False, up, left) for up in (False, True) for left in (False, True))
"""Those of a rectangle: as it is, left-right, up-down, both."""
ALL = (*FLIPS, *(replace(one, transposed=True) for one in FLIPS))
"""Those of a square."""


@dataclass(frozen=True, slots=True)
class Turned:
    """A predictor that looks at each tile in several ways; the answer is the mean of its logits."""

    inner: Predictor
    symmetries: tuple[Symmetry, ...]

    @property
    def card(self) -> ModelCard:
        """The contract."""
        return self.inner.card

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so.

        Raises OptionError where tiles that are not square would be transposed.
        """
        height, width = pixels.shape[-2:]
        if height != width and any(one.transposed for one in self.symmetries):
            raise _not_square(width, height)
        total = np.zeros((len(pixels), self.card.outputs))
        for one in self.symmetries:
            total += _logits(self.inner(one.apply(pixels), one.apply(valid)), self.card.heads)
        return _probabilities(total / len(self.symmetries), self.card.heads)

    def with_card(self, card: ModelCard) -> Turned:
        """The same under a changed contract."""
        return replace(self, inner=self.inner.with_card(card))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Those of the predictor within."""
        return self.inner.weights()


def turned(predictor: Predictor, turns: Turns) -> Predictor:
    """A predictor that looks at each tile as it is and flipped, or in all eight ways; `none`: the predictor itself.

    Calibration stays outermost: it was fitted to one answer a tile, and is applied to the mean of several as to one.
    Raises OptionError where tiles that are not square would be turned by 90°.
    """
    if turns == "none":
        return predictor
    if isinstance(predictor, Calibrated):
        return replace(predictor, inner=turned(predictor.inner, turns))
    width, height = predictor.card.tile_px
    if turns == "all" and width != height:
        raise _not_square(width, height)
    return Turned(predictor, FLIPS if turns == "flips" else ALL)


def _not_square(width: int, height: int) -> OptionError:
    return OptionError(f"--tta all turns tiles by 90°, and these are {width} × {height} px; use --tta flips")


def _logits(probabilities: NDArray[np.float32], heads: Sequence[Head]) -> NDArray[np.float64]:
    """Of probabilities (n, classes); those of exclusive classes up to a number that is the same for all of a head."""
    held = np.clip(probabilities.astype(np.float64), _LEAST, 1 - _LEAST)
    found = np.log(held)
    for head, columns in slices(heads):
        if head.kind == "sigmoid":
            found[:, columns] -= np.log1p(-held[:, columns])
    return found


def _probabilities(logits: NDArray[np.float64], heads: Sequence[Head]) -> NDArray[np.float32]:
    """Of logits (n, classes)."""
    found = np.empty(logits.shape, np.float32)
    for head, columns in slices(heads):
        part = logits[:, columns]
        if head.kind == "softmax":
            odds = np.exp(part - part.max(axis=1, keepdims=True))
            found[:, columns] = odds / odds.sum(axis=1, keepdims=True)
        else:
            found[:, columns] = 0.5 * (1 + np.tanh(0.5 * part))
    return found
