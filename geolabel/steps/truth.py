"""What the labels of tiles say of a model's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.learn.heads import targets
from geolabel.steps.task import PRESENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.model import ModelCard
    from geolabel.tiling.index import TileIndex


def truth_of(card: ModelCard, index: TileIndex) -> NDArray[np.float32]:
    """What is present in each tile, as `evaluate` judges it: (n, classes), 1 or 0; NaN where it is unknown.

    Classes that the index has no labels of are unknown.
    """
    unknown = np.full(len(index), np.nan, np.float32)
    shares = [index.share(name) if name in index.class_names else unknown for name in card.classes]
    presence = dict.fromkeys(card.classes, PRESENCE) | dict(card.presence)
    return targets(np.column_stack(shares), card.heads, presence)
