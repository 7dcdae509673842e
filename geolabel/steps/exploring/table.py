"""What was found of each tile, as a table that can be sorted, joined and acted on."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.steps.exploring.classes import Labels
    from geolabel.steps.exploring.found import Found
    from geolabel.steps.exploring.tiles import Places
    from geolabel.tiling import TileIndex


def write_table(path: Path, index: TileIndex, places: Places, labels: Labels, found: Found) -> None:
    """CSV, a row a tile: place, label, part, cluster, first projection, and what is odd about it.

    Empty where nothing is known. `duplicate_of` is the lowest tile number of the group of copies; `leak` names the
    parts that the tile's copies, or tiles over the same ground, lie in.
    """
    count = len(index)
    tiles = index.column("tile")
    columns: dict[str, list[str]] = {
        "tile": [str(tile) for tile in tiles.tolist()],
        "source": index.column("source").astype(str).tolist(),
        "lon": _numbers(places.lon, "%.6f"),
        "lat": _numbers(places.lat, "%.6f"),
        "label": labels.names,
        "split": [value or "" for value in index.column("split").tolist()] if _has_split(index) else [""] * count,
        "cluster": [str(member + 1) if member >= 0 else "" for member in found.members.tolist()],
        **{
            name: _numbers(column, "%.5g")
            for name, column in zip("xyz", found.projections[0].points.T.astype(np.float64), strict=False)
        },
        "outlier": _numbers(found.scores, "%.3f"),
        "artefact": _artefacts(found, count),
        "duplicate_of": [str(tiles[row]) if row >= 0 else "" for row in found.copies.first.tolist()],
        "leak": list(found.copies.elsewhere),
    }
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(columns)
        table.writerows(zip(*columns.values(), strict=True))


def _has_split(index: TileIndex) -> bool:
    return "split" in index.table.column_names


def _artefacts(found: Found, count: int) -> list[str]:
    kinds = list(found.artefacts)
    there = np.column_stack([np.zeros((count, 0), bool), *found.artefacts.values()])
    return [" ".join(name for name, seen in zip(kinds, row, strict=True) if seen) for row in there.tolist()]


def _numbers(values: NDArray[np.floating[Any]], form: str) -> list[str]:
    words = np.char.mod(form, np.nan_to_num(values.astype(np.float64)))
    return [str(word) for word in np.where(np.isfinite(values), words, "")]
