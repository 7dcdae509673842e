"""All scores of one encoder's vectors on one draw of tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import OptionError, listed
from geolabel.learn.metric.magnet.index import build_index
from geolabel.learn.probes import PROBES, fit_probe, fit_share_probe
from geolabel.scoring.cluster_vote import cluster_vote
from geolabel.scoring.retrieval import score_retrieval
from geolabel.scoring.shares import summed_error
from geolabel.scoring.silhouette import silhouette
from geolabel.scoring.soft_retrieval import compat_map_at_k, score_soft_retrieval
from geolabel.steps.embed.evaluation.encoders import CHANCE
from geolabel.steps.embed.evaluation.table import SUMMED_ERROR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.steps.embed.evaluation.draws import Draw
    from geolabel.steps.embed.evaluation.tiles import JudgedTiles

_CLUSTERS = 8
"""Clusters of a class where nearest clusters vote."""


@dataclass(frozen=True, slots=True)
class Probes:
    """Classifiers that are taught on frozen vectors."""

    single: tuple[str, ...]
    """Of the label of a tile."""
    multi: tuple[str, ...]
    """Of the shares of its classes."""
    compat: bool
    """Whether the numbers of the source are told as well, as its code has them."""
    seed: int

    def __post_init__(self) -> None:
        for option, names in (("single", self.single), ("multi", self.multi)):
            unknown = [name for name in names if name not in PROBES]
            if unknown or not names:
                raise OptionError(f"--{option}-class-classifiers {listed(unknown)}: there are {', '.join(PROBES)}")


def score_draw(
    learned: NDArray[np.float32],
    asked: NDArray[np.float32],
    tiles: JudgedTiles,
    draw: Draw,
    probes: Probes,
    encoder: str,
) -> dict[str, float]:
    """Scores by name of the vectors of a draw's training tiles (m, d) and test tiles (n, d); NaN where there is none.

    accuracy.<probe>, balanced_accuracy.<probe> and knc of the labels; map_at_r among the test tiles that have one;
    soft_map_at_r, gsil and summed_error.<probe> of the shares. Where the encoder is chance, probes tell the commonest
    label and the mean shares of the training tiles. Shares are judged where all classes are known.
    """
    known, judged = (np.flatnonzero(tiles.labels[rows] >= 0) for rows in (draw.train, draw.test))
    taught, truth = tiles.labels[draw.train[known]], tiles.labels[draw.test[judged]]
    scores: dict[str, float] = {}
    for name in probes.single:
        told = _labels(name, learned[known], taught, asked[judged], probes.seed, encoder)
        scores[f"accuracy.{name}"] = _accuracy(told, truth)
        scores[f"balanced_accuracy.{name}"] = _balanced_accuracy(told, truth)
    scores["map_at_r"] = score_retrieval(asked[judged], truth).map_at_r
    scores["knc"] = _accuracy(
        _nearest_clusters(learned[known], taught, asked[judged], len(tiles.classes), probes), truth
    )
    return scores | _of_shares(learned, asked, tiles, draw, probes, encoder)


def _of_shares(
    learned: NDArray[np.float32],
    asked: NDArray[np.float32],
    tiles: JudgedTiles,
    draw: Draw,
    probes: Probes,
    encoder: str,
) -> dict[str, float]:
    known, judged = (np.flatnonzero(tiles.whole[rows]) for rows in (draw.train, draw.test))
    shown, shares = tiles.shares[draw.train[known]], tiles.shares[draw.test[judged]]
    learned, asked = learned[known], asked[judged]
    scores = {"soft_map_at_r": float("nan"), "gsil": float("nan")}
    if len(asked):
        scores = {
            "soft_map_at_r": score_soft_retrieval(asked, shares).map_at_r,
            "gsil": silhouette(asked, shares).score,
        }
    for name in probes.multi:
        guess = _shares(name, learned, shown, asked, probes.seed, encoder)
        scores[f"{SUMMED_ERROR}.{name}"] = float("nan") if guess is None else summed_error(guess, shares)
    if probes.compat:
        ranks = compat_map_at_k(asked, shares, (1, 10)) if len(asked) else (float("nan"),) * 2
        scores["map_at_1_compat"], scores["map_at_10_compat"] = ranks
        scores["gsil_compat"] = silhouette(asked, shares, compat=True).score if len(asked) else float("nan")
    return scores


def _labels(
    probe: str,
    learned: NDArray[np.float32],
    labels: NDArray[np.int64],
    asked: NDArray[np.float32],
    seed: int,
    encoder: str,
) -> NDArray[np.int64] | None:
    """What a probe tells of `asked` (n, d); None where there was nothing to learn."""
    if not len(labels):
        return None
    commonest = int(np.bincount(labels).argmax())
    if encoder == CHANCE or len(np.unique(labels)) < 2:  # noqa: PLR2004 - nothing to tell apart
        return np.full(len(asked), commonest)
    return fit_probe(probe, learned, labels, seed).predict(asked)


def _shares(
    probe: str,
    learned: NDArray[np.float32],
    shares: NDArray[np.float32],
    asked: NDArray[np.float32],
    seed: int,
    encoder: str,
) -> NDArray[np.floating[Any]] | None:
    """What a probe tells of `asked` (n, d); None where there was nothing to learn, or nothing is asked."""
    if not len(shares) or not len(asked):
        return None
    if encoder == CHANCE:
        return np.repeat(shares.mean(axis=0, keepdims=True), len(asked), axis=0)
    return fit_share_probe(probe, learned, shares, seed).predict(asked)


def _nearest_clusters(
    learned: NDArray[np.float32],
    labels: NDArray[np.int64],
    asked: NDArray[np.float32],
    classes: int,
    probes: Probes,
) -> NDArray[np.int64] | None:
    """What the clusters of the training tiles, by k-means of each class, tell of `asked` (n, d)."""
    if len(np.unique(labels)) < 2:  # noqa: PLR2004 - nothing to tell apart
        return None
    index = build_index(learned, labels, _CLUSTERS, probes.seed)
    votes = cluster_vote(asked, index.centres, index.classes, index.variance, class_count=classes)
    return np.asarray(votes.argmax(axis=1))


def _accuracy(told: NDArray[np.int64] | None, truth: NDArray[np.int64]) -> float:
    return float("nan") if told is None or not len(truth) else float((told == truth).mean())


def _balanced_accuracy(told: NDArray[np.int64] | None, truth: NDArray[np.int64]) -> float:
    """Mean over the classes that are there of the share that was told right."""
    if told is None or not len(truth):
        return float("nan")
    return float(np.mean([(told[truth == at] == at).mean() for at in np.unique(truth)]))
