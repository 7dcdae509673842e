"""How well classes lie apart among vectors: silhouettes, and what a tile's neighbours say it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import EmptyError
from geolabel.scoring.averages import mean_of_known
from geolabel.scoring.nearest import nearest
from geolabel.scoring.silhouette import silhouette, silhouettes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = tuple[float, ...]

MOST = 20_000
"""Tiles that are looked at, drawn by the seed; of parts so many that judge, and so many that are judged."""
_SILHOUETTES = 5_000
"""Of which so many for silhouettes, which compare all with all in all classes."""
_VOTERS = 10
_FOLDS = 20
"""Groups are left out in so many turns, at the most."""
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class ClassSeparation:
    """Of one class; NaN where there are no tiles."""

    name: str
    tiles: int
    """Of this class, looked at."""
    silhouette: float
    """−1 to 1: above 0 where tiles are nearer to their own class than to the next one (Rousseeuw 1987)."""
    recognised: float
    """Share that most of the 10 nearest tiles are of, 0–1."""
    recognised_elsewhere: float
    """The same by tiles of other groups only, blocks or places; NaN without groups."""


@dataclass(frozen=True, slots=True)
class Separation:
    """Of all classes."""

    classes: tuple[ClassSeparation, ...]
    tiles: int
    """Judged: labelled, held out where tiles have parts, and drawn where there are more than 20,000."""
    silhouette: float
    """Mean over the classes."""
    gsil: float
    """Generalised silhouette of shares of classes, −1 to 1; NaN without shares."""
    balanced_accuracy: float
    """Mean over the classes of the share of tiles that most of their 10 nearest are of the class of."""
    balanced_elsewhere: float
    """The same by tiles of other groups only: what is left when neighbours on the ground do not help. NaN without
    groups."""
    chance: float
    """Balanced accuracy of guessing."""


def separation(
    vectors: NDArray[Any],
    labels: NDArray[np.int64],
    shares: NDArray[np.floating[Any]] | None,
    classes: Sequence[str],
    *,
    seed: int,
    parts: NDArray[np.integer[Any]] | None = None,
    groups: NDArray[np.int64] | None = None,
) -> Separation:
    """Judge vectors (n, f) of labels (n,; −1 unknown) and shares (n, classes; NaN unknown).

    `parts` (n,) are 0 for tiles that train, more for those held out, and −1 for those that are neither, as those of a
    buffer. Where labelled tiles are held out, these alone are judged: their neighbours among those that train vote on
    them, and silhouettes are those of the held-out tiles among themselves. Vectors that were made to tell the training
    tiles apart say little on them. Without `parts`, or without tiles to judge or to vote, each tile is judged by all
    others. `groups` (n,) are blocks or places on the ground. Raises EmptyError for fewer than two classes, InputError
    for vectors that are not finite.
    """
    asked, told = _roles(labels, parts)
    drawn = [_drawn(np.flatnonzero(role & (labels >= 0)), MOST, seed) for role in (asked, told)]
    rows = np.unique(np.concatenate(drawn))
    names = np.unique(labels[rows])
    if len(names) < _FEWEST:
        raise EmptyError("how well classes lie apart asks for labelled tiles of two or more; label some")
    judged, voting = asked[rows], told[rows]
    there, own = vectors[rows], labels[rows]
    said = _said(there, own, judged, voting)
    elsewhere = None if groups is None else _elsewhere(there, own, judged, voting, groups[rows], seed)
    found = _silhouettes(vectors, labels, rows[judged], len(classes), seed)
    voters = np.unique(own[voting])
    # a class that only held-out tiles show has no vote, so nothing can be said to be it
    judged_of = [judged & (own == name) & np.isin(name, voters) for name in range(len(classes))]
    right = [_mean(said[of] == name) for name, of in enumerate(judged_of)]
    away = [float("nan") if elsewhere is None else _mean(elsewhere[of] == name) for name, of in enumerate(judged_of)]
    counts = [int(of.sum()) for of in judged_of]
    return Separation(
        classes=tuple(map(ClassSeparation, classes, counts, found, right, away)),
        tiles=sum(counts),
        silhouette=mean_of_known(np.array(found)),
        gsil=float("nan") if shares is None else _gsil(vectors, shares, asked, seed),
        balanced_accuracy=mean_of_known(np.array(right)),
        balanced_elsewhere=mean_of_known(np.array(away)),
        chance=1 / len(voters),
    )


def _roles(
    labels: NDArray[np.int64], parts: NDArray[np.integer[Any]] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tiles (n,) are judged, and which vote on them: all, where parts leave nothing to judge, or to judge by."""
    everyone = np.ones(len(labels), bool)
    if parts is None:
        return everyone, everyone
    held, train = parts > 0, parts == 0
    parted = (labels[held] >= 0).any() and len(np.unique(labels[train & (labels >= 0)])) >= _FEWEST
    return (held, train) if parted else (everyone, everyone)


def _said(
    vectors: NDArray[Any], labels: NDArray[np.int64], judged: NDArray[np.bool_], voting: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The class of most of the nearest tiles that vote, −1 where nothing is asked: (n,)."""
    said = np.full(len(labels), -1)
    if judged.any() and voting.any():
        everyone = judged.all() and voting.all()
        near = nearest(vectors, _VOTERS) if everyone else nearest(vectors[judged], _VOTERS, vectors[voting])
        said[judged] = _majority(labels[voting][near])
    return said


def _elsewhere(
    vectors: NDArray[Any],
    labels: NDArray[np.int64],
    judged: NDArray[np.bool_],
    voting: NDArray[np.bool_],
    groups: NDArray[np.int64],
    seed: int,
) -> NDArray[np.int64]:
    """The same by tiles of other groups; a few groups are left out together where there are many."""
    _, member = np.unique(groups, return_inverse=True)
    turn = np.random.default_rng(seed).permutation(int(member.max()) + 1)[member] % _FOLDS
    said = np.full(len(labels), -1)
    for fold in np.unique(turn):
        asked, told = judged & (turn == fold), voting & (turn != fold)
        if asked.any() and told.any():
            said[asked] = _majority(labels[told][nearest(vectors[asked], _VOTERS, vectors[told])])
    return said


def _majority(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent of votes (n, k), of equally frequent ones that of the nearest: (n,)."""
    same = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    return np.asarray(votes[np.arange(len(votes)), same.argmax(axis=1)])


def _silhouettes(
    vectors: NDArray[Any], labels: NDArray[np.int64], rows: NDArray[np.int64], classes: int, seed: int
) -> list[float]:
    some = _drawn(rows, _SILHOUETTES, seed)
    values = silhouettes(vectors[some], np.eye(classes, dtype=np.float32)[labels[some]])
    return [mean_of_known(values[labels[some] == name]) for name in range(classes)]


def _gsil(vectors: NDArray[Any], shares: NDArray[np.floating[Any]], seen: NDArray[np.bool_], seed: int) -> float:
    known = _drawn(np.flatnonzero(seen & np.isfinite(shares).all(axis=1)), _SILHOUETTES, seed)
    return silhouette(vectors[known], shares[known]).score if len(known) else float("nan")


def _drawn(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _mean(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if len(right) else float("nan")
