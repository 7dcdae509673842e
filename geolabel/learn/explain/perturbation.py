"""Explanations by removing parts of a tile: they work with whatever answers.

captum is given not the tile but a map of what is present, ones and zeros (1, 1, h, w): so a removed pixel is removed in
all bands at once, and is what `removal` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.learn.explain.library import load_captum
from geolabel.learn.explain.superpixels import superpixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.explain.odds import Odds
    from geolabel.learn.explain.removal import Removal

_AT_ONCE_BYTES = 64 << 20
"""Of chips that are made before the predictor is asked."""
_RIDGE = 0.01
"""Weight of LIME's penalty: coefficients shrink by less than a thousandth, and are defined where samples are few."""
_KERNEL_WIDTH = 0.25
"""Of cosine distance from the whole tile, as LIME's authors set it for pictures."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Log-odds of a tile with parts removed; what was asked for one class is not asked again for another."""

    odds: Odds
    removal: Removal
    known: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)
    """Log-odds (classes,) by what is present."""

    def __call__(self, present: torch.Tensor) -> torch.Tensor:
        """Log-odds (n, classes) of maps of what is present (n, 1, h, w)."""
        kept = present[:, 0].numpy() > 0
        keys = [row.tobytes() for row in np.packbits(kept.reshape(len(kept), -1), axis=1)]
        new = {key: at for at, key in enumerate(keys) if key not in self.known}
        if new:
            rows = list(new.values())
            found = self.odds(*self.removal.without(self.removal.valid & ~kept[rows]))
            self.known.update(zip(new, found, strict=True))
        return torch.from_numpy(np.stack([self.known[key] for key in keys]))

    @property
    def at_once(self) -> int:
        """Maps a call."""
        return max(1, _AT_ONCE_BYTES // self.removal.pixels.nbytes)

    @property
    def present(self) -> torch.Tensor:
        """The map of the whole tile."""
        return torch.from_numpy(self.removal.valid.astype(np.float32))[None, None]


def lime(
    odds: Odds, removal: Removal, classes: Sequence[int], *, samples: int, pieces: int, seed: int
) -> NDArray[np.float32]:
    """What each superpixel adds to the log-odds, in a linear model of tiles with some removed: (classes, h, w).

    Each of `samples` tiles keeps each of about `pieces` superpixels with probability ½; those that keep more count
    more. Source: Ribeiro, Singh and Guestrin 2016, arXiv 1602.04938.
    """
    from captum._utils.models.linear_model import SkLearnRidge

    captum = load_captum()
    answers = Answers(odds, removal)
    regions = np.maximum(superpixels(odds.predictor.card, removal.pixels, removal.valid, pieces), 0)
    found = []
    for index in classes:
        way = captum.Lime(
            answers,
            interpretable_model=SkLearnRidge(alpha=_RIDGE),
            similarity_func=captum._core.lime.get_exp_kernel_similarity_function("cosine", _KERNEL_WIDTH),  # noqa: SLF001
        )
        # it draws by torch's own generator: the same samples for each class
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            told = way.attribute(
                answers.present,
                target=index,
                feature_mask=torch.from_numpy(regions)[None, None],
                n_samples=samples,
                perturbations_per_eval=answers.at_once,
            )
        found.append(told[0, 0].numpy())
    return np.stack(found).astype(np.float32)


def occlusion(odds: Odds, removal: Removal, classes: Sequence[int], *, window: int) -> NDArray[np.float32]:
    """How far the log-odds fall where a window of `window` px is removed: (classes, h, w).

    Windows lie half of one apart; a pixel has the mean of those that cover it. Source: Zeiler and Fergus 2014, arXiv
    1311.2901.
    """
    answers = Answers(odds, removal)
    way = load_captum().Occlusion(answers)
    found = [
        way.attribute(
            answers.present,
            sliding_window_shapes=(1, window, window),
            strides=(1, (window + 1) // 2, (window + 1) // 2),
            target=index,
            perturbations_per_eval=answers.at_once,
        )
        for index in classes
    ]
    return np.stack([told[0, 0].numpy() for told in found]).astype(np.float32)
