"""Unknown labels filled by what a model that has not seen the tile is sure of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.model import slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.model import Head


def fill(
    truth: NDArray[np.float32], probabilities: NDArray[np.float32], heads: Sequence[Head], cut: float
) -> NDArray[np.float32]:
    """Labels (n, classes) with NaN replaced where the out-of-fold probability is at least `cut`, or at most 1 − `cut`.

    Of exclusive classes the likeliest is filled, where it reaches `cut`, and the others with it. Known labels stay.
    NaN probabilities fill nothing. Source: self-training as in arXiv 1911.04252, with teachers of other folds.
    """
    sure = np.where(probabilities >= cut, 1.0, np.where(probabilities <= 1 - cut, 0.0, np.nan))
    for head, columns in slices(heads):
        if head.kind == "softmax":
            part = np.nan_to_num(probabilities[:, columns])
            winner = np.eye(part.shape[1])[part.argmax(axis=1)]
            sure[:, columns] = np.where(part.max(axis=1, keepdims=True) >= cut, winner, np.nan)
    return np.where(np.isnan(truth), sure, truth).astype(np.float32)
