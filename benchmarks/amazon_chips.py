"""The chips of amazon_mining.py: cut from their sheets, and parted so that no place or picture stands on two sides.

The rule was fixed before any score was looked at, and looks at counts only:

1. Chips of one set stay together, whatever their sheet.
2. Sets that show the same pictures (five pairs of chips or more that correlate above .95 on a 12 × 12 grid) are one
   group: chips without a place cannot be kept apart by distance. (They turn out to be the two lists of Peruvian mines,
   and GeoCompass2023 with v4.18.)
3. geolabel's own draw gives whole groups to train, val and test, 60 : 15 : 25 of all chips, of mines, and of the
   negatives that are named for what they show. Of the seeds 0, 1, 2 … the first is taken whose val has two positive
   sets and one named kind of negatives, and whose test has three of each.
4. Chips of train or val whose picture correlates above .9 with one of test (or, of train, with one of val) are left
   out. `geolabel split --buffer 2km` then leaves out those that lie nearer than 2 km.

What this cannot see: two chips of one place, at least one of them without coordinates, whose windows are shifted by
more than some pixels against each other. A search over all shifts found a few such pairs of mines.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from geolabel.tiling.split import SPLITS, UNUSED, draw_split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIZE_PX = 48
SAME_SET, SAME_PICTURE = 0.95, 0.9
"""Correlations from which sets share pictures, and from which chips are kept apart."""
_SHARED_PAIRS = 5
_SHARES = {"train": 0.6, "val": 0.15, "test": 0.25}
_AT_LEAST = {"val": (2, 1), "test": (3, 3)}
"""Positive sets and named kinds of negatives that a part must have."""
NAMED = ("riverbank", "industrial", "landslide", "aquaculture", "cloud_remnant", "random")


@dataclass(frozen=True, slots=True)
class Chips:
    """All chips, in the order of chips.csv."""

    names: NDArray[Any]
    """(n,) without ending."""
    sets: NDArray[Any]
    """(n,)."""
    mine: NDArray[np.bool_]
    """(n,)."""
    lon_lat: NDArray[Any]
    """(n, 2) as written; empty where unknown."""
    pixels: NDArray[np.uint8]
    """(n, 48, 48, 3): red, green, blue."""

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: NDArray[np.int64]) -> Chips:
        """Some of them."""
        return Chips(self.names[rows], self.sets[rows], self.mine[rows], self.lon_lat[rows], self.pixels[rows])


def read_chips(folder: Path) -> Chips:
    """Cut every chip out of its sheet."""
    with (folder / "chips.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sheets: dict[str, NDArray[np.uint8]] = {}
    pixels = np.empty((len(rows), SIZE_PX, SIZE_PX, 3), np.uint8)
    for at, row in enumerate(rows):
        if row["sheet"] not in sheets:
            sheets[row["sheet"]] = np.asarray(Image.open(folder / "sheets" / row["sheet"]).convert("RGB"))
        top, left = int(row["row"]) * SIZE_PX, int(row["col"]) * SIZE_PX
        pixels[at] = sheets[row["sheet"]][top : top + SIZE_PX, left : left + SIZE_PX]
    return Chips(
        np.array([row["chip"] for row in rows]),
        np.array([row["set"] for row in rows]),
        np.array([row["mine"] == "1" for row in rows]),
        np.array([[row["lon"], row["lat"]] for row in rows]),
        pixels,
    )


def thin(chips: Chips, every: int) -> NDArray[np.int64]:
    """Rows of every n-th chip of each set, for a quick run."""
    kept = [np.flatnonzero(chips.sets == name)[::every] for name in np.unique(chips.sets)]
    return np.sort(np.concatenate(kept))


def look_alikes(chips: Chips) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of chips of different sets (m, 2) whose pictures correlate above SAME_PICTURE, and how much (m,)."""
    grid = chips.pixels.reshape(len(chips), 12, 4, 12, 4, 3).mean((2, 4), dtype=np.float32).reshape(len(chips), -1, 3)
    flat = (grid - grid.mean(1, keepdims=True)).reshape(len(chips), -1)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1.0)
    pairs, alike = [], []
    for start in range(0, len(chips), 1000):
        found = flat[start : start + 1000] @ flat.T
        one, other = np.nonzero(found > SAME_PICTURE)
        kept = (one + start < other) & (chips.sets[one + start] != chips.sets[other])
        pairs.append(np.column_stack([one + start, other])[kept])
        alike.append(found[one, other][kept])
    return np.concatenate(pairs), np.concatenate(alike)


def part_chips(chips: Chips) -> tuple[NDArray[Any], int]:
    """Part of each chip by the rule above: (n,) train, val, test, or buffer where left out; and the seed it took."""
    pairs, alike = look_alikes(chips)
    groups = _groups(chips, pairs[alike > SAME_SET])
    named = np.array([kind_of(name) in NAMED for name in chips.sets]) & ~chips.mine
    presence = np.column_stack([chips.mine, named]).astype(float)
    seed, parts = next(found for found in _draws(groups, presence) if _is_varied(chips, found[1]))
    parts, both = parts.astype(object), np.concatenate([pairs, pairs[:, ::-1]])
    for kept, moved in (("test", ("train", "val")), ("val", ("train",))):
        clash = (parts[both[:, 0]] == kept) & np.isin(parts[both[:, 1]], moved)
        parts[both[clash, 1]] = UNUSED
    return parts.astype(str), seed


def kind_of(name: str) -> str:
    """What a set is named for: riverbank, industrial, … or its whole name."""
    return next((kind for kind in NAMED if name.lower().find(kind) >= 0), name)


def _draws(groups: NDArray[np.int64], presence: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[Any]]]:
    seed = 0
    while True:
        yield seed, draw_split(groups, presence, _SHARES, seed)
        seed += 1


def _groups(chips: Chips, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the group that each chip's set belongs to: (n,)."""
    names, number = np.unique(chips.sets, return_inverse=True)
    shared = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(shared, tuple(number[pairs].T), 1)
    group = np.arange(len(names))
    for one, other in np.argwhere(shared + shared.T >= _SHARED_PAIRS):
        group[group == group[other]] = group[one]
    return np.unique(group[number], return_inverse=True)[1].astype(np.int64)


def _is_varied(chips: Chips, parts: NDArray[Any]) -> bool:
    def varied(part: str, positive_sets: int, kinds: int) -> bool:
        inside = parts == part
        negative = {kind_of(name) for name in np.unique(chips.sets[inside & ~chips.mine])}
        return len(np.unique(chips.sets[inside & chips.mine])) >= positive_sets and len(negative & {*NAMED}) >= kinds

    return all(varied(part, *least) for part, least in _AT_LEAST.items())


def write_chips(chips: Chips, parts: NDArray[Any], folder: Path, table: Path) -> None:
    """A folder of PNG chips, and the CSV beside it that `geolabel tile --images --tags` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mine", "set", "lon", "lat", "part"])
        for name, mine, of, place, part, pixels in zip(
            chips.names, chips.mine, chips.sets, chips.lon_lat, parts, chips.pixels, strict=True
        ):
            Image.fromarray(pixels).save(folder / f"{name}.png", compress_level=1)
            writer.writerow([name, int(mine), of, *place, part])


def composition(chips: Chips, parts: NDArray[Any]) -> str:
    """What each part holds, for print."""
    lines = []
    for part in (*SPLITS, UNUSED):
        inside = parts == part
        sets = [f"{name} {int((chips.sets[inside] == name).sum())}" for name in np.unique(chips.sets[inside])]
        lines.append(f"{part}: {int(inside.sum())} chips, {int(chips.mine[inside].sum())} mines: {', '.join(sets)}")
    return "\n".join(lines)
