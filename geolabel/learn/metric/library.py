"""Losses and miners of pytorch-metric-learning (arXiv 2008.09164), by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import torch

from geolabel.errors import InstallError, OptionError
from geolabel.learn.metric.tuples import Outcome, distances, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.learn.metric.relation import Relation
    from geolabel.learn.metric.tuples import Mined

_NO_MINERS = ("BaseMiner", "EmbeddingsAlreadyPackagedAsTriplets")
_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class MarginLoss:
    """[D(a, p) − β + m]₊ + [β − D(a, n) + m]₊, summed over triplets, by the number of terms above 0; β = 1.2.

    For vectors of length 1. Source: arXiv 1706.07567.
    """

    library: Any
    """The library's loss, which is not reduced."""

    @classmethod
    def of(cls, margin: float) -> MarginLoss:
        """With m = `margin`. Raises InstallError."""
        _check_installed("--loss margin")
        from pytorch_metric_learning import distances as kinds
        from pytorch_metric_learning import losses, reducers

        plain_distance = kinds.LpDistance(normalize_embeddings=False)  # norm_output says of what length vectors are
        return cls(losses.MarginLoss(margin, distance=plain_distance, reducer=reducers.DoNothingReducer()))

    def __call__(self, vectors: torch.Tensor, relation: Relation, mined: Mined) -> Outcome:
        """Of vectors (n, d); with weights, tuples share in the sum by them."""
        if not len(mined):
            return Outcome(vectors.sum() * 0, 0.0)
        exact = vectors if vectors.dtype == torch.float64 else vectors.float()
        found = self.library(exact, relation.labels, tuple(mined.tuples.T[:3]))["margin_loss"]
        terms = found["losses"]
        outcome = Outcome.of(terms, terms > 0, mined.weights)
        return Outcome(outcome.loss * len(mined) / found["divisor"].clamp(min=1), outcome.active)


@dataclass(frozen=True, slots=True)
class ContrastiveLoss:
    """D(a, p) + [m − D(a, n)]₊, of either the mean over the triplets in which it is above 0.

    As the library has it, not squared. Source: Hadsell, Chopra and LeCun (2006), "Dimensionality reduction by learning
    an invariant mapping".
    """

    library: Any

    @classmethod
    def of(cls, margin: float) -> ContrastiveLoss:
        """With m = `margin`. Raises InstallError."""
        _check_installed("--loss contrastive")
        from pytorch_metric_learning import losses

        return cls(losses.ContrastiveLoss(pos_margin=0, neg_margin=margin))

    def __call__(self, vectors: torch.Tensor, relation: Relation, mined: Mined) -> Outcome:  # noqa: ARG002
        """Of vectors (n, d). Active are triplets whose negative is nearer than m: positives always pull."""
        far = distances(vectors)
        anchors, positives, negatives = mined.tuples.T[:3]
        pull = self.library.get_per_pair_loss(far[anchors, positives], "pos")
        push = self.library.get_per_pair_loss(far[anchors, negatives], "neg")
        loss = _mean_above_0(pull, mined.weights) + _mean_above_0(push, mined.weights)
        return Outcome(loss, Outcome.of(push, push > 0, None).active)


def _mean_above_0(values: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    above = values > 0
    return mean(values[above], None if weights is None else weights[above])


@dataclass(frozen=True, slots=True)
class LabelMiner:
    """Triplets that a miner of the library finds by labels; the library's defaults, on vectors brought to length 1."""

    library: Any

    def __call__(self, vectors: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Triplets (k, 3) int64 of vectors (n, d) with labels (n,); what it draws follows from `generator`."""
        seed = int(torch.randint(_SEEDS, (), generator=generator, device=generator.device))
        with torch.random.fork_rng([vectors.device] if vectors.is_cuda else []):  # the library asks no generator
            torch.manual_seed(seed)
            found = self.library(vectors.detach().float(), labels)
        return torch.stack(found if len(found) == 3 else joined(*found), dim=1)  # noqa: PLR2004 - triplets


def joined(
    anchors: torch.Tensor, positives: torch.Tensor, others: torch.Tensor, negatives: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each pair (anchor, positive) (m,) with each pair (other, negative) (k,) of the same anchor, as triplets."""
    others, order = others.sort(stable=True)
    first = torch.searchsorted(others, anchors)
    counts = torch.searchsorted(others, anchors, right=True) - first
    pair = torch.arange(len(anchors), device=anchors.device).repeat_interleave(counts)
    begins = counts.cumsum(0) - counts
    place = torch.arange(len(pair), device=anchors.device) - begins[pair] + first[pair]
    return anchors[pair], positives[pair], negatives[order[place]]


def miner(name: str, ours: Sequence[str]) -> LabelMiner:
    """The library's miner of that name, in any spelling; `ours` are the names that are not the library's.

    Raises OptionError (no such name), InstallError.
    """
    _check_installed(f"--mining {name}, which is none of {', '.join(ours)},")
    from pytorch_metric_learning import miners

    classes = {
        plain(title): kind
        for title, kind in vars(miners).items()
        if isinstance(kind, type) and issubclass(kind, miners.BaseMiner) and title not in _NO_MINERS
    }
    if plain(name) in classes:
        return LabelMiner(classes[plain(name)]())
    shown = {plain(title): title for title in (*ours, *map(_kebab, (kind.__name__ for kind in classes.values())))}
    near = [shown[found] for found in get_close_matches(plain(name), shown, n=3)]
    hint = f"did you mean {', '.join(near)}?" if near else f"choose of {', '.join(shown.values())}"
    raise OptionError(f"--mining {name}: no such miner; {hint}")


def plain(name: str) -> str:
    """A miner's name without what spellings differ by: MultiSimilarityMiner, multi-similarity → multisimilarity."""
    return re.sub("[^a-z0-9]", "", name.lower()).removesuffix("miner")


def _kebab(title: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "-", title.removesuffix("Miner")).lower()


def _check_installed(what: str) -> None:
    """Raise InstallError where pytorch-metric-learning is not there."""
    try:
        import pytorch_metric_learning  # noqa: F401
    except ImportError as error:
        raise InstallError(
            f'{what} needs pytorch-metric-learning, which cannot be imported ({error}): pip install "geolabel[metric]"'
        ) from error
