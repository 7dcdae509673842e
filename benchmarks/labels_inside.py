"""What benchmarks/labels.py cannot see from outside: geolabel's steps in a warm process, its reading, and errors.

python labels_inside.py warm TILES OUT OPTION… | read PLAN.json | errors INDEX EXACT | against EXACT TABLE.npy PLAN.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRIP = 512
"""Rows of the raster that are read together, as `label` does."""


def warm(tiles: Path, out: Path, *options: str) -> dict[str, float]:
    """Seconds of `label` when it is called for the second time in a process, and of that the measuring alone."""
    from geolabel.steps import label_maps
    from geolabel.steps.label import label

    place: Any = label_maps
    measure, took = place.measure, [0.0]

    def timed(*words: Any, **more: Any) -> Any:
        began = time.perf_counter()
        found = measure(*words, **more)
        took[0] += time.perf_counter() - began
        return found

    place.measure = timed
    given = dict(zip(options[::2], options[1::2], strict=True))
    seconds = 0.0
    for _ in range(2):
        took[0], began = 0.0, time.perf_counter()
        label(
            tiles,
            osm=[Path(given["--osm"])] if "--osm" in given else [],
            clc=[Path(given["--clc"])] if "--clc" in given else [],
            scheme=given.get("--scheme"),
            output=out,
            overwrite=True,
        )
        seconds = time.perf_counter() - began
    return {"label": seconds, "measure": took[0]}


def read(plan: dict[str, Any]) -> int:
    """The extract as `label` reads it: into a copy with an index, and from there strip by strip; features read."""
    from geolabel import vector

    west, north, gsd = plan["west"], plan["north"], plan["gsd_m"]
    side = plan["side_px"]
    rule, found = ["landuse"], 0
    with vector.open_osm(
        Path(plan["extract"]), rule, rule, lambda table: np.ones(table.num_rows, dtype=bool), lines=False
    ) as layers:
        for row in range(0, side, _STRIP):
            upper, lower = north - row * gsd, north - min(row + _STRIP, side) * gsd
            for layer in layers:
                shapes = layer.read((west, lower, west + side * gsd, upper), plan["crs"]).geometries
                top = shapely.bounds(shapes)[:, 3]
                first = (lower < top) & ((top <= upper) | (row == 0))  # one that reaches over several counts once
                found += int(first.sum())
    return found


def errors(one: Path, other: Path) -> dict[str, float]:
    """Largest difference over the classes in each tile of two indexes."""
    return _spread(np.abs(_shares(one) - _shares(other)).max(axis=1))


def against(reference: Path, table: Path, plan: dict[str, Any]) -> dict[str, float]:
    """The same between an index and a peer's table; of polygons, on tiles where no two overlap."""
    differ = np.abs(_shares(reference) - np.load(table)).max(axis=1)
    return _spread(differ if "clc" in table.stem else differ[_single(plan)])


def _shares(path: Path) -> NDArray[np.float32]:
    """(tiles, classes), row by row; what nobody knows is no share of any class."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns = [table[name].to_numpy() for name in table.column_names if name.startswith("label.")]
    order = np.lexsort((table["col_off"].to_numpy(), table["row_off"].to_numpy()))
    shares: NDArray[np.float32] = np.nan_to_num(np.column_stack(columns))[order]
    return shares


def _single(plan: dict[str, Any]) -> NDArray[np.bool_]:
    """Tiles on which no two polygons overlap: (tiles,)."""
    import pyogrio

    _, _, wkb, _ = pyogrio.raw.read(plan["landuse"], columns=[])
    shapes = shapely.make_valid(shapely.from_wkb(wkb))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    common = shapely.intersection(shapes[one], shapes[other])
    common = common[shapely.area(common) > 0]
    side_m, count = plan["tile_px"] * plan["gsd_m"], plan["side_px"] // plan["tile_px"]
    row, col = (axis.ravel() for axis in np.indices((count, count)))
    west, north = plan["west"] + col * side_m, plan["north"] - row * side_m
    tiles = shapely.box(west, north - side_m, west + side_m, north)
    single = np.ones(len(tiles), dtype=bool)
    single[shapely.STRtree(tiles).query(common, predicate="intersects")[1]] = False
    return single


def _spread(values: NDArray[np.float32]) -> dict[str, float]:
    half, most = np.percentile(values, [50, 99])
    return {"p50": float(half), "p99": float(most), "max": float(values.max()), "tiles": len(values)}


def main() -> None:
    """Run one, and print what it found as JSON."""
    what, *words = sys.argv[1:]
    if what == "warm":
        found: Any = warm(Path(words[0]), Path(words[1]), *words[2:])
    elif what == "read":
        found = read(_plan(words[0]))
    elif what == "errors":
        found = errors(Path(words[0]), Path(words[1]))
    else:
        found = against(Path(words[0]), Path(words[1]), _plan(words[2]))
    print(json.dumps(found))


def _plan(path: str) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return plan


if __name__ == "__main__":
    main()
