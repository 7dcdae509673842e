"""The ways to explain, behind one function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.errors import OptionError
from geolabel.learn.explain.gradients import grad_cam, integrated_gradients, network_behind
from geolabel.learn.explain.library import check_installed
from geolabel.learn.explain.odds import Odds, uncalibrated
from geolabel.learn.explain.perturbation import lime, occlusion
from geolabel.learn.explain.removal import Removal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor

Method = Literal["lime", "grad-cam", "occlusion", "integrated-gradients"]
METHODS: tuple[Method, ...] = get_args(Method)
_WINDOWS = 8
"""Occlusion: along the tile's smaller side."""
_PIECES = 60
"""LIME: superpixels, about."""
_STEPS = 32
"""Integrated gradients: on the way from the removed tile to the tile."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How thoroughly is asked."""

    samples: int = 400
    """LIME: tiles with superpixels removed."""
    seed: int = 0
    """LIME draws by it."""

    def __post_init__(self) -> None:
        if self.samples < 2:  # noqa: PLR2004 - one says nothing of what a piece adds
            raise OptionError(f"--samples must be 2 or more, got {self.samples}")


def explain(
    predictor: Predictor,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    classes: Sequence[int],
    method: Method,
    settings: Settings,
) -> NDArray[np.float32]:
    """How much each pixel speaks for each of `classes`: relevance (classes, h, w), negative where it speaks against.

    `pixels` (bands, h, w) are stored values, `valid` (h, w); 0 where not valid. What is explained are log-odds (see
    `odds`), without calibration. LIME: what its superpixel adds; occlusion: what the windows over it add; integrated
    gradients: its own part of the sum; Grad-CAM: larger or smaller only. The same input and seed give the same
    relevance. Raises ModelError where the method cannot explain such a model, InstallError (no captum).
    """
    check_installed()
    plain = uncalibrated(predictor)
    removal = Removal.of(plain.card, pixels, valid)
    network = network_behind(plain, method) if method in ("grad-cam", "integrated-gradients") else None
    if not valid.any() or not classes:
        return np.zeros((len(classes), *valid.shape), np.float32)
    if network is not None and method == "grad-cam":
        found = grad_cam(network, removal, classes)
    elif network is not None:
        found = integrated_gradients(network, removal, classes, steps=_STEPS)
    elif method == "occlusion":
        found = occlusion(Odds(plain), removal, classes, window=max(1, min(valid.shape) // _WINDOWS))
    else:
        found = lime(Odds(plain), removal, classes, samples=settings.samples, pieces=_PIECES, seed=settings.seed)
    return np.where(valid, found, np.float32(0))
