"""What is learned from: tiles' pixels, their labels, and which of them train and validate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.model import Head


@dataclass(frozen=True, slots=True)
class Lesson:
    """Chips with what is known of them."""

    chips: Chips
    targets: NDArray[np.float32]
    """(n, classes): what the network is to answer, presence (1, 0) or shares; NaN unknown."""
    truth: NDArray[np.float32]
    """(n, classes): presence, 1 or 0, NaN unknown, by which it is judged."""
    weights: NDArray[np.float32]
    """(n,): how much each tile counts; 1 on average."""
    train: NDArray[np.int64]
    val: NDArray[np.int64]
    heads: tuple[Head, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Classes, in the order of the outputs."""
        return tuple(name for head in self.heads for name in head.classes)
