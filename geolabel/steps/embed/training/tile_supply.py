"""What an embedder learns from the tiles of an index: by their labels, by a column, or by where they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geolabel.errors import EmptyError, OptionError, TileIndexError
from geolabel.labels.targets import dominant
from geolabel.learn.metric.pool import Pool
from geolabel.learn.predictor import predict_chips
from geolabel.progress import log
from geolabel.scoring.retrieval import score_retrieval
from geolabel.steps.embed.classes import shares_with_none
from geolabel.steps.embed.training.tuples import draw_places, draw_tuples
from geolabel.steps.split import half_sides
from geolabel.steps.task import whole_tiles

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.chips import Chips
    from geolabel.learn.forward import Classifier
    from geolabel.learn.metric.recipe import EmbedRecipe
    from geolabel.tiling import TileIndex

_JUDGED = 4_096
"""Tiles, or tuples, by which an epoch is judged, at the most."""


@dataclass(frozen=True, slots=True)
class TileTask:
    """Tiles of an index, and what is known of how they belong together."""

    rows: NDArray[np.int64]
    """(n,): of the index."""
    parts: NDArray[np.str_]
    """(n,): train, val, or another."""
    labels: NDArray[np.int64]
    """(n,): class, or value of the column; -1 unknown. All -1 where only places count."""
    shares: NDArray[np.float32] | None
    """(n, classes): what labels are judged by, where shares are."""
    centres: NDArray[np.float64] | None
    """(n, 2): in tile sides; None where labels count."""

    @property
    def by_distance(self) -> bool:
        """Whether places count."""
        return self.centres is not None


def make_task(index: TileIndex, path: Path, recipe: EmbedRecipe) -> TileTask:
    """What there is to learn. Raises TileIndexError, EmptyError, OptionError."""
    if recipe.by and recipe.supervised:
        raise OptionError("--by learns from a column instead of labels; leave --supervised out")
    supervised = recipe.supervised if recipe.supervised is not None else bool(index.class_names) and not recipe.by
    if index.split is None and supervised:
        raise TileIndexError(f"{path}: is not split into train, val and test; run geolabel split first")
    parts = index.column("split").astype(str) if index.split is not None else np.full(len(index), "train")
    if index.split is None:
        log.warning("%s: is not split, so all tiles train and nothing tells how well; run geolabel split first", path)
    whole = whole_tiles(index)
    if supervised:
        labels, shares = _of_classes(index, path, recipe)
        return _kept(TileTask(np.arange(len(index)), parts, labels, shares, None), whole & (labels >= 0), path)
    if recipe.by:
        labels = _of_column(index, recipe.by)
        return _kept(TileTask(np.arange(len(index)), parts, labels, None, None), whole & (labels >= 0), path)
    centres = _centres(index)
    placed = np.isfinite(centres).all(axis=1)
    if not placed.any():
        raise TileIndexError(
            f"{path}: its tiles have no place, so nobody knows which lie near each other; name a column of places "
            "with --by, or learn from labels"
        )
    unknown = np.full(len(index), -1, dtype=np.int64)
    return _kept(TileTask(np.arange(len(index)), parts, unknown, None, centres), whole & placed, path)


def _of_classes(
    index: TileIndex, path: Path, recipe: EmbedRecipe
) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
    """Class of the largest share of each tile (n,), -1 where none is known or it is too small; and the shares."""
    if not index.class_names:
        raise TileIndexError(f"{path}: has no labels; attach some with geolabel label, or give --no-supervised")
    shares = shares_with_none(index)
    labels = dominant(shares.T, recipe.single_class_threshold)
    if recipe.targets == "class":
        return labels, None
    # what is not known of a tile might be what it has in common with another
    return np.where(np.isnan(shares).any(axis=1), -1, labels), np.nan_to_num(shares)


def _of_column(index: TileIndex, name: str) -> NDArray[np.int64]:
    """Number of each tile's value in a column (n,); -1 where it is blank: of such tiles nobody knows the place."""
    values = index.column(name)
    blank = np.array([value is None or value != value or str(value).strip() == "" for value in values.tolist()])  # noqa: PLR0124 - NaN
    labels = np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)
    labels[blank] = -1
    return labels


def _centres(index: TileIndex) -> NDArray[np.float64]:
    side = 2 * half_sides(index)
    if not np.isfinite(side).any():
        return np.full((len(index), 2), np.nan)
    return np.asarray(index.centres_m() / np.nanmedian(side))


def _kept(task: TileTask, wanted: NDArray[np.bool_], path: Path) -> TileTask:
    used = wanted & np.isin(task.parts, ("train", "val"))
    if not (used & (task.parts == "train")).any():
        raise EmptyError(f"{path}: no training tile has anything to learn from; label more, or split anew")
    return TileTask(
        task.rows[used],
        task.parts[used],
        task.labels[used],
        None if task.shares is None else task.shares[used],
        None if task.centres is None else task.centres[used],
    )


@dataclass(frozen=True, slots=True)
class TileSupply:
    """Pools of the tiles of an index: the same tiles each epoch, drawn anew."""

    task: TileTask
    chips: Chips
    """Of the task's tiles."""
    recipe: EmbedRecipe

    def pools(self, epoch: int) -> Generator[tuple[Pool, int]]:
        """One for the whole epoch."""
        train = self.task.parts == "train"
        pool = Pool(self.chips, np.where(train, self.task.labels, -1), self.task.shares)
        if self.task.centres is not None:
            pool = self._by_distance(pool, np.flatnonzero(train), self.task.centres, epoch)
        yield pool, self.recipe.steps

    def _by_distance(self, pool: Pool, rows: NDArray[np.int64], centres: NDArray[np.float64], epoch: int) -> Pool:
        rng = np.random.default_rng([self.recipe.seed, epoch, 2])
        if self.recipe.loss == "magnet":
            return replace(pool, labels=draw_places(centres, rows, self.recipe, rng))
        wanted = self.recipe.steps * self.recipe.batch
        return replace(
            pool,
            centres=centres,
            sources=np.zeros(len(centres), dtype=np.int64),
            tuples=draw_tuples(centres, rows, wanted, self.recipe, rng),
        )

    def score(self, encoder: Classifier) -> float:
        """MAP@R of the validation tiles' labels, or the share of their tuples whose negative lies farther."""
        rows = np.flatnonzero(self.task.parts == "val")
        rng = np.random.default_rng([self.recipe.seed, 3])
        if self.task.centres is None:
            rows = np.sort(rng.permutation(rows)[:_JUDGED])
            return map_at_r(predict_chips(encoder, self.chips, rows), self.task.labels[rows])
        if not len(rows):
            return float("nan")
        try:
            drawn = draw_tuples(self.task.centres, rows, _JUDGED // 3, self.recipe, rng)
        except EmptyError:
            return float("nan")
        three = [drawn.anchors, drawn.positives[:, 0], drawn.negatives[:, 0]]
        return in_order(*(predict_chips(encoder, self.chips, part) for part in three))


def map_at_r(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """MAP@R; NaN where no label is there twice."""
    if not len(labels) or np.bincount(labels).max() < 2:  # noqa: PLR2004
        return float("nan")
    return float(score_retrieval(vectors, labels).map_at_r)


def in_order(anchors: NDArray[np.float32], near: NDArray[np.float32], far: NDArray[np.float32]) -> float:
    """Share of triplets (k, size) each whose negative lies farther than their positive."""
    return float((np.linalg.norm(anchors - near, axis=1) < np.linalg.norm(anchors - far, axis=1)).mean())
