"""Linear discriminant analysis: the directions that tell classes apart, and an honest word on how well they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError
from geolabel.exploration.principal import principal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

_FEWEST = 2
"""Classes, or tiles of a class that are parted in halves."""
_CONSTANT = 1e-9
_SURE = 2.0
"""Standard errors above chance from which tiles that took no part count as told apart."""


@dataclass(frozen=True, slots=True)
class Discriminant:
    """Directions found on some tiles; all vectors can be laid along them."""

    middle: Vectors
    """(f,)."""
    scale: Vectors
    """(f,): standard deviation of each feature; infinite for one that never changes."""
    axes: Vectors
    """(f, d), d ≤ classes − 1: along each, a class's own spread is about 1; the best separating first."""
    means: Vectors
    """(classes, d): where each class lies."""
    classes: NDArray[np.int64]
    """(classes,): which they are."""

    def along(self, vectors: NDArray[Any]) -> Vectors:
        """Vectors (n, f) along the axes: (n, d)."""
        return ((vectors - self.middle) / self.scale) @ self.axes

    def classify(self, vectors: NDArray[Any]) -> NDArray[np.int64]:
        """The class whose mean is nearest, all taken for equally frequent: (n,)."""
        points = self.along(vectors)
        squared = [np.square(points - mean).sum(axis=1) for mean in self.means]
        return np.asarray(self.classes[np.argmin(squared, axis=0)])


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How well classes are told apart on tiles that had no part in finding the directions."""

    balanced_accuracy: float
    """Mean over the classes of the share that is recognised, 0–1; NaN where nothing could be held out."""
    error: float
    """Its standard error."""
    chance: float
    """What guessing gives: 1 / classes."""
    tiles: int
    by_part: bool
    """The tiles are of other parts than those that may fit; else each half was judged by the other."""

    def told(self) -> str:
        """A clause for people."""
        if not self.tiles:
            return "too few tiles to hold any out, so how well it separates is not known"
        how = "tiles of other parts" if self.by_part else "each half judged by the other, neighbours not kept apart"
        verdict = "" if self.balanced_accuracy > self.chance + _SURE * self.error else "; what looks apart is noise"
        return (
            f"balanced accuracy {self.balanced_accuracy:.2f} on {self.tiles:,} held-out tiles ({how}; "
            f"chance {self.chance:.2f}){verdict}"
        )


def discriminant(vectors: NDArray[Any], labels: NDArray[np.integer[Any]]) -> Discriminant:
    """Fit on vectors (n, f) of labels (n,), all known.

    The spread within classes is shrunk to a ball (Ledoit and Wolf 2004) as much as the number of tiles asks for: so
    there may be more features than tiles. Raises OptionError for fewer than two classes.
    """
    from sklearn.covariance import ledoit_wolf

    classes, member = np.unique(labels, return_inverse=True)
    if len(classes) < _FEWEST:
        raise OptionError(
            "LDA tells classes apart and needs tiles of two or more; label some, or use pca, umap or tsne"
        )
    values = vectors.astype(np.float64)
    middle, spread = values.mean(axis=0), values.std(axis=0)
    scale = np.where(spread > _CONSTANT * np.maximum(np.abs(middle), 1), spread, np.inf)
    values = (values - middle) / scale
    counts = np.bincount(member)
    sums = np.zeros((len(classes), values.shape[1]))
    np.add.at(sums, member, values)
    means = sums / counts[:, None]
    within, _ = ledoit_wolf(values - means[member], assume_centered=True)
    size, turn = np.linalg.eigh(within)
    whiten = turn / np.sqrt(np.maximum(size, _CONSTANT))
    # equal weights: a rare class is as good a reason for a direction as a common one
    between = (means - means.mean(axis=0)) @ whiten
    _, strength, axes = np.linalg.svd(between, full_matrices=False)
    real = strength[: len(classes) - 1] > _CONSTANT * max(1.0, strength[0])
    found = whiten @ axes[: len(classes) - 1][real].T
    found *= np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    return Discriminant(middle, scale, found, means @ found, classes)


def remaining(fitted: Discriminant, vectors: NDArray[Any], count: int) -> Vectors:
    """Principal components (n, count) of what vectors (n, f) hold that the axes do not; the first has a spread of 1."""
    values = (vectors - fitted.middle) / fitted.scale
    along = np.column_stack([np.ones(len(values)), fitted.along(vectors)])
    left = principal(values - along @ np.linalg.lstsq(along, values)[0], count).points
    spread = float(left[:, 0].std()) if count else 0.0
    return left / spread if spread else left


def held_out(
    vectors: NDArray[Any], labels: NDArray[np.int64], parts: NDArray[np.integer[Any]] | None, *, seed: int
) -> HeldOut:
    """Judge vectors (n, f) of labels (n,), all known: the later parts by the first, or else each half by the other.

    `parts` (n,) are 0 for tiles that train, more for those held out, and −1 for those that are neither, as those of a
    buffer, which lie too near to judge. Halves are drawn by `seed`, class by class; a class with one tile is left out.
    """
    given = np.zeros(len(labels), np.int64) if parts is None else parts
    train, others = given == 0, given > 0
    by_part = bool(others.any()) and len(np.unique(labels[train])) >= _FEWEST
    if by_part:
        judged = np.isin(labels, labels[train]) & others
        told = np.full(len(labels), -1)
        if judged.any():
            told[judged] = discriminant(vectors[train], labels[train]).classify(vectors[judged])
        classes = len(np.unique(labels[train]))
    else:
        told, classes = _by_halves(vectors, labels, seed)
        judged = told >= 0
    names = np.unique(labels[judged])
    right = [float((told == labels)[judged & (labels == name)].mean()) for name in names]
    counts = [int((judged & (labels == name)).sum()) for name in names]
    score = float(np.mean(right)) if right else float("nan")
    chance = 1 / classes if classes else float("nan")
    error = float(np.sqrt(sum(chance * (1 - chance) / count for count in counts)) / max(1, len(counts)))
    return HeldOut(score, error, chance, int(judged.sum()), by_part)


def _by_halves(vectors: NDArray[Any], labels: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], int]:
    """What each tile (n,) is told to be by the other half, −1 where by none; how many classes take part."""
    told = np.full(len(labels), -1)
    names, count = np.unique(labels, return_counts=True)
    names = names[count >= _FEWEST]
    if len(names) < _FEWEST:
        return told, 0
    rng = np.random.default_rng(seed)
    half = np.full(len(labels), -1)
    for name in names:
        members = rng.permutation(np.flatnonzero(labels == name))
        half[members] = np.arange(len(members)) % 2
    for side in (0, 1):
        fitted = discriminant(vectors[half == 1 - side], labels[half == 1 - side])
        told[half == side] = fitted.classify(vectors[half == side])
    return told, len(names)
