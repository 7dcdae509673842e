"""What every trained model can do, whatever it is made of: chips in, probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geolabel.errors import ModelError
from geolabel.scoring.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.model import ModelCard

_AT_ONCE_BYTES = 64 << 20


class Predictor(Protocol):
    """A model with its contract, ready to answer."""

    @property
    def card(self) -> ModelCard:
        """The contract."""

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""

    def with_card(self, card: ModelCard) -> Predictor:
        """The same model under a changed contract: another scale, thresholds, calibration."""

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """What the model file holds beside the contract."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A predictor whose probabilities are made true by what its card says."""

    inner: Predictor
    calibration: Calibration

    @property
    def card(self) -> ModelCard:
        """The contract."""
        return self.inner.card

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Calibrated probabilities (n, classes)."""
        found: NDArray[np.float32] = self.calibration.apply(self.inner(pixels, valid))
        return found

    def with_card(self, card: ModelCard) -> Predictor:
        """The same under a changed contract."""
        return calibrated(self.inner.with_card(card))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Those of the predictor within."""
        return self.inner.weights()


def calibrated(predictor: Predictor) -> Predictor:
    """The predictor with the calibration that its card names. Raises ModelError where that is damaged."""
    told = predictor.card.calibration
    if told is None:
        return predictor
    try:
        return Calibrated(predictor, Calibration.from_json(told))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the model's calibration is damaged ({error}); train or copy the model again") from error


def predict_chips(predictor: Predictor, chips: Chips, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Probabilities (n, classes) of the chips `rows` (n,), some at a time."""
    step = max(1, _AT_ONCE_BYTES // max(1, chips.pixels[:1].nbytes))
    parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    found = [predictor(np.asarray(chips.pixels[part]), np.asarray(chips.valid[part])) for part in parts]
    return np.concatenate(found) if found else np.zeros((0, predictor.card.outputs), np.float32)
