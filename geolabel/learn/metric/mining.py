"""Which tuples of a batch are compared: those drawn, random ones, or the hard ones among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import torch

from geolabel.errors import OptionError
from geolabel.learn.metric import library
from geolabel.learn.metric.recipe import OFFLINE
from geolabel.learn.metric.tuples import SIZES, Mined, distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.learn.metric.relation import Relation

HARD_NEGATIVE, HARD_POSITIVE, SEMI_HARD = "hard-negative", "hard-positive", "semi-hard"
ONLINE = (HARD_NEGATIVE, HARD_POSITIVE, SEMI_HARD)
"""Of our own, within a batch."""


class Miner(Protocol):
    """Says which tuples of a batch are compared."""

    def __call__(self, vectors: torch.Tensor, relation: Relation, generator: torch.Generator) -> Mined:
        """Of vectors (n, d), one row a tile of the relation; no gradient flows through the choice."""
        ...


def miner_of(names: Sequence[str], needs: int = 3) -> Miner:
    """The miner of these names, in any spelling, for tuples of `needs` tiles (3, or 4 for quadruplets).

    No names: the tuples that the sampler drew or, where it drew none, every positive pair with a random negative.
    hard-negative: every positive pair, with the nearest negative (arXiv 1703.07737). semi-hard: with the nearest that
    is farther than the positive (arXiv 1503.03832), and where there is none, with the farthest. hard-positive: every
    anchor, with its farthest positive; the negative is random or, with hard-negative beside it (batch hard), the
    nearest. A quadruplet's second negative is chosen likewise, by its distance to the first. Other names: miners of
    pytorch-metric-learning, one by itself. Those that mine over the map are passed over: they have drawn before.
    Raises OptionError, InstallError.
    """
    if needs not in SIZES:
        raise OptionError(f"tuples have 3 or 4 tiles, not {needs}")
    ours = {library.plain(name): name for name in (*ONLINE, *OFFLINE)}
    known = [ours.get(library.plain(name), name) for name in dict.fromkeys(names)]
    online = [name for name in known if name not in OFFLINE]
    others = [name for name in online if name not in ONLINE]
    if others:
        if len(online) > 1:
            raise OptionError(f"--mining {','.join(online)}: a miner of pytorch-metric-learning works alone; keep one")
        return _Library(library.miner(others[0], (*ONLINE, *OFFLINE)), needs)
    if {HARD_NEGATIVE, SEMI_HARD} <= set(online):
        raise OptionError("--mining hard-negative,semi-hard: both choose the negative; keep one")
    if not online:
        return _Drawn(needs)
    negative: Negative = "hard" if HARD_NEGATIVE in online else "semi-hard" if SEMI_HARD in online else "random"
    return _InBatch(needs, HARD_POSITIVE in online, negative)


Negative = Literal["random", "hard", "semi-hard"]


@dataclass(frozen=True, slots=True)
class _InBatch:
    """Pairs of the batch that belong together, each with a negative chosen by distance."""

    needs: int
    hard_positive: bool
    """Of an anchor's pairs, only the one that lies farthest apart."""
    negative: Negative

    @torch.no_grad()
    def __call__(self, vectors: torch.Tensor, relation: Relation, generator: torch.Generator) -> Mined:
        far = distances(vectors)
        apart = _usable(relation, self.needs)
        together = relation.positive & apart.any(dim=1, keepdim=True)
        if self.hard_positive:
            anchors = together.any(dim=1).nonzero()[:, 0]
            positives = far[anchors].masked_fill(~together[anchors], -torch.inf).argmax(dim=1)
        else:
            anchors, positives = together.nonzero().T
        least = far[anchors, positives]
        tuples = [anchors, positives, self._choose(far[anchors], apart[anchors], least, generator)]
        if self.needs == max(SIZES):
            allowed = relation.negative[anchors] & relation.negative[tuples[2]]
            tuples.append(self._choose(far[tuples[2]], allowed, least, generator))
        return Mined.of(torch.stack(tuples, dim=1), relation)

    def _choose(
        self, far: torch.Tensor, allowed: torch.Tensor, least: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """One of `allowed` (k, n) for each tuple, at distances `far` (k, n) whose positives lie at `least` (k,)."""
        if self.negative == "random":
            return _random(allowed, generator)
        if self.negative == "hard":
            return _nearest(far, allowed)
        beyond = allowed & (far > least[:, None])
        farthest = far.masked_fill(~allowed, -torch.inf).argmax(dim=1)
        return torch.where(beyond.any(dim=1), _nearest(far, beyond), farthest)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The tuples that the sampler drew; where it drew none, every positive pair with a random negative."""

    needs: int

    @torch.no_grad()
    def __call__(self, vectors: torch.Tensor, relation: Relation, generator: torch.Generator) -> Mined:
        if relation.drawn is None:
            return _InBatch(self.needs, hard_positive=False, negative="random")(vectors, relation, generator)
        return Mined.of(_sized(relation.drawn, relation, self.needs, generator), relation)


@dataclass(frozen=True, slots=True)
class _Library:
    """What a miner of pytorch-metric-learning finds by the labels, so far as the relation agrees."""

    find: library.LabelMiner
    needs: int

    @torch.no_grad()
    def __call__(self, vectors: torch.Tensor, relation: Relation, generator: torch.Generator) -> Mined:
        found = self.find(vectors, relation.labels, generator)
        anchors, positives, negatives = found.T
        agreed = relation.positive[anchors, positives] & relation.negative[anchors, negatives]
        return Mined.of(_sized(found[agreed], relation, self.needs, generator), relation)


def _usable(relation: Relation, needs: int) -> torch.Tensor:
    """(n, n) bool: of an anchor (row), the negatives (column) with which a tuple of `needs` tiles can be made."""
    if needs == min(SIZES):
        return relation.negative
    apart = relation.negative.float()  # a second negative must belong apart from the anchor, and from the first one
    return relation.negative & (apart @ apart > 0)


def _sized(tuples: torch.Tensor, relation: Relation, needs: int, generator: torch.Generator) -> torch.Tensor:
    """Tuples (k, 3 or 4) cut to `needs`, or with a random second negative, without those that can have none."""
    if tuples.shape[1] >= needs:
        return tuples[:, :needs]
    possible = tuples[_usable(relation, needs)[tuples[:, 0], tuples[:, 2]]]
    allowed = relation.negative[possible[:, 0]] & relation.negative[possible[:, 2]]
    return torch.cat([possible, _random(allowed, generator)[:, None]], dim=1)


def _nearest(far: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Index (k,) of the nearest that is allowed, of distances (k, n)."""
    return far.masked_fill(~allowed, torch.inf).argmin(dim=1)


def _random(allowed: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Index (k,) of one of those allowed (k, n), each as likely; each row allows one at least.

    Drawn where the generator is, so that a GPU mines what a processor does.
    """
    ranks = allowed.cumsum(dim=1, dtype=torch.int32)
    share = torch.rand(len(allowed), generator=generator, device=generator.device, dtype=torch.float64)
    wanted = (share.to(allowed.device) * ranks[:, -1]).to(torch.int32)
    return (ranks > wanted[:, None]).int().argmax(dim=1)
