"""`geolabel label` beside geopandas.overlay, exactextract, pyosmium and pyogrio, on the same input, in one run.

    python benchmarks/labels.py [osm] [clc] [big] [pbf] [--repeats 3] [--without PEERS] [--json FILE]
        [--half | --quick]

Everything runs as a fresh process, start of Python and reading of files included; what the kernel says of its time and
its largest memory is printed, medians of the repeats, and the peers take turns with geolabel, so that both see the same
machine. Peers live in an environment of their own, made here from the package index; with --json they are left out
where it has not been made. --half is half of the region, but for big; --quick is a sixteenth of it, once: to see that
all of it runs.

osm    97,344 tiles of 32 px, 201,389 polygons in a GeoPackage. overlay is how people write it (geopandas.overlay, and a
       sum by tile and class: where polygons overlap, both count); burn is a raster of classes at 10 m and exactextract
       on the tiles; cells is exactextract the other way round, over a raster whose cells are the tiles (both count).
       Also --exact, and its areas against overlay's where no two polygons overlap.
clc    a raster like CORINE's, 1109 × 1110 px in EPSG:3035, on the same tiles.
big    a million tiles, 2,069,000 polygons.
pbf    the polygons as .osm.pbf: reading alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from labels_inputs import BIG, HALF, OUT, QUICK, QUICK_BIG, SMALL, Region, make_clc, make_region
from labels_run import Cost, apart, environment, in_turn, installed, middle, run, times_as_fast, turns
from measured import PEER_NOT_INSTALLED, Result, add_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).parent
PARTS = ("osm", "clc", "big", "pbf")
ALL_PEERS = frozenset(("overlay", "burn", "cells", "clc", "clc-wkb", "pyosmium", "pyogrio"))
PEER_PACKAGES = ("geopandas", "exactextract", "rasterio", "pyogrio", "shapely", "osmium", "pyarrow")
OVERLAY_TIMES, CLC_TIMES = 4.0, 8.0
"""How many times as fast as overlay, and as exactextract."""
ERROR, MEMORY_MB, BIG_S = 0.0025, 700.0, 60.0


@dataclass(slots=True)
class Bench:
    """What has been asked for, and what was found."""

    region: Region
    big: Region
    repeats: int
    without: frozenset[str] = frozenset()
    """Peers that are left out."""
    results: list[Result] = field(default_factory=list)
    verdicts: list[tuple[str, bool]] = field(default_factory=list)
    peak_mb: float | None = None
    """Of geolabel on the small region."""

    @property
    def tiles(self) -> Path:
        """The index of the small region."""
        return OUT / f"{self.region.name}.parquet"

    def label(self, name: str, *options: str | Path) -> list[str | Path]:
        """A command of geolabel. Also tiles of which little is known are kept: they count in the errors."""
        words = ("label", self.tiles, *options, "--min-known", "0", "-o", self.labelled(name), "--overwrite", "-q")
        return [sys.executable, "-m", "geolabel", *words]

    def labelled(self, name: str) -> Path:
        """Where a command of geolabel writes."""
        return OUT / f"{self.region.name}-{name}.parquet"

    def peer(self, name: str) -> list[str | Path]:
        """A command of a peer."""
        return [peers_python(), HERE / "labels_peers.py", name, self.region.write_plan(), self.table(name)]

    def turns(self, own: Mapping[str, Sequence[str | Path]], peers: Mapping[str, str]) -> dict[str, list[Cost]]:
        """Own commands and those of peers that are not left out, in turns."""
        kept = {name: self.peer(command) for name, command in peers.items() if command not in self.without}
        return turns({**own, **kept}, self.repeats)

    def table(self, name: str) -> Path:
        """Where a command of a peer writes."""
        return OUT / f"{self.region.name}-{name}.npy"

    def osm(self, name: str, *more: str) -> list[str | Path]:
        """`label` with the polygons."""
        return self.label(name, "--osm", self.region.landuse, "--scheme", OUT / "landuse.toml", *more)

    def errors_and_memory(
        self, name: str, found: Mapping[str, float], costs: Mapping[str, Sequence[Cost]]
    ) -> tuple[Result, Result]:
        """How far 99 of 100 tiles are from exact geometry at the most, and the peak."""
        peaks = tuple(cost.peak_mb for cost in costs[name])
        return Result(f"{name}, p99 error", (found["p99"],)), Result(f"{name}, peak MB", peaks)

    def verdict(self, text: str, *, good: bool) -> None:
        """Keep it for the end."""
        self.verdicts.append((text, good))


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all where none is named")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without", default="", help="peers to be left out, with commas: burn, clc-wkb …")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--half", action="store_true", help="half as many tiles and polygons (osm, clc, pbf)")
    size.add_argument("--quick", action="store_true", help="a sixteenth of them, once")
    add_json(parser)
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    without = frozenset(asked.without.split(","))
    if asked.json and installed(OUT / "peers") is None:
        without = ALL_PEERS
    region = HALF if asked.half else SMALL
    bench = Bench(QUICK, QUICK_BIG, 1, without) if asked.quick else Bench(region, BIG, asked.repeats, without)
    if without != ALL_PEERS:
        peers_python()  # makes the environment
        print(f"peers: {peers()}; Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    apart(make_region, bench.region)
    tile(bench.region, bench.tiles)
    run(bench.osm("geolabel"))  # kernels are compiled once, and kept: not part of any figure
    run(bench.osm("exact", "--exact"))
    parts: dict[str, Callable[[Bench], None]] = {"osm": osm, "clc": clc, "big": big, "pbf": pbf}
    for name in PARTS:
        if name in asked.parts or not asked.parts:
            parts[name](bench)
    print()
    for text, good in bench.verdicts:
        print(f"{'ok' if good else 'MISSED':8}{text}")
    write_json(asked.json, bench.results)


def osm(bench: Bench) -> None:
    """Polygons: geolabel, both ways, beside three ways of others."""
    own = {"osm": bench.osm("geolabel"), "osm --exact": bench.osm("exact", "--exact")}
    every = bench.turns(own, {name: name for name in ("overlay", "burn", "cells")})
    costs = {name: middle(found) for name, found in every.items()}
    heading(f"OSM: {bench.region.tiles:,} tiles of 32 px, {bench.region.polygons:,} polygons")
    rates(costs, bench.region.tiles, "overlay")
    warm(bench, "--osm", bench.region.landuse, "--scheme", OUT / "landuse.toml")
    found = errors(bench, "geolabel")
    plan = bench.region.write_plan()
    differ = {
        name: inside("against", bench.labelled("exact"), bench.table(name), plan)
        for name in ("overlay", "burn", "cells")
        if name in every
    }
    for name, apart_by in differ.items():
        spread(f"{name}, where nothing overlaps", apart_by)
    bench.peak_mb = costs["osm"].peak_mb
    bench.results += [
        *(times_as_fast(every, one, other) for one in own for other in ("overlay", "cells")),
        *bench.errors_and_memory("osm", found, every),
        Result("osm --exact, from overlay", (differ["overlay"]["max"],))
        if "overlay" in differ
        else Result("osm --exact, from overlay", (), PEER_NOT_INSTALLED),
    ]
    bench.verdict(f"osm: p99 error {found['p99']:.3%}, at most {ERROR:.2%}", good=found["p99"] <= ERROR)
    verdict_memory(bench, "osm", costs["osm"])
    if "overlay" in every:
        for way, least in (("osm", OVERLAY_TIMES), ("osm --exact", 1.0)):
            times = costs["overlay"].seconds / costs[way].seconds
            bench.verdict(f"{way}: {times:.1f} × overlay, at least {least:g}", good=times >= least)
        most = differ["overlay"]["max"]
        bench.verdict(f"exact: differs from overlay by {most:.1e} at the most, 1e-5 allowed", good=most < 1e-5)


def clc(bench: Bench) -> None:
    """A class raster in another CRS: geolabel beside exactextract."""
    apart(make_clc, bench.region)
    own = {"clc": bench.label("clc", "--clc", bench.region.clc)}
    run(own["clc"])
    every = bench.turns(own, {"exactextract": "clc", "exactextract, WKB": "clc-wkb"})
    costs = {name: middle(found) for name, found in every.items()}
    heading(f"CLC: {bench.region.tiles:,} tiles of 32 px, 100 m in EPSG:3035")
    rates(costs, bench.region.tiles, "exactextract")
    warm(bench, "--clc", bench.region.clc)
    checked = run(bench.label("clc-exact", "--clc", bench.region.clc, "--exact"))
    row("geolabel --exact", checked, bench.region.tiles, costs.get("exactextract"))
    found = errors(bench, "clc", "clc-exact")
    bench.results += [times_as_fast(every, "clc", "exactextract"), *bench.errors_and_memory("clc", found, every)]
    bench.verdict(f"clc: p99 error {found['p99']:.3%}, at most {ERROR:.2%}", good=found["p99"] <= ERROR)
    verdict_memory(bench, "clc", costs["clc"])
    if "exactextract" in every:
        plan = bench.region.write_plan()
        spread("exactextract", inside("against", bench.labelled("clc-exact"), bench.table("clc"), plan))
        times = costs["exactextract"].seconds / costs["clc"].seconds
        bench.verdict(f"clc: {times:.1f} × exactextract, at least {CLC_TIMES:g}", good=times >= CLC_TIMES)


def big(bench: Bench) -> None:
    """Whether memory stays where it is."""
    large = Bench(bench.big, bench.big, bench.repeats)
    apart(make_region, large.region)
    tile(large.region, large.tiles)
    if bench.peak_mb is None:
        bench.peak_mb = in_turn({"geolabel": bench.osm("geolabel")}, bench.repeats)["geolabel"].peak_mb
    cost = in_turn({"geolabel": large.osm("geolabel")}, bench.repeats)["geolabel"]
    heading(f"Big: {large.region.tiles:,} tiles of 32 px, {large.region.polygons:,} polygons")
    row("geolabel", cost, large.region.tiles, None)
    more = cost.peak_mb / bench.peak_mb
    print(f"{bench.peak_mb:.0f} MB on {bench.region.tiles:,} tiles: {more:.2f} times as much")
    bench.verdict(f"big: {cost.seconds:.1f} s, less than {BIG_S:g}", good=cost.seconds < BIG_S)
    verdict_memory(bench, "big", cost)


def pbf(bench: Bench) -> None:
    """Reading an extract."""
    if not bench.region.extract.exists():
        if bench.without == ALL_PEERS:  # pyosmium writes it
            bench.results += [Result(name, (), PEER_NOT_INSTALLED) for name in ("pbf, by pyosmium", "pbf, peak MB")]
            return
        run(bench.peer("write-extract"))
    plan = bench.region.write_plan()
    own: dict[str, Sequence[str | Path]] = {"pbf": [sys.executable, HERE / "labels_inside.py", "read", plan]}
    every = bench.turns(own, {"pyosmium": "pyosmium", "pyogrio": "pyogrio"})
    costs = {name: middle(found) for name, found in every.items()}
    bench.results += [
        times_as_fast(every, "pbf", "pyosmium"),
        Result("pbf, peak MB", tuple(cost.peak_mb for cost in every["pbf"])),
    ]
    megabytes = bench.region.extract.stat().st_size / 1e6
    heading(f"PBF: {bench.region.polygons:,} polygons, {megabytes:.0f} MB", "polygons/s")
    rates(costs, bench.region.polygons, "pyosmium")
    for name, cost in costs.items():
        if int(cost.output) != bench.region.polygons:
            print(f"{name} read {int(cost.output):,} polygons")


def heading(text: str, rate: str = "tiles/s") -> None:
    """A line above a table."""
    print(f"\n{text}\n{'':28}{'seconds':>9}{rate:>12}{'peak MB':>9}{'ratio':>8}", flush=True)


def rates(costs: Mapping[str, Cost], count: int, peer: str) -> None:
    """A row each; the ratio says how many times as fast as one of them it is."""
    for name, cost in costs.items():
        row(name, cost, count, costs.get(peer))


def row(name: str, cost: Cost, count: int, peer: Cost | None) -> None:
    """A row of a table."""
    ratio = f"{peer.seconds / cost.seconds:>8.2f}" if peer else ""
    print(f"{name:28}{cost.seconds:>9.2f}{count / cost.seconds:>12,.0f}{cost.peak_mb:>9.0f}{ratio}", flush=True)


def warm(bench: Bench, *options: str | Path) -> None:
    """What is left of geolabel's time without the start of Python and the loading of compiled kernels."""
    runs = [inside("warm", bench.tiles, bench.labelled("warm"), *options) for _ in range(bench.repeats)]
    for name, words in (("label", "second call in a process"), ("measure", "of that, measuring")):
        seconds = statistics.median(run[name] for run in runs)
        print(f"  {words:26}{seconds:>9.2f}{bench.region.tiles / seconds:>12,.0f}", flush=True)


def errors(bench: Bench, name: str, reference: str = "exact") -> dict[str, float]:
    """Against --exact, over all tiles."""
    found = inside("errors", bench.labelled(name), bench.labelled(reference))
    spread("geolabel", found)
    return found


def spread(name: str, found: Mapping[str, float]) -> None:
    """Errors in a line: the largest over the classes of each tile."""
    print(
        f"error of {name}: p50 {found['p50']:.4%}, p99 {found['p99']:.4%}, max {found['max']:.4%} "
        f"of a tile, {found['tiles']:,} tiles",
        flush=True,
    )


def verdict_memory(bench: Bench, name: str, cost: Cost) -> None:
    """Against the limit."""
    bench.verdict(f"{name}: {cost.peak_mb:.0f} MB, less than {MEMORY_MB:g}", good=cost.peak_mb < MEMORY_MB)


def tile(region: Region, index: Path) -> None:
    """`geolabel tile`, not counted."""
    run([sys.executable, "-m", "geolabel", "tile", region.raster, "--size", "32", "-o", index, "--overwrite", "-q"])


def inside(what: str, *words: str | Path) -> dict[str, float]:
    """What labels_inside.py finds."""
    found: dict[str, float] = json.loads(run([sys.executable, HERE / "labels_inside.py", what, *words]).output)
    return found


def peers() -> str:
    """Which versions."""
    lines = (OUT / "peers" / "installed.txt").read_text(encoding="utf-8").splitlines()
    return ", ".join(line.replace("==", " ") for line in lines if line.split("==")[0] in PEER_PACKAGES)


def peers_python() -> Path:
    """Of the peers' own environment."""
    return environment(OUT / "peers", PEER_PACKAGES)


if __name__ == "__main__":
    main()
