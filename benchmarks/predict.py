"""`geolabel predict` beside its limit, TorchGeo, Raster Vision and a plain rasterio loop, in one run.

    python benchmarks/predict.py [--repeats 3] [--side 10000] [--rows 2048] [--sizes 256 64] [--device cpu] [--brief]
        [--json FILE]

A region of 10,000 × 10,000 px, 4 bands, uint16, deflate; ResNet-18 with two classes; tiles of 256 and of 64 px side by
side. Everything runs as a fresh process and takes turns with the others; medians of the repeats are shown, and for peak
memory the kernel's word on the process. The peers run the same weights over a part of the region, the upper 2,048 rows,
in an environment of their own, made here from the package index; of their time only the loop counts, while geolabel is
timed as a whole command: start of Python, choice of an engine, both maps, polygons.

Two limits. Forward passes as people write them: float32, channels last, batches of 64 and 512, tiles normalised in
memory (on a GPU: in bfloat16, on the device). And geolabel's own: the engine that it chooses, on tiles that lie in
memory in stored values; beside it, in the same process, the same engine fed by the pipeline, from the first block that
is read to the last answer. Where reading and the network share all cores, that takes the sum of both at the best. First
of all reading alone: the pipeline with a model that says nothing, beside rasterio reading the file from top to bottom
with all threads.

`--brief` is for regions that are so small that the command's start and its maps take as long as the network: there the
pipeline, from the first block to the last answer, is compared with the others' loops, these run one after the other in
one process a turn, and the command runs once, for its seconds and its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from typing import TYPE_CHECKING, Any

from labels_run import apart, run
from measured import PEER_NOT_INSTALLED, Result, add_json, over, write_json
from predict_plan import PART_ROWS, SIZES, Bench, make_rasters, peers, peers_installed, peers_python

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

USUAL, OWN = "forward as usual", "geolabel's own engine"
PIPELINE, COMMAND = "  … fed by the pipeline", "geolabel predict"
PEERS = {"rasterio loop": "loop", "TorchGeo": "torchgeo", "Raster Vision": "rastervision"}
THEIRS = {USUAL: "forward", **PEERS}
"""What the peers' own Python runs, and its name there."""
OF_LIMIT, OF_READING = 0.95, 0.9
SMALL_CACHE = "64"
"""Megabytes: a small block cache is faster than GDAL's own where blocks are read once."""
AGREE = 0.005
"""How far means of probabilities may lie apart: a map has steps of .004."""

Found = dict[str, Any]


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, default=10_000, help="of the region, pixels; smaller: to see that it runs")
    parser.add_argument("--rows", type=int, default=PART_ROWS, help="of the peers' part")
    parser.add_argument(
        "--sizes", nargs="+", type=int, choices=[tile_px for tile_px, _ in SIZES], default=[256, 64], help="of tiles"
    )
    parser.add_argument("--brief", action="store_true", help="the pipeline beside the others' loops; the command once")
    add_json(parser)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    asked = parser.parse_args()
    if asked.json is None or peers_installed():
        peers_python()  # makes the environment
        print(f"peers: {peers()}; Python {sys.version.split()[0]}, {os.cpu_count()} cores, {asked.device}")
    benches = [
        Bench(asked.side, tile_px, batch, asked.device, asked.rows)
        for tile_px, batch in SIZES
        if tile_px in asked.sizes
    ]
    apart(make_rasters, benches[0])
    results: list[Result] = []
    read_s, verdict = reading(benches[0], asked.repeats, results)
    verdicts = [verdict]
    for bench in benches:
        bench.write_plan()
        made = json.loads(run(bench.inside("model")).output)
        bench.write_plan(mean=made["mean"], std=made["std"])
        if peers_installed():
            verdicts += compare(bench, asked.repeats, read_s, results, brief=asked.brief)
        else:
            told = ("the limit", *PEERS, "peak MB", "command, s")
            results += [Result(f"{bench.tile_px} px, {one}", (), PEER_NOT_INSTALLED) for one in told]
    write_json(asked.json, results)
    print()
    for text, good in verdicts:
        print(f"{'ok' if good else 'MISSED':8}{text}")


def reading(bench: Bench, repeats: int, results: list[Result]) -> tuple[float, tuple[str, bool]]:
    """What feeds the network beside rasterio, with GDAL's own cache and a small one; seconds of rasterio's best."""
    bench.write_plan()
    ours = "geolabel's pipeline"
    commands = {ours: bench.inside("strips"), "rasterio": bench.inside("gdal")}
    commands[f"rasterio, cache {SMALL_CACHE} MB"] = bench.inside("gdal", SMALL_CACHE)
    every = turns(commands, repeats)
    found = medians(every)
    own, *others = ([one["seconds"] for one in every[name]] for name in commands)
    results.append(Result("reading, of rasterio", over([min(both) for both in zip(*others, strict=True)], own)))
    speeds = {name: bench.megabytes / one["seconds"] for name, one in found.items()}
    print(f"\nreading alone, {bench.side:,} × {bench.side:,} px\n{'':26}{'seconds':>9}{'MB/s':>9}{'peak MB':>9}")
    for name, one in found.items():
        print(f"{name:26}{one['seconds']:>9.2f}{speeds[name]:>9.0f}{one['peak_mb']:>9.0f}", flush=True)
    best = max(speed for name, speed in speeds.items() if name != ours)
    ratio = speeds[ours] / best
    verdict = f"reading: {ratio:.2f} of rasterio's rate, at least {OF_READING}", ratio >= OF_READING
    return bench.megabytes / best, verdict


def compare(bench: Bench, repeats: int, read_s: float, results: list[Result], *, brief: bool) -> list[tuple[str, bool]]:
    """Print a table for one size of tiles, and give back what is to be kept for the end."""
    bench.forget()
    every = in_brief(bench, repeats) if brief else in_full(bench, repeats)
    for one in every[COMMAND]:
        one["seconds"] = one["wall"]
    every[PIPELINE] = [{"tiles": one["pipeline_tiles"], "seconds": one["pipeline_seconds"]} for one in every[OWN]]
    found, ours = medians(every), PIPELINE if brief else COMMAND
    rates = {name: [rate(one) for one in those] for name, those in every.items()}
    for name, told in ((USUAL, "the limit"), *((name, name) for name in PEERS)):
        results.append(Result(f"{bench.tile_px} px, {told}", over(rates[ours], rates[name])))
    results.append(Result(f"{bench.tile_px} px, peak MB", tuple(one["peak_mb"] for one in every[COMMAND])))
    results.append(Result(f"{bench.tile_px} px, command, s", tuple(one["wall"] for one in every[COMMAND])))
    found[COMMAND]["mean"] = json.loads(run(bench.inside("mean", bench.map)).output)["mean"]
    limit, own = rate(found[USUAL]), found[OWN]
    heading(bench)
    for name in (USUAL, OWN, PIPELINE, COMMAND, *PEERS):
        row(name, found[name], limit)
    print(f"engine of the last command: {in_words(bench.record['engine'])}")
    for name in PEERS:
        times = [rate(found[one]) / rate(found[name]) for one in (PIPELINE, COMMAND)]
        print(f"geolabel by {name}: pipeline {times[0]:.1f} ×, command {times[1]:.1f} ×", flush=True)
    means = [one["mean"] for one in found.values() if "mean" in one]
    size, between = f"{bench.tile_px} px:", max(means) - min(means)
    told = f"{size} {'pipeline' if brief else 'command'}"
    of_limit, leads = rate(found[ours]) / limit, {name: rate(found[ours]) / rate(found[name]) for name in PEERS}
    return [
        *of_pipeline(size, own, found[PIPELINE], read_s),
        (f"{told} {of_limit:.2f} of the limit, at least {OF_LIMIT}", of_limit >= OF_LIMIT),
        *((f"{told} {lead:.1f} × {name}, more than 1", lead > 1) for name, lead in leads.items()),
        (f"{size} all saw the same: means lie {between:.4f} apart, at most {AGREE}", between <= AGREE),
    ]


def in_full(bench: Bench, repeats: int) -> dict[str, list[Found]]:
    """Each in a process of its own, by turns."""
    every = turns(
        {
            OWN: bench.inside("engine"),
            COMMAND: bench.predict(),
            **{name: bench.peers(peer) for name, peer in THEIRS.items()},
        },
        repeats,
    )
    return every | {name: [one | one[peer] for one in every[name]] for name, peer in THEIRS.items()}


def in_brief(bench: Bench, repeats: int) -> dict[str, list[Found]]:
    """The peers in one process a turn, whose memory tells nothing of each; the command once."""
    others = "others"
    every = turns({OWN: bench.inside("engine"), others: bench.peers(*THEIRS.values())}, repeats)
    theirs = every.pop(others)
    return (
        every
        | turns({COMMAND: bench.predict()}, 1)
        | {name: [one[peer] for one in theirs] for name, peer in THEIRS.items()}
    )


def of_pipeline(size: str, own: Found, inner: Found, read_s: float) -> list[tuple[str, bool]]:
    """The pipeline beside its engine on tiles in memory, and beside engine and reading one after the other."""
    print(f"engine by itself: {in_words(own['engine'])}, after {own['trial_seconds']:.1f} s")
    of_own, sum_s = rate(inner) / rate(own), inner["tiles"] / rate(own) + read_s
    print(f"pipeline: {of_own:.2f} of its engine's rate; its engine and reading, one after the other: {sum_s:.1f} s")
    of_sum = sum_s / inner["seconds"]
    return [(f"{size} pipeline {of_sum:.2f} of engine and reading in sum, at least {OF_LIMIT}", of_sum >= OF_LIMIT)]


def heading(bench: Bench) -> None:
    """What stands above a table."""
    width, height = bench.part_px
    print(f"\n{bench.tile_px} px; the others in batches of {bench.batch}, on {width:,} × {height:,} px")
    print(f"{'':26}{'tiles':>8}{'seconds':>9}{'tiles/s':>9}{'of limit':>10}{'peak MB':>9}{'mean':>8}")


def turns(commands: Mapping[str, Sequence[str | Path]], repeats: int) -> dict[str, list[Found]]:
    """Each once, and again: what they printed, and `wall` and `peak_mb`, which the kernel says."""
    runs: dict[str, list[Found]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, words in commands.items():
            cost = run(words)
            runs[name].append({**json.loads(cost.output), "wall": cost.seconds, "peak_mb": cost.peak_mb})
    return runs


def medians(runs: Mapping[str, Sequence[Found]]) -> dict[str, Found]:
    """Of each number, by command."""
    return {name: {key: middle([one[key] for one in found]) for key in found[0]} for name, found in runs.items()}


def middle(values: Sequence[Any]) -> Any:
    """The median of numbers, the last of anything else."""
    return statistics.median(values) if isinstance(values[0], int | float) else values[-1]


def in_words(engine: Mapping[str, Any]) -> str:
    """An engine in words."""
    return f"{engine['kind']} {engine['precision']}, {engine['batch']} tiles (moved {engine['moved']:.4f})"


def rate(one: Found) -> float:
    """Tiles in a second."""
    return float(one["tiles"] / one["seconds"])


def row(name: str, one: Found, limit: float) -> None:
    """A row of the table."""
    memory = f"{one['peak_mb']:.0f}" if "peak_mb" in one else ""
    mean = f"{one['mean']:.4f}" if "mean" in one else ""
    speed = f"{one['tiles']:>8,.0f}{one['seconds']:>9.2f}{rate(one):>9,.1f}{rate(one) / limit:>10.2f}"
    print(f"{name:26}{speed}{memory:>9}{mean:>8}", flush=True)


if __name__ == "__main__":
    main()
