"""The tabs of the page: outliers, copies, leaks, artefacts, typical and untypical tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geolabel.steps.exploring.copies import parts_of
from geolabel.tiling.split import SPLITS
from geolabel.views.explore_page import Finding, Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.steps.exploring.classes import Labels
    from geolabel.steps.exploring.found import Found
    from geolabel.tiling import TileIndex

_MOST_TILES, _MOST_GROUPS = 500, 200
"""Shown of one finding: more than a person looks through."""
REMEDY = "split again by blocks with a --buffer of at least a tile's side (geolabel split), and give copies one part"


def findings_of(index: TileIndex, labels: Labels, found: Found) -> tuple[Finding, ...]:
    """Those that found something."""
    every = (
        *_outliers(found),
        *_copies(found),
        *_leaks(index, found),
        *_artefacts(found),
        *_of_classes(labels, found),
    )
    return tuple(one for one in every if one.groups)


def _outliers(found: Found) -> Iterator[Finding]:
    rows = np.flatnonzero(found.outlying)
    rows = rows[np.argsort(-found.scores[rows], kind="stable")]
    about = "Tiles that lie farther from their neighbours than these lie from theirs, the farthest first."
    yield Finding("outliers", "Outliers", about + _of(len(rows), _MOST_TILES), _groups(("", rows[:_MOST_TILES])))


def _copies(found: Found) -> Iterator[Finding]:
    groups = sorted(found.copies.groups, key=lambda rows: (-len(rows), int(rows[0])))
    about = "Tiles that show nearly the same picture: they count several times, and teach nothing new."
    shown = [(f"{len(rows)} alike", rows[:_MOST_TILES]) for rows in groups[:_MOST_GROUPS]]
    yield Finding("duplicates", "Near-duplicates", about + _of(len(groups), _MOST_GROUPS), _groups(*shown))


def _leaks(index: TileIndex, found: Found) -> Iterator[Finding]:
    parts, copies = parts_of(index), found.copies
    about = f"What one part of the split learns, another is judged by: {REMEDY}."
    shares = [f"{share:.0%} of the ground".replace("%", " %") for share in copies.share[:_MOST_GROUPS].tolist()]
    for title, pairs, notes in (
        ("Leaks: one picture", copies.leaks, [""] * len(copies.leaks)),
        ("Leaks: one ground", copies.overlaps, shares),
    ):
        groups = [
            Group(f"{SPLITS[parts[pair[0]]]} and {SPLITS[parts[pair[1]]]}", pair, note)
            for pair, note in zip(pairs, notes, strict=False)
        ]
        shown = tuple(groups[:_MOST_GROUPS])
        yield Finding("leaks", title, about + _of(len(pairs), _MOST_GROUPS), shown)


def _artefacts(found: Found) -> Iterator[Finding]:
    about = "Tiles in which the instrument, or the processing, shows more than the ground."
    kinds = [(name, np.flatnonzero(there)) for name, there in found.artefacts.items()]
    shown = [(f"{name}: {len(rows):,}", rows[:_MOST_TILES]) for name, rows in kinds if len(rows)]
    yield Finding("artefacts", "Artefacts", about, _groups(*shown))


def _of_classes(labels: Labels, found: Found) -> Iterator[Finding]:
    if labels.classes:
        titles = [labels.legend.title(name) for name in labels.classes]
    else:
        titles = [f"cluster {number + 1}" for number in range(int(found.members.max(initial=-1)) + 1)]
    what = "class" if labels.classes else "cluster"
    for key, title, about, rows in (
        ("prototypes", "Typical", f"Tiles in the midst of each {what}, no two of them copies.", found.typical),
        (
            "dissimilar",
            "Most different",
            f"Tiles of one {what} that are least alike: what it holds at most; and where its labels may be wrong.",
            found.dissimilar,
        ),
    ):
        yield Finding(key, title, about, _groups(*zip(titles, rows, strict=False)))


def _groups(*titled: tuple[str, NDArray[np.int64]]) -> tuple[Group, ...]:
    return tuple(Group(title, rows) for title, rows in titled if len(rows))


def _of(count: int, most: int) -> str:
    return f" The first {most} of {count:,}; the table has all." if count > most else ""
