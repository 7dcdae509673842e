"""What is found among tiles by their features and pictures: the numbers behind the page and the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.embeddings.clusters import NOISE, hdbscan, kmeans
from geolabel.errors import EmptyError
from geolabel.exploration.neighbours import nearest
from geolabel.exploration.outliers import is_outlier, outliers
from geolabel.exploration.projection import project
from geolabel.exploration.prototypes import dissimilar, prototypical
from geolabel.progress import log, track
from geolabel.steps.exploring.copies import copies_of, parts_of
from geolabel.steps.exploring.separations import separation_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.exploration.projection import Projection
    from geolabel.exploration.separation import Separation
    from geolabel.steps.exploring.choices import Choices
    from geolabel.steps.exploring.classes import Labels
    from geolabel.steps.exploring.copies import Copies
    from geolabel.steps.exploring.looking import Looked
    from geolabel.tiling import TileIndex

_NEIGHBOURS = 15
SHOWN = 8
"""Typical tiles of a class, and as many of its most different."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found among n tiles."""

    projections: tuple[Projection, ...]
    members: NDArray[np.int16]
    """(n,): cluster, the largest first; −1 where a tile belongs to none."""
    scores: NDArray[np.float32]
    """(n,): how far a tile lies from its neighbours, beside how far they lie from theirs."""
    outlying: NDArray[np.bool_]
    copies: Copies
    artefacts: dict[str, NDArray[np.bool_]]
    """(n,) by what is wrong; {} where nobody looked at pixels."""
    typical: tuple[NDArray[np.int64], ...]
    """Rows of each class, or of each cluster where nothing is labelled."""
    dissimilar: tuple[NDArray[np.int64], ...]
    separation: Separation | None
    """None without labels of two classes."""
    clusters_note: str
    """Why there are no clusters; empty where there are."""

    @property
    def spoilt(self) -> int:
        """Tiles with any artefact."""
        return int(np.any([np.zeros(len(self.scores), bool), *self.artefacts.values()], axis=0).sum())


def find(index: TileIndex, looked: Looked, labels: Labels, choices: Choices) -> Found:
    """Compare the tiles of an index. Raises OptionError, EmptyError, InputError (features that are no numbers)."""
    vectors, seed = looked.features, choices.seed
    parts = split_of(index)
    learned = parts if looked.by_model else None
    near = nearest(vectors, _NEIGHBOURS)
    scores = outliers(near)
    members, note = _clusters(vectors, choices)
    wanted = [(method, dims) for method in choices.methods for dims in choices.dims]
    projections = tuple(
        project(vectors, method, dims, seed=seed, labels=labels.codes, parts=parts, neighbours=near)
        for method, dims in track(wanted, what="projecting tiles", unit="projections")
    )
    groups = labels.codes if labels.classes else members.astype(np.int64)
    return Found(
        projections=projections,
        members=members,
        scores=scores,
        outlying=is_outlier(scores),
        copies=copies_of(index, looked.seen.signatures if looked.seen else None),
        artefacts=_artefacts(looked),
        typical=prototypical(vectors, groups, SHOWN),
        dissimilar=dissimilar(vectors, groups, SHOWN),
        separation=separation_of(index, vectors, labels, learned, seed) if labels.tell_apart else None,
        clusters_note=note,
    )


def split_of(index: TileIndex) -> NDArray[np.int64] | None:
    """Part of each tile (n,): 0 trains, 1 and 2 are held out, −1 is neither; None where no tile trains."""
    parts = parts_of(index)
    return parts if (parts == 0).any() else None


def _artefacts(looked: Looked) -> dict[str, NDArray[np.bool_]]:
    if looked.seen is None:
        return {}
    told = looked.seen.artefacts
    return {"stripes": told.striped, "saturated": told.bright, "empty": told.blank}


def _clusters(vectors: NDArray[np.float32], choices: Choices) -> tuple[NDArray[np.int16], str]:
    count = len(vectors)
    none = np.full(count, NOISE, np.int16)
    if choices.clusters == "none":
        return none, ""
    if choices.clusters == "kmeans":
        return kmeans(lambda: [(0, vectors)], count, choices.k, choices.seed).members, ""
    try:
        return hdbscan(lambda: [(0, vectors)], count).members, ""
    except EmptyError as error:
        log.warning("%s", error)
        return none, f"There are no clusters: {error}."
