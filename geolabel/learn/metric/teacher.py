"""Teachers: which tiles of a pool are seen together, and what is wrong with the vectors they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from geolabel.errors import EmptyError
from geolabel.learn.metric.batches import by_class, by_tuple
from geolabel.learn.metric.losses import LossSettings, TupleLoss, loss_of
from geolabel.learn.metric.magnet.batches import draw_batch
from geolabel.learn.metric.magnet.index import build_index, place_index, with_losses
from geolabel.learn.metric.magnet.loss import magnet_loss
from geolabel.learn.metric.magnet.standing import with_standing
from geolabel.learn.metric.mining import Miner, miner_of
from geolabel.learn.metric.offline import choose_hard, hardest_first
from geolabel.learn.metric.pool import ROUNDING, Rings
from geolabel.learn.metric.recipe import OFFLINE
from geolabel.learn.metric.tuples import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.learn.metric.pool import Pool
    from geolabel.learn.metric.recipe import EmbedRecipe

Encode = Callable[["NDArray[np.int64]"], "NDArray[np.float32]"]
"""Vectors (n, size) of the tiles (n,) of a pool, by the network as it is now."""


class Step(Protocol):
    """Some tiles, and how their vectors are judged."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """Tiles of the pool: (n,)."""

    def judge(self, vectors: torch.Tensor, generator: torch.Generator) -> Outcome:
        """The loss of their vectors (n, size)."""


class Teacher(Protocol):
    """Makes batches of a pool."""

    def steps(self, pool: Pool, encode: Encode, rng: np.random.Generator, count: int) -> Iterator[Step]:
        """`count` steps, or fewer where the pool holds less. Raises EmptyError where it holds none."""


@dataclass(frozen=True, slots=True)
class _TupleStep:
    rows: NDArray[np.int64]
    relation: Any
    miner: Miner
    loss: TupleLoss

    def judge(self, vectors: torch.Tensor, generator: torch.Generator) -> Outcome:
        relation = self.relation.to(vectors.device)
        return self.loss(vectors, relation, self.miner(vectors.detach(), relation, generator))


@dataclass(frozen=True, slots=True)
class TupleTeacher:
    """Triplets and quadruplets, drawn by class or by distance, and mined."""

    recipe: EmbedRecipe
    miner: Miner
    loss: TupleLoss

    @classmethod
    def of(cls, recipe: EmbedRecipe) -> TupleTeacher:
        """As a recipe says. Raises OptionError for a miner that nobody knows, InstallError."""
        names = [name for name in recipe.mining_names if name not in OFFLINE]
        settings = LossSettings(
            margin=recipe.margin,
            alt_loss=recipe.alt_loss,
            soft_margin=recipe.soft_margin,
            adaptive=recipe.adaptive,
            norm_penalty=recipe.norm_penalty,
            compat=recipe.unsquared,
        )
        return cls(recipe, miner_of(names, recipe.tuple_size), loss_of(recipe.loss, settings))

    def steps(self, pool: Pool, encode: Encode, rng: np.random.Generator, count: int) -> Iterator[Step]:
        """By the tuples of the pool where it has some, else by its labels."""
        recipe = self.recipe
        if pool.tuples is None:
            bounds, least = (recipe.unlike, recipe.alike), recipe.tuple_size - 1
            draws = by_class(pool, recipe.batch, recipe.per_class, bounds, rng, count, least=least)
        else:
            # in the order in which they were drawn: anchors of one batch may be meant to lie together
            chosen = harden(pool, recipe, encode)[: count * recipe.batch]
            draws = by_tuple(pool, chosen, min(recipe.batch, len(chosen)), rings(recipe))
        for draw in draws:
            yield _TupleStep(draw.rows, draw.relation, self.miner, self.loss)


def rings(recipe: EmbedRecipe) -> Rings:
    """Where positives and negatives lie."""
    return Rings((recipe.min_pos_dist, recipe.max_pos_dist), (recipe.min_neg_dist, recipe.max_neg_dist))


def harden(pool: Pool, recipe: EmbedRecipe, encode: Encode) -> NDArray[np.int64]:
    """One tuple an anchor (k, 3 or 4): the hardest of its candidates where they are mined over the map, else the first.

    The second negative of a quadruplet is the next one that lies as far from the first as from the anchor: places
    that are all different are what the loss is about. Where there is none, there is no tuple.
    """
    drawn = pool.tuples
    assert drawn is not None
    every = np.arange(len(drawn))
    positives, negatives = drawn.positives[:, 0], drawn.negatives
    if any(name in recipe.mining_names for name in OFFLINE):
        anchors = torch.from_numpy(encode(drawn.anchors))

        def vectors(candidates: NDArray[np.int64]) -> torch.Tensor:
            return torch.from_numpy(encode(candidates.ravel())).view(*candidates.shape, -1)

        if "random-hard-positive" in recipe.mining_names:
            positives = drawn.positives[every, choose_hard(anchors, vectors(drawn.positives), farthest=True).numpy()]
        if "random-hard-negative" in recipe.mining_names:
            order = hardest_first(anchors, vectors(drawn.negatives)).numpy()
            negatives = np.take_along_axis(drawn.negatives, order, axis=1)
    chosen = np.column_stack([drawn.anchors, positives, negatives[:, 0]])
    if recipe.tuple_size == 3:  # noqa: PLR2004 - a triplet
        return chosen
    assert pool.centres is not None
    apart = np.linalg.norm(pool.centres[negatives] - pool.centres[negatives[:, :1]], axis=2)
    allowed = apart >= recipe.min_neg_dist - ROUNDING
    whole = allowed.any(axis=1)
    if not whole.any():
        raise EmptyError(
            f"no two negatives of an anchor lie {recipe.min_neg_dist:g} tile sides apart, as quadruplets need; lower "
            "--min-neg-dist, or raise --max-neg-dist"
        )
    second = negatives[every, allowed.argmax(axis=1)]
    found: NDArray[np.int64] = np.column_stack([chosen, second])[whole]
    return found


@dataclass(frozen=True, slots=True)
class _MagnetStep:
    rows: NDArray[np.int64]
    cluster: NDArray[np.int64]
    classes: NDArray[np.int64]
    margin: float
    told: Callable[[NDArray[np.int64], NDArray[np.float32]], None]

    def judge(self, vectors: torch.Tensor, generator: torch.Generator) -> Outcome:
        del generator  # nothing is drawn
        cluster, classes = (torch.from_numpy(part).to(vectors.device) for part in (self.cluster, self.classes))
        found = magnet_loss(vectors, cluster, classes, self.margin)
        self.told(self.rows, found.losses.float().cpu().numpy())
        return Outcome(found.loss, found.active)


@dataclass(frozen=True, slots=True)
class MagnetTeacher:
    """Neighbourhoods of clusters; clusters are made anew of each pool, by the network as it is then."""

    recipe: EmbedRecipe
    by_place: bool
    """Each place is a cluster; else classes are divided."""

    def steps(self, pool: Pool, encode: Encode, rng: np.random.Generator, count: int) -> Iterator[Step]:
        """By a new index of the pool, which learns the losses as they come."""
        recipe = self.recipe
        known = np.flatnonzero(pool.labels >= 0)
        vectors = np.zeros((len(pool), recipe.output_size), np.float32)
        vectors[known] = encode(known)
        if self.by_place:
            index = place_index(vectors, pool.labels)
        else:
            index = build_index(vectors, pool.labels, recipe.magnet_per_class, int(rng.integers(2**31)))
        index = with_standing(index, vectors, recipe.margin)

        def told(rows: NDArray[np.int64], losses: NDArray[np.float32]) -> None:
            nonlocal index
            index = with_losses(index, rows, losses)

        for _ in range(count):
            batch = draw_batch(index, recipe.magnet_clusters, recipe.magnet_tiles, rng)
            yield _MagnetStep(batch.rows, batch.cluster, batch.classes, recipe.margin, told)


def teacher_of(recipe: EmbedRecipe, *, by_place: bool) -> Teacher:
    """Who teaches by a recipe. Raises OptionError, InstallError."""
    return MagnetTeacher(recipe, by_place) if recipe.loss == "magnet" else TupleTeacher.of(recipe)
