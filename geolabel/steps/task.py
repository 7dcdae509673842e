"""What of a tile index is to be learned: classes and their heads, tiles, and what is known of them."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster
from geolabel.errors import BandError, EmptyError, TileIndexError, listed
from geolabel.labels.scheme import Scheme
from geolabel.learn.chips import Chips, cached_chips, load_chips
from geolabel.learn.heads import choose_heads, share_targets, targets
from geolabel.learn.lesson import Lesson
from geolabel.model import BandContract, Head, ModelCard
from geolabel.progress import log
from geolabel.scoring.thresholds import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.recipe import Recipe
    from geolabel.tiling.index import TileIndex

PRESENCE = 0.1
"""Share from which a class counts as present where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Task:
    """Tiles with their labels, as a model is to learn them."""

    path: Path
    index: TileIndex
    scheme: Scheme
    """Its classes in the order of the heads."""
    heads: tuple[Head, ...]
    presence: dict[str, float]
    """Share from which each class counts as present."""
    rows: NDArray[np.int64]
    """Rows of the index that have a label: (n,)."""
    parts: NDArray[Any]
    """Their part, train, val or test: (n,)."""
    targets: NDArray[np.float32]
    """(n, classes): what is learned, NaN unknown."""
    truth: NDArray[np.float32]
    """(n, classes): 1 present, 0 absent, NaN unknown."""
    weights: NDArray[np.float32]
    """(n,): how much each tile counts."""

    @property
    def names(self) -> tuple[str, ...]:
        """Classes, in the order of the outputs."""
        return self.scheme.names

    def of_part(self, part: str) -> NDArray[np.int64]:
        """Numbers (m,) of the tiles of a part, among those of the task."""
        return np.flatnonzero(self.parts == part)

    def lesson(self, chips: Chips, train: NDArray[np.int64], val: NDArray[np.int64]) -> Lesson:
        """The same with pixels."""
        return Lesson(chips, self.targets, self.truth, self.weights, train, val, self.heads)

    def chips(self, cache: Path | None, scratch_in: Path) -> AbstractContextManager[Chips]:
        """The pixels of the tiles; kept in `cache` where that is given, else decoded for this once."""
        return open_chips(self.index, self.rows, self.path, cache, scratch_in)

    def card(self, recipe: Recipe, bands: tuple[BandContract, ...], settings: dict[str, Any]) -> ModelCard:
        """The contract of a model of these classes, before anything was learned."""
        source = self.index.sources[0]
        known_gsd = [found.gsd_m for found in self.index.sources if found.gsd_m]
        width, height = self.index.size_px
        attribution = (entry.get("attribution") for entry in self.index.label_sources)
        return ModelCard(
            architecture=recipe.model,
            heads=self.heads,
            scheme=self.scheme.to_json(),
            bands=bands,
            dtype=source.dtype,
            nodata=source.nodata,
            gsd_m=float(np.median(known_gsd)) if known_gsd else None,
            tile_px=(int(width), int(height)),
            presence=self.presence,
            thresholds=dict.fromkeys(self.names, DEFAULT),
            settings=settings,
            trained_on={
                "sources": [{"path": found.path, "fingerprint": found.fingerprint} for found in self.index.sources],
                "labels": list(self.index.label_sources),
                "split": self.index.split,
                "history": list(self.index.history),
                "options": files.to_json(recipe),
                "versions": files.versions(),
            },
            attribution=tuple(str(text) for text in attribution if text),
        )


@contextmanager
def open_chips(
    index: TileIndex, rows: NDArray[np.int64], path: Path, cache: Path | None, scratch_in: Path
) -> Iterator[Chips]:
    """The pixels of the tiles `rows` of an index; kept in `cache` where that is given, else decoded for this once."""
    if cache:
        yield cached_chips(index, rows, path.parent, cache)
        return
    with files.scratch(scratch_in) as scratch:
        yield load_chips(index, rows, path.parent, scratch)


def make_task(
    index: TileIndex, path: Path, recipe: Recipe, *, parts: Sequence[str], given: NDArray[Any] | None = None
) -> Task:
    """What there is to learn in the tiles of `parts`; `given` (all tiles of the index,) is used instead of its split.

    Raises TileIndexError (not labelled, not split), BandError (--pairs, and tiles of one date), EmptyError (a part
    without tiles, nothing to learn).
    """
    if not index.class_names or index.scheme is None:
        raise TileIndexError(f"{path}: has no labels; attach some with geolabel label")
    if index.split is None and given is None:
        raise TileIndexError(f"{path}: is not split into train, val and test; run geolabel split first")
    if recipe.pairs:
        check_pairs(index, path)
    found = Scheme.from_json(index.scheme).subset(index.class_names)
    heads = choose_heads(found, recipe.heads)
    scheme = found.subset(name for head in heads for name in head.classes)
    recorded = index.labelling.get("presence", {})
    presence = {name: recipe.presence or float(recorded.get(name, PRESENCE)) for name in scheme.names}
    shares = index.shares[:, [index.class_names.index(name) for name in scheme.names]]
    part = given if given is not None else index.column("split").astype(str)
    useful = np.isfinite(shares).any(axis=1) & np.isin(part, parts) & whole_tiles(index)
    for name in parts:
        if not (useful & (part == name)).any():
            raise EmptyError(
                f"{path}: no labelled tile of at least half the size in {name}; lower --min-known of geolabel label, "
                "split anew with another --block, or tile with a smaller --size"
            )
    rows = np.flatnonzero(useful)
    truth = targets(shares[rows], heads, presence)
    task = Task(
        path=path,
        index=index,
        scheme=scheme,
        heads=heads,
        presence=presence,
        rows=rows,
        parts=part[rows],
        targets=share_targets(shares[rows], heads) if recipe.targets == "shares" else truth,
        truth=truth,
        weights=_weights(index, rows, recipe),
    )
    _check_shown(task)
    return task


def check_pairs(index: TileIndex, path: Path) -> None:
    """Raise BandError where tiles are not of two dates."""
    bands = index.sources[0].bands
    if raster.pair_bands(bands) is None:
        raise BandError(
            f"{path}: --pairs needs tiles of two dates, these have the bands {listed(bands)}; make some with "
            "geolabel tile BEFORE AFTER --pairs, and label what changed"
        )


def whole_tiles(index: TileIndex) -> NDArray[np.bool_]:
    """Tiles (n,) of which the raster's edge has left at least half."""
    width, height = index.size_px
    whole = np.asarray(index.column("width") * index.column("height") >= width * height / 2)
    if not whole.all():
        log.info("%d tiles that the raster's edge cuts to less than half are left out", int((~whole).sum()))
    return whole


def without_unknown(task: Task, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the tiles `rows` of which every label is known. Raises EmptyError where there are none."""
    kept = rows[np.isfinite(task.truth[rows]).all(axis=1)]
    if not len(kept):
        raise EmptyError(f"{task.path}: no training tile has all its labels; use --missing mask or self-train")
    return kept


def with_targets(task: Task, targets: NDArray[np.float32]) -> Task:
    """The same with other targets to learn; what it is judged by stays."""
    return replace(task, targets=targets)


def _weights(index: TileIndex, rows: NDArray[np.int64], recipe: Recipe) -> NDArray[np.float32]:
    from geolabel.learn.balance import known_weights

    if not recipe.weigh_known:
        return np.ones(len(rows), np.float32)
    return known_weights(index.column("known")[rows].astype(np.float32))


def _check_shown(task: Task) -> None:
    learned = task.truth[task.of_part("train")]
    absent = [name for name, seen in zip(task.names, (learned == 1).any(axis=0), strict=True) if not seen]
    if len(absent) == len(task.names):
        raise EmptyError(
            f"{task.path}: no training tile shows any class; lower --presence, or split with another --seed"
        )
    if absent:
        log.warning("no training tile shows %s: the model cannot learn it", listed(absent))
