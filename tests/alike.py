"""How two model files differ, in words short enough to be read in a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, provenance
from geolabel.model import read_model

if TYPE_CHECKING:
    from pathlib import Path


def differences(one: Path, other: Path) -> list[str]:
    """Entries of the contract that differ, then tensors with their largest difference; none for the same bytes."""
    if one.read_bytes() == other.read_bytes():
        return []
    (card, weights), (its_card, its_weights) = read_model(one), read_model(other)
    told, its = files.to_json(card), files.to_json(its_card)
    found = [f"{key}: {told[key]!s:.300} | {its[key]!s:.300}" for key in told if told[key] != its[key]]
    made, its_made = (provenance.read_made(path) or {} for path in (one, other))
    found += [
        f"made: {key}: {made.get(key)!s:.300} | {its_made.get(key)!s:.300}"
        for key in sorted(made.keys() | its_made.keys())
        if made.get(key) != its_made.get(key)
    ]
    found += [f"only in one: {name}" for name in sorted(weights.keys() ^ its_weights.keys())]
    for name in sorted(weights.keys() & its_weights.keys()):
        first, second = weights[name], its_weights[name]
        if first.shape != second.shape:
            found.append(f"{name}: {first.shape} | {second.shape}")
        elif not np.array_equal(first, second, equal_nan=True):
            found.append(f"{name}: by up to {float(np.abs(first.astype(float) - second.astype(float)).max()):.3g}")
    return [*found[:12], *([f"and {len(found) - 12} more"] if len(found) > 12 else [])] or ["the order of the bytes"]
