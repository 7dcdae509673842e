"""The cluster index: which cluster each training tile lies in, and how well the network does on each cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import EmptyError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILES_A_CLUSTER = 4
"""Tiles that each cluster of a class has at the least, on average: with fewer, a batch shows the same again."""
_MOST_AT_ONCE = 20_000
"""Tiles of a class from which on k-means sees them in batches."""
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class ClusterIndex:
    """Clusters of n tiles, in the vectors of one state of the network; tiles without a label lie in none."""

    centres: NDArray[np.float32]
    """(clusters, d): means of the tiles of each cluster."""
    classes: NDArray[np.int64]
    """(clusters,): class of each cluster, or its place."""
    assigned: NDArray[np.int64]
    """(n,): cluster of each tile, -1 none."""
    variance: float
    """σ²: Σ‖r−μ‖² / (tiles − 1), of all tiles around the centres of their clusters."""
    losses: NDArray[np.float64]
    """(clusters,): mean of the latest losses of a cluster's tiles; NaN where none was in a batch yet."""
    latest: NDArray[np.float32]
    """(n,): loss of each tile when it was last in a batch, NaN where it never was."""
    order: NDArray[np.int64]
    """(tiles in clusters,): tiles of cluster 0, then those of cluster 1, and so on."""
    starts: NDArray[np.int64]
    """(clusters + 1,): where in `order` the tiles of each cluster begin, and where the last ones end."""

    def tiles_of(self, cluster: int) -> NDArray[np.int64]:
        """Tiles of a cluster, ascending."""
        return self.order[self.starts[cluster] : self.starts[cluster + 1]]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What classifies by this index, to be kept in a model: `scoring.cluster_vote.cluster_vote(…, **arrays)`."""
        return {"centres": self.centres, "classes": self.classes, "variance": np.array(self.variance)}


def build_index(
    vectors: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]], clusters_per_class: int, seed: int
) -> ClusterIndex:
    """Cluster the vectors (n, d) of each class by k-means++; `labels` (n,) are classes, -1 where unknown.

    Classes of few tiles get fewer clusters. Raises EmptyError where labels name fewer than two classes.
    """
    if clusters_per_class < 1:
        raise OptionError(f"clusters per class must be at least 1, got {clusters_per_class}")
    known = np.unique(labels[labels >= 0])
    if len(known) < 2:  # noqa: PLR2004
        raise EmptyError(
            f"MagNet pushes clusters of different classes apart, and the training tiles have {len(known)} of them; "
            "label tiles of at least two classes"
        )
    assigned = np.full(len(labels), -1, dtype=np.int64)
    classes: list[NDArray[np.int64]] = []
    for label in known:
        tiles = np.flatnonzero(labels == label)
        count = int(np.clip(len(tiles) // _TILES_A_CLUSTER, 1, clusters_per_class))
        # numbers of the clusters that are not empty, without gaps
        found, cluster = np.unique(_k_means(vectors[tiles], count, seed), return_inverse=True)
        assigned[tiles] = cluster + sum(map(len, classes))
        classes.append(np.full(len(found), label, dtype=np.int64))
    return _indexed(vectors, assigned, np.concatenate(classes))


def place_index(vectors: NDArray[np.floating[Any]], places: NDArray[np.integer[Any]]) -> ClusterIndex:
    """The unsupervised form: each place is a cluster of its own class; `places` (n,) are numbers, -1 none.

    Clusters are in the order of their places, and `classes` are these. Raises EmptyError where there are fewer than
    two places.
    """
    found, cluster = np.unique(places[places >= 0], return_inverse=True)
    if len(found) < 2:  # noqa: PLR2004
        raise EmptyError(f"MagNet pushes places apart, and there are {len(found)}; draw tiles at two places at least")
    assigned = np.full(len(places), -1, dtype=np.int64)
    assigned[places >= 0] = cluster
    return _indexed(vectors, assigned, found.astype(np.int64))


def with_losses(
    index: ClusterIndex, tiles: NDArray[np.integer[Any]], losses: NDArray[np.floating[Any]]
) -> ClusterIndex:
    """The index after a batch: `losses` (m,) of `tiles` (m,) replace those known, and clusters have new means.

    Of a tile that is there several times, the last loss counts. With all tiles seen so far it also carries losses
    over to an index that was built anew.
    """
    latest = index.latest.copy()
    latest[tiles] = losses
    seen = np.flatnonzero((index.assigned >= 0) & np.isfinite(latest))
    cluster, count = index.assigned[seen], len(index.centres)
    sums, counts = np.bincount(cluster, latest[seen], minlength=count), np.bincount(cluster, minlength=count)
    means = np.divide(sums, counts, out=np.full(count, np.nan), where=counts > 0)
    return replace(index, latest=latest, losses=means)


def _k_means(vectors: NDArray[np.floating[Any]], count: int, seed: int) -> NDArray[np.int64]:
    """Cluster of each of the vectors (n, d), of `count` at the most."""
    if count == 1:
        return np.zeros(len(vectors), dtype=np.int64)
    import warnings

    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    means = (
        MiniBatchKMeans(count, batch_size=_BATCH, n_init=1, random_state=seed)
        if len(vectors) > _MOST_AT_ONCE
        else KMeans(count, n_init=1, random_state=seed)
    )
    with warnings.catch_warnings():
        # fewer different vectors than clusters, as of a network that has collapsed: then there are fewer clusters
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(means.fit_predict(vectors), dtype=np.int64)


def _indexed(
    vectors: NDArray[np.floating[Any]], assigned: NDArray[np.int64], classes: NDArray[np.int64]
) -> ClusterIndex:
    """The index of tiles whose clusters are known, none of them empty, and no losses yet."""
    order = np.argsort(assigned, kind="stable")
    order = order[np.count_nonzero(assigned < 0) :]
    sizes = np.bincount(assigned[order], minlength=len(classes))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    members = vectors[order].astype(np.float64)
    centres = np.add.reduceat(members, starts[:-1]) / sizes[:, None]
    members -= np.repeat(centres, sizes, axis=0)
    return ClusterIndex(
        centres=centres.astype(np.float32),
        classes=classes,
        assigned=assigned,
        variance=float(np.square(members).sum() / (len(order) - 1)),
        losses=np.full(len(classes), np.nan),
        latest=np.full(len(assigned), np.nan, dtype=np.float32),
        order=order,
        starts=starts,
    )
