"""Heads: which classes exclude each other, and what logits mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from geolabel.errors import OptionError
from geolabel.model import Head, slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme
    from geolabel.learn.recipe import HeadChoice

_ROUNDING = 1e-4
"""Of shares that should sum to 1."""


def choose_heads(scheme: Scheme, choice: HeadChoice) -> tuple[Head, ...]:
    """Heads for the classes of a scheme: its groups exclude each other (softmax), the others are independent."""
    if choice == "sigmoid":
        return (Head("classes", "sigmoid", scheme.names),)
    if choice == "softmax":
        if len(scheme.names) < 2:  # noqa: PLR2004 - a choice
            raise OptionError(f"--heads softmax chooses one of several classes; there is only {scheme.names[0]!r}")
        return (Head("classes", "softmax", scheme.names),)
    groups: dict[str, list[str]] = {}
    for found in scheme.classes:
        groups.setdefault(found.group, []).append(found.name)
    return tuple(
        Head(group or "classes", "softmax" if group and len(names) > 1 else "sigmoid", tuple(names))
        for group, names in groups.items()
    )


def probabilities(logits: torch.Tensor, heads: Sequence[Head]) -> torch.Tensor:
    """Probabilities (n, classes) of logits (n, classes); what has no heads, an embedder, answers with what it says."""
    if not heads:
        return logits
    parts = [
        logits[:, columns].softmax(dim=1) if head.kind == "softmax" else logits[:, columns].sigmoid()
        for head, columns in slices(heads)
    ]
    return torch.cat(parts, dim=1)


def targets(shares: NDArray[np.float32], heads: Sequence[Head], presence: Mapping[str, float]) -> NDArray[np.float32]:
    """What is to be learned from shares (n, classes): 1 present, 0 absent, NaN unknown.

    sigmoid: a class is present from its share in `presence` on. softmax: the class of the largest share; unknown where
    it has less than that, or less than the rest of the tile, which is none of the classes or not known.
    """
    wanted = np.full(shares.shape, np.nan, dtype=np.float32)
    for head, columns in slices(heads):
        part = shares[:, columns]
        if head.kind == "sigmoid":
            cuts = np.array([presence[name] for name in head.classes])
            wanted[:, columns] = np.where(np.isnan(part), np.nan, part >= cuts)
            continue
        filled = np.where(np.isnan(part), 0.0, part)
        winner, largest = filled.argmax(axis=1), filled.max(axis=1)
        cut = np.array([presence[name] for name in head.classes])[winner]
        rest = 1 - filled.sum(axis=1)
        clear = (largest > 0) & (largest >= cut) & (largest >= rest - _ROUNDING)
        chosen = np.eye(part.shape[1], dtype=np.float32)[winner]
        wanted[:, columns] = np.where(clear[:, None], chosen, np.nan)
    return wanted


def share_targets(shares: NDArray[np.float32], heads: Sequence[Head]) -> NDArray[np.float32]:
    """Shares as what is to be learned: (n, classes), NaN unknown.

    sigmoid: the share itself. softmax: the part of each class in what is known of the group; unknown where that is
    less than half of the tile.
    """
    wanted = shares.astype(np.float32, copy=True)
    for head, columns in slices(heads):
        if head.kind == "softmax":
            filled = np.nan_to_num(shares[:, columns])
            total = filled.sum(axis=1, keepdims=True)
            wanted[:, columns] = np.where(total >= 0.5, filled / np.maximum(total, _ROUNDING), np.nan)  # noqa: PLR2004
    return wanted
