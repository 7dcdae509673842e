"""The chips of embeddings.py: mines in Amazonia, cut and parted as amazon_mining.py does, with places to learn from."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
from amazon_chips import part_chips, read_chips, thin, write_chips
from amazon_command import geolabel
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from pathlib import Path

    from amazon_chips import Chips
    from numpy.typing import NDArray

PLACE_KM = 2.0
"""Chips nearer than this are one place, and so are chips of which others lie between them."""
_EARTH_KM = 6371.0088
_QUICK = 10
"""A quick run takes every tenth chip."""


def prepare(data: Path, out: Path, *, quick: bool) -> None:
    """Cut, part, tile and split into `out`, once."""
    if (out / "ready").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    every = read_chips(data)
    parts, _ = part_chips(every)
    kept = thin(every, _QUICK) if quick else np.arange(len(every))
    chips, parts = every.take(kept), parts[kept]
    places = places_of(chips)
    write_chips(chips, parts, out / "chips", out / "chips.csv")
    _add_column(out / "chips.csv", "place", places)
    print(f"\n{len(chips)} chips\n{_counts(chips, parts, places)}")
    geolabel(
        out, "tile", "--images", "chips", "--tags", "chips.csv", "--gsd", "10", "--bands", "red,green,blue",
        "-o", "tiles.parquet",
    )  # fmt: skip
    geolabel(out, "split", "tiles.parquet", "--by", "part", "--buffer", f"{PLACE_KM:g}km")
    (out / "ready").touch()


def places_of(chips: Chips) -> NDArray[Any]:
    """Name of the place of each chip (n,), blank where its coordinates are unknown."""
    known = np.flatnonzero(chips.lon_lat[:, 0] != "")
    lon, lat = np.radians(chips.lon_lat[known].astype(float)).T
    points = _EARTH_KM * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    one, other = cKDTree(points).query_pairs(PLACE_KM, output_type="ndarray").T
    near = coo_array((np.ones(len(one)), (one, other)), shape=(len(known), len(known)))
    names = np.full(len(chips), "", dtype=object)
    names[known] = [f"p{number}" for number in connected_components(near, directed=False)[1]]
    return names.astype(str)


def _counts(chips: Chips, parts: NDArray[Any], places: NDArray[Any]) -> str:
    lines = []
    for part in ("train", "val", "test"):
        inside = parts == part
        placed, sets = inside & (places != ""), np.unique(chips.sets[inside])
        _, sizes = np.unique(places[placed], return_counts=True)
        lines.append(
            f"{part}: {inside.sum()} chips, {chips.mine[inside].sum()} mines, {len(sets)} sets; "
            f"{placed.sum()} chips ({chips.mine[placed].sum()} mines) in {len(sizes)} places, "
            f"{sizes[sizes > 1].sum()} of them in {(sizes > 1).sum()} places of two and more"
        )
    return "\n".join(lines)


def _add_column(table: Path, name: str, values: NDArray[Any]) -> None:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*row, value] for row, value in zip(rows, [name, *values.tolist()], strict=True))
