"""Decision trees and random forests as arrays, walked by a compiled loop.

Breiman, Random Forests, Machine Learning 45 (2001). scikit-learn grows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.learn.baselines.arrays import damaged, take, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.baselines.parts import Part

_JOBS = 2
_LEAF = -1
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees of all questions. A node's children come after it, so that every walk ends."""

    part: NDArray[np.int32]
    """(trees,): the question that a tree answers."""
    start: NDArray[np.int32]
    """(trees,): its first node, in ascending order."""
    feature: NDArray[np.int16]
    """(nodes,): the feature that is looked at; −1 in a leaf."""
    threshold: NDArray[np.float32]
    """(nodes,): up to it one goes left."""
    left: NDArray[np.int32]
    """(nodes,): the left child; in a leaf, where its probabilities begin."""
    right: NDArray[np.int32]
    """(nodes,)."""
    value: NDArray[np.float32]
    """Probabilities of the leaves: of presence, or of each class of a group."""

    def probabilities(self, features: NDArray[np.float32], widths: Sequence[int]) -> NDArray[np.float32]:
        """(n, outputs): the mean over the trees of a question."""
        from geolabel.learn.baselines.walk import walk  # numba: 55 MB that networks do not need

        first = np.cumsum([0, *widths])[self.part]
        width = np.array(widths)[self.part]
        trees = np.bincount(self.part, minlength=len(widths))
        out = np.zeros((len(features), sum(widths)))
        walk(
            np.ascontiguousarray(features),
            *(self.start, first, width, self.feature, self.threshold, self.left, self.right, self.value, out),
        )
        return (out / np.repeat(trees, widths)).astype(np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the model file holds."""
        return {
            "part": self.part,
            "start": self.start,
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], features: int, widths: Sequence[int]) -> Forest:
        """Raises ModelError where a walk through the trees could leave them, or not end."""
        part = take(arrays, "part", np.int32, None)
        start = take(arrays, "start", np.int32, len(part))
        feature = take(arrays, "feature", np.int16, None)
        nodes = len(feature)
        threshold = take(arrays, "threshold", np.float32, nodes)
        left, right = (take(arrays, name, np.int32, nodes) for name in ("left", "right"))
        value = take(arrays, "value", np.float32, None)
        within(part, 0, len(widths) - 1, "part")
        within(feature, _LEAF, features - 1, "feature")
        within(value, 0, 1 + _ROUNDING, "value")
        if len(np.unique(part)) < len(widths) or start[0] != 0 or (np.diff(start) <= 0).any() or start[-1] >= nodes:
            raise damaged("its trees do not follow each other")
        size = np.diff(start, append=nodes)
        end, width = np.repeat(start + size, size), np.repeat(np.array(widths)[part], size)
        own, leaf = np.arange(nodes), feature == _LEAF
        lost = (np.minimum(left, right) <= own) | (np.maximum(left, right) >= end)
        if lost[~leaf].any() or (leaf & ((left < 0) | (left.astype(np.int64) + width > len(value)))).any():
            raise damaged("a branch leads out of its tree")
        return cls(part, start, feature, threshold, left, right, value)


def fit_forest(
    features: NDArray[np.float32],
    parts: Sequence[Part],
    weights: NDArray[np.float64],
    seed: int,
    *,
    trees: int,
    depth: int | None,
    leaf: int,
) -> Forest:
    """Grow `trees` trees a question, each on rows drawn with replacement; a single one on all rows.

    Classes weigh the same where branches are chosen. The leaves hold the shares of all rows that end in them, drawn or
    not, so that the mean of many trees is near a probability.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    grown = []
    for at, part in enumerate(parts):
        rows = part.rows()
        seen, label, weight = features[rows], part.label[rows], weights[rows]
        shape = {"max_depth": depth, "min_samples_leaf": leaf, "random_state": seed}
        if trees == 1:
            found = [DecisionTreeClassifier(class_weight="balanced", **shape).fit(seen, label, weight).tree_]
        else:
            model = RandomForestClassifier(trees, class_weight="balanced_subsample", n_jobs=_JOBS, **shape)
            found = [estimator.tree_ for estimator in model.fit(seen, label, weight).estimators_]
        grown += [(at, tree, _shares(tree, seen, part, weight)) for tree in found]
    return _joined(grown)


def _shares(tree: Any, features: NDArray[np.float32], part: Part, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares (leaves, outputs) of the labels of the rows in each leaf."""
    place = tree.apply(features) * part.answers + part.label[part.rows()]
    sums = np.bincount(place, weights, tree.node_count * part.answers).reshape(-1, part.answers)
    sums = sums[tree.children_left == _LEAF]
    shares: NDArray[np.float64] = sums / sums.sum(axis=1, keepdims=True)
    return shares[:, -part.width :]


def _joined(grown: Sequence[tuple[int, Any, NDArray[np.float64]]]) -> Forest:
    """The arrays of scikit-learn's trees, one after the other."""
    start = np.cumsum([0, *(tree.node_count for _, tree, _ in grown)])
    begin = np.cumsum([0, *(shares.size for *_, shares in grown)])
    left, right = [], []
    for (_, tree, shares), first, filled in zip(grown, start, begin, strict=False):
        leaf = tree.children_left == _LEAF
        goes_left, goes_right = tree.children_left + first, tree.children_right + first
        goes_left[leaf], goes_right[leaf] = filled + shares.shape[1] * np.arange(leaf.sum()), 0
        left.append(goes_left)
        right.append(goes_right)
    threshold = np.concatenate([tree.threshold for _, tree, _ in grown])
    rounded = threshold.astype(np.float32)
    # never up: features are float32, so they lie on the same side as before
    rounded = np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return Forest(
        part=np.array([part for part, *_ in grown], np.int32),
        start=start[:-1].astype(np.int32),
        feature=np.maximum(np.concatenate([tree.feature for _, tree, _ in grown]), _LEAF).astype(np.int16),
        threshold=rounded.astype(np.float32),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        value=np.concatenate([shares.ravel() for *_, shares in grown]).astype(np.float32),
    )
