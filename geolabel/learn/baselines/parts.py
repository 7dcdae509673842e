"""What a baseline has to tell apart: presence class by class, and one of several within an exclusive group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.model import Head

DECIDED = -1.0
"""In place of a constant probability: the classifier decides."""
_PRESENT = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """One question with its known answers."""

    width: int
    """Outputs: 1 where a class is present or absent, otherwise the number of classes of which one is there."""
    label: NDArray[np.int64]
    """(n,): 0 absent, 1 present; or which of the classes; −1 unknown."""

    @property
    def answers(self) -> int:
        """Different labels; each is there at least once."""
        return max(self.width, 2)

    def rows(self) -> NDArray[np.int64]:
        """Rows where the label is known."""
        return np.flatnonzero(self.label >= 0)


def columns(heads: Sequence[Head]) -> Iterator[tuple[bool, slice]]:
    """Each question's columns among the classes, and whether it is one of several."""
    at = 0
    for head in heads:
        exclusive = head.kind == "softmax"
        width = len(head.classes) if exclusive else 1
        for start in range(at, at + len(head.classes), width):
            yield exclusive, slice(start, start + width)
        at += len(head.classes)


def widths(heads: Sequence[Head], constant: NDArray[np.float32]) -> tuple[int, ...]:
    """The outputs of each question that `constant` (classes,) leaves to the classifier."""
    open_ = [int((constant[part] == DECIDED).sum()) for _, part in columns(heads)]
    return tuple(width for width in open_ if width)


def questions(targets: NDArray[np.floating], heads: Sequence[Head]) -> tuple[NDArray[np.float32], list[Part]]:
    """Constant probabilities (classes,) and open questions of targets (n, classes), NaN unknown.

    A class that is always there or always missing, as far as is known, has the probability of Laplace's rule of
    succession, (present + 1) / (known + 2); one that is missing from a group of which others are there, 0.
    """
    constant = np.full(targets.shape[1], DECIDED, np.float32)
    parts = []
    for exclusive, span in columns(heads):
        wanted = targets[:, span]
        known = np.isfinite(wanted).all(axis=1)
        if exclusive:
            known &= np.nan_to_num(wanted).max(axis=1) > 0
            label = np.where(known, np.nan_to_num(wanted).argmax(axis=1), -1)
        else:
            label = np.where(known, wanted[:, 0] >= _PRESENT, -1).astype(np.int64)
        counts = np.bincount(label[known], minlength=max(wanted.shape[1], 2))
        present = np.flatnonzero(counts)
        if len(present) < 2:  # noqa: PLR2004 - nothing to choose from
            expected = (counts + 1) / (counts.sum() + len(counts))
            constant[span] = expected[: wanted.shape[1]] if exclusive else expected[1:]
            if exclusive and wanted.shape[1] == 1:
                constant[span] = 1
            continue
        if exclusive:
            constant[span] = np.where(counts[: wanted.shape[1]] > 0, DECIDED, 0)
            label = np.where(known, np.searchsorted(present, label), -1)
        parts.append(Part(len(present) if exclusive else 1, label))
    return constant, parts


def balanced(
    labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (n,) under which all labels weigh the same, and the factors (labels,) that make them so."""
    sums = np.bincount(labels, weights)
    factors = sums.sum() / (len(sums) * sums)
    return weights * factors[labels], factors


def linked(scores: NDArray[np.floating], shape: Sequence[int]) -> NDArray[np.float32]:
    """Probabilities of log-odds (n, outputs): sigmoid where a question has one output, softmax where it has several."""
    found = np.empty(scores.shape, np.float32)
    at = 0
    for width in shape:
        part = scores[:, at : at + width]
        if width == 1:
            found[:, at : at + 1] = 0.5 * (1 + np.tanh(0.5 * part))
        else:
            raised = np.exp(part - part.max(axis=1, keepdims=True))
            found[:, at : at + width] = raised / raised.sum(axis=1, keepdims=True)
        at += width
    return found
