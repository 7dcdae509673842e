"""What is explained: the log-odds of a class, log p − log(1 − p).

For a sigmoid that is its logit. For a softmax it is the class's logit less the logsumexp of the others', which is the
same quantity: a logit of a softmax by itself says nothing, as a number that is added to all of them changes no
probability, and what raises all of them would seem to speak for each. Calibration is taken off: it is monotone, so it
says nothing of where, and where it is flat it would hide what the model sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import logit

from geolabel.learn.forward import Classifier, batch_of
from geolabel.learn.predictor import Calibrated
from geolabel.learn.transforms import to_tensor
from geolabel.model import slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.model import Head

_LEAST = 1e-4
"""Nearer to 0 or 1 a probability is not believed where no logit is at hand: a forest that says 0 has asked some
hundred trees."""


@dataclass(frozen=True, slots=True)
class Odds:
    """A predictor that answers with log-odds."""

    predictor: Predictor

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Log-odds (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so.

        Of networks exactly, however sure they are; of others by their probabilities, within ±9.2.
        """
        if isinstance(self.predictor, Classifier):
            return _of_network(self.predictor, pixels, valid)
        return np.asarray(logit(np.clip(self.predictor(pixels, valid), _LEAST, 1 - _LEAST)), np.float32)


def uncalibrated(predictor: Predictor) -> Predictor:
    """The predictor without what makes its probabilities true."""
    return predictor.inner if isinstance(predictor, Calibrated) else predictor


def log_odds(logits: torch.Tensor, heads: Sequence[Head]) -> torch.Tensor:
    """(n, classes) of logits (n, classes)."""
    parts = []
    for head, columns in slices(heads):
        part = logits[:, columns]
        if head.kind == "softmax":
            own = torch.eye(part.shape[1], dtype=torch.bool, device=part.device)
            part = part - part[:, None].masked_fill(own, -torch.inf).logsumexp(dim=2)
        parts.append(part)
    return torch.cat(parts, dim=1)


@torch.inference_mode()
def _of_network(classifier: Classifier, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    step = classifier.batch or batch_of(classifier.device, *pixels.shape[-2:])
    parts = [
        log_odds(classifier.network(normalised(classifier, pixels[span], valid[span])), classifier.card.heads)
        for span in (slice(start, start + step) for start in range(0, len(pixels), step))
    ]
    found: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
    return found


def normalised(classifier: Classifier, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> torch.Tensor:
    """What a network is given of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""
    chips = classifier.normalise(to_tensor(pixels, classifier.device), to_tensor(valid, classifier.device))
    found: torch.Tensor = chips.contiguous(memory_format=torch.channels_last)
    return found
