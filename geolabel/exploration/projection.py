"""Vectors of many numbers as points on a plane or in space, so that one sees which tiles are alike."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from geolabel.errors import EmptyError, InputError, OptionError
from geolabel.exploration.discriminant import discriminant, held_out, remaining
from geolabel.exploration.neighbours import nearest
from geolabel.exploration.principal import principal
from geolabel.scoring.nearest import nearest as nearest_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.exploration.neighbours import Neighbours

    Points = NDArray[np.float32]

Method = Literal["pca", "umap", "tsne", "lda"]
_FEATURES = 50
"""Principal components that UMAP and t-SNE see, at the most: what is beyond is mostly noise and costs time."""
_NEIGHBOURS = 15
"""UMAP's own, each tile itself among them."""
_PERPLEXITY = 30
_TSNE_TILES = {2: 10_000, 3: 4_000}
"""Tiles that t-SNE moves in so many dimensions; the others are placed among them."""
_PLACED_BY = 5
_JUDGED, _JUDGED_NEIGHBOURS = 2_000, 10


@dataclass(frozen=True, slots=True)
class Projection:
    """Where tiles lie in a picture of their vectors."""

    method: Method
    dims: int
    """2 or 3."""
    points: Points
    """(n, dims)."""
    told: str
    """One sentence: what the axes mean, and what is kept."""
    trustworthiness: float
    """0–1: 1 where the 10 nearest in the picture are neighbours indeed (Venna and Kaski 2001), of at most 2,000 tiles;
    NaN of 20 and fewer."""


def project(
    vectors: NDArray[Any],
    method: Method,
    dims: int,
    *,
    seed: int,
    labels: NDArray[np.int64] | None = None,
    parts: NDArray[np.int64] | None = None,
    neighbours: Neighbours | None = None,
) -> Projection:
    """Vectors (n, f) as points (n, dims); the same vectors, seed and machine give the same points.

    LDA asks for `labels` (n,), −1 where unknown, and is fitted on part 0 of `parts` (n,), which later parts judge (see
    `held_out`); on all where None. UMAP takes `neighbours` of the vectors where they are found already. Raises
    OptionError, EmptyError for fewer than dims + 2 tiles, InputError for vectors that are not finite.
    """
    _check(vectors, method, dims)
    if method == "pca":
        points, told = _pca(vectors, dims)
    elif method == "umap":
        points, told = _umap(vectors, dims, seed, neighbours)
    elif method == "tsne":
        points, told = _tsne(vectors, dims, seed)
    else:
        points, told = _lda(vectors, dims, seed, labels, parts)
    kept = points.astype(np.float32)
    return Projection(method, dims, kept, told, _trustworthiness(vectors, kept, seed))


def _check(vectors: NDArray[Any], method: str, dims: int) -> None:
    if method not in get_args(Method):
        raise OptionError(f"a projection is one of {', '.join(get_args(Method))}, got {method}")
    if dims not in _TSNE_TILES:
        raise OptionError(f"a projection has 2 or 3 dimensions, got {dims}")
    if len(vectors) < dims + 2:
        raise EmptyError(f"{len(vectors)} tiles are too few to project to {dims} dimensions; take {dims + 2} or more")
    wrong = int((~np.isfinite(vectors).all(axis=1)).sum())
    if wrong:
        raise InputError(f"{wrong} of {len(vectors)} vectors hold values that are no numbers; leave these tiles out")


def _pca(vectors: NDArray[Any], dims: int) -> tuple[NDArray[Any], str]:
    found = principal(vectors, dims)
    each = ", ".join(f"{share:.0%}" for share in found.shares).replace("%", " %")
    whole = f"{found.shares.sum():.0%}".replace("%", " %")
    return found.points, f"PCA: the axes are the directions of most variance and hold {whole} of it ({each})"


def _umap(vectors: NDArray[Any], dims: int, seed: int, given: Neighbours | None) -> tuple[NDArray[Any], str]:
    near = min(_NEIGHBOURS, len(vectors) - 1)
    reduced = principal(vectors, min(_FEATURES, vectors.shape[1]))
    found = given if given is not None and given.rows.shape[1] >= near - 1 else nearest(reduced.points, near - 1)
    own = np.arange(len(vectors), dtype=np.int64)[:, None]
    rows = np.column_stack([own, found.rows[:, : near - 1]])
    distances = np.column_stack([np.zeros(len(own), np.float32), found.distances[:, : near - 1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of TensorFlow, threads, and new tiles: nothing that a user can mend
        from umap import UMAP

        fit = UMAP(
            n_neighbors=near,
            n_components=dims,
            init=_start(reduced.points, dims, seed),
            precomputed_knn=(rows, distances),
            random_state=seed,
            n_jobs=1,
        )
        points = fit.fit_transform(reduced.points.astype(np.float32))
    return points, (
        f"UMAP: tiles that lie together are alike (each one's {near - 1} nearest count); axes have no unit, and "
        "neither the distance between groups nor their size means anything"
    )


def _start(points: NDArray[np.floating[Any]], dims: int, seed: int) -> Points:
    """Principal components in a range of 10, a little shaken: copies part, and no axis is without extent."""
    start = np.zeros((len(points), dims))
    start[:, : points.shape[1]] = points[:, :dims]
    start *= 10 / (float(np.abs(start).max()) or 1.0)
    return (start + np.random.default_rng(seed).normal(scale=1e-4, size=start.shape)).astype(np.float32)


def _tsne(vectors: NDArray[Any], dims: int, seed: int) -> tuple[NDArray[Any], str]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    most = _TSNE_TILES[dims]
    reduced = principal(vectors, min(_FEATURES, vectors.shape[1])).points.astype(np.float32)
    moved = _drawn(len(vectors), most, seed)
    perplexity = min(_PERPLEXITY, (len(moved) - 1) / 3)
    start = _start(reduced[moved], dims, seed) * np.float32(1e-5)
    fit = TSNE(n_components=dims, init=start, perplexity=perplexity, random_state=seed)
    # a sum of two threads has one order, that of many has none: the picture would change from run to run
    with threadpool_limits(2, "openmp"):
        found = fit.fit_transform(reduced[moved])
    told = (
        f"t-SNE (perplexity {perplexity:.0f}): tiles that lie together are alike; axes have no unit, and neither the "
        "distance between groups nor their size means anything"
    )
    if len(moved) == len(vectors):
        return found, told
    points = np.zeros((len(vectors), dims), np.float32)
    points[moved] = found
    rest = np.setdiff1d(np.arange(len(vectors)), moved)
    points[rest] = _placed(reduced, rest, moved, found)
    return points, f"{told}; {len(moved):,} tiles were moved, and the others placed among the {_PLACED_BY} most alike"


def _placed(
    vectors: NDArray[np.float32], rest: NDArray[np.int64], moved: NDArray[np.int64], points: Points
) -> NDArray[np.float32]:
    """The weighted median place of the most alike that were moved, weights 1/distance²: (rest, dims)."""
    near = nearest_rows(vectors[rest], _PLACED_BY, vectors[moved])
    squared = np.stack([np.square(vectors[rest] - vectors[moved[column]]).sum(axis=1) for column in near.T], axis=1)
    weights = 1 / (squared + np.finfo(np.float32).eps * (1 + squared.max()))
    # a mean of places in two groups lies in neither: the heaviest place draws the others within reach only
    first = points[near[np.arange(len(near)), weights.argmax(axis=1)]]
    away = np.linalg.norm(points[near] - first[:, None], axis=2)
    weights = np.where(away <= np.median(away, axis=1, keepdims=True), weights, 0)
    return np.asarray(np.einsum("nk,nkd->nd", weights, points[near]) / weights.sum(axis=1, keepdims=True), np.float32)


def _lda(
    vectors: NDArray[Any],
    dims: int,
    seed: int,
    labels: NDArray[np.int64] | None,
    parts: NDArray[np.int64] | None,
) -> tuple[NDArray[Any], str]:
    known = np.zeros(len(vectors), bool) if labels is None else labels >= 0
    fitting = known if parts is None else known & (parts == 0)
    if labels is None or not fitting.any():
        raise OptionError("LDA tells classes apart and needs labelled tiles; label some, or use pca, umap or tsne")
    fitted = discriminant(vectors[fitting], labels[fitting])
    axes = min(dims, fitted.axes.shape[1])
    points = np.column_stack([fitted.along(vectors)[:, :axes], remaining(fitted, vectors, dims - axes)])
    judged = held_out(vectors[known], labels[known], None if parts is None else parts[known], seed=seed)
    rest = "" if axes == dims else f", {_axes(dims - axes)} of what else varies (PCA)"
    return points, (
        f"LDA: {_axes(axes)} along which {len(fitted.classes)} classes lie farthest apart{rest}; {judged.told()}"
    )


def _axes(count: int) -> str:
    return f"{count} axis" if count == 1 else f"{count} axes"


def _drawn(count: int, most: int, seed: int) -> NDArray[np.int64]:
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def _trustworthiness(vectors: NDArray[Any], points: Points, seed: int) -> float:
    from sklearn.manifold import trustworthiness

    rows = _drawn(len(vectors), _JUDGED, seed)
    if len(rows) <= 2 * _JUDGED_NEIGHBOURS:
        return float("nan")
    return float(trustworthiness(vectors[rows], points[rows], n_neighbors=_JUDGED_NEIGHBOURS))
