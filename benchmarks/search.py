"""Exact search of 10 million vectors of 64 numbers, from the file to the hundred best, beside what bounds it.

The file is made once in a temporary folder: unit vectors around 2,000 centres, float16, as `embed encode` writes them.
Limits: reading its bytes; decoding them; the product alone, of float32 in memory. Peers: FAISS (IndexFlatIP, all of it
float32 in memory) and usearch (exact search of float16). Peers are given vectors that are in memory already; geolabel
reads the file each time, and its peak of memory is that of a process of its own. Then the index of `--index`: how long
it takes to build, to search, and how many of the hundred best it finds.

Run: pip install faiss-cpu usearch, then python benchmarks/search.py [--rows 10000000] [--json FILE] (parts: exact,
peers, index)
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely
from measured import Result, add_json, write_json

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as the command line does

import torch

from geolabel.embeddings import EmbeddingsHeader, EmbeddingsWriter, blocks, tiles_of, vectors_of
from geolabel.embeddings.index import build_index, index_folder, nearest_by_index
from geolabel.learn.nearest import Likeness, best_of, scored
from geolabel.tiling import Source, TileIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZE, TOP, ACROSS, CENTRES = 64, 100, 4096, 2000
PART = 1 << 18
ROUNDS = 3
NONE = np.zeros(0, np.int64)


def main() -> None:
    """Make the file, measure, print."""
    words = argparse.ArgumentParser()
    words.add_argument("parts", nargs="*")
    words.add_argument("--rows", type=int, default=10_000_000)
    add_json(words)
    words.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.inside:
        inside(given.inside)
        return
    parts = given.parts or ["exact", "peers", "index"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.parquet"
        took = clock(lambda: make(path, given.rows))
        print(f"{given.rows:,} × {SIZE} float16, {path.stat().st_size / 1e9:.2f} GB, written in {took:.1f} s; ", end="")
        print(f"{torch.get_num_threads()} threads")
        results = exact(path) if "exact" in parts else []
        if "peers" in parts:
            peers(path)
        if "index" in parts:
            results += index(path)
    write_json(given.json, results)


def make(path: Path, count: int) -> None:
    """Write the file, tile by tile of a region 4096 tiles wide."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CENTRES, SIZE)).astype(np.float32)
    source = Source(
        "r.tif", "raster", ("red",), "uint8", (1.0,), (0.0,), None, "EPSG:32719", (10, 0, 0, 0, -10, 0), 10, ""
    )
    tiling = {"sampling": "grid", "size": [32, 32], "stride": 32}
    index = TileIndex(table(np.zeros(0, np.int64)), (source,), "EPSG:32719", tiling)
    with EmbeddingsWriter(path, index, EmbeddingsHeader(SIZE, "float16", norm=True, model={})) as writer:
        for start in range(0, count, PART):
            rows = np.arange(start, min(start + PART, count))
            vectors = centres[rng.integers(0, CENTRES, len(rows))] + rng.standard_normal((len(rows), SIZE), np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            writer.write(table(rows), vectors)


def table(rows: NDArray[np.int64]) -> pa.Table:
    """Tiles of 32 × 32 px of 10 m."""
    row, col = np.divmod(rows, ACROSS)
    side, whole = 320.0, np.full(len(rows), 32, np.int32)
    boxes = shapely.box(col * side, -(row + 1) * side, (col + 1) * side, -row * side)
    return pa.table(
        {
            "tile": rows,
            "source": pa.array(["r.tif"] * len(rows), pa.string()),
            "col_off": (col * 32).astype(np.int32),
            "row_off": (row * 32).astype(np.int32),
            "width": whole,
            "height": whole,
            "valid": np.ones(len(rows), np.float32),
            "geometry": pa.array(shapely.to_wkb(boxes), pa.binary()),
        }
    )


def clock(work: Callable[[], Any]) -> float:
    """Seconds by the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def told(what: str, work: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, ...]:
    """Best and worst of some rounds, printed; all of them."""
    took = [clock(work) for _ in range(rounds)]
    print(f"  {what:<58} {min(took):7.2f} – {max(took):.2f} s", flush=True)
    return tuple(took)


def examples(path: Path, count: int) -> NDArray[np.float32]:
    """Vectors of some tiles, spread over the file."""
    rows = np.random.default_rng(7).integers(0, sum(len(part) for _, part in blocks(path)), count)
    return vectors_of(path, np.sort(rows)).astype(np.float32)


def found(path: Path, like: NDArray[np.float32], device: str = "cpu", threads: int = 1) -> NDArray[np.int64]:
    """The search, from the file to the rows."""
    where = torch.device(device)
    score = Likeness.of(like, like[:0], norm=True, device=where)
    return best_of(scored(blocks(path, threads), score, where), TOP, NONE).rows


def exact(path: Path) -> list[Result]:
    """The search and its limits."""
    results = []
    like = examples(path, 5)
    print("limits")
    told("reading the bytes of the file", lambda: drained(path))
    told("decoding all vectors", lambda: [len(part) for _, part in blocks(path)])
    part = torch.randn(PART, SIZE)
    several, times = torch.from_numpy(like), -(-rows_of(path) // PART)
    told("product with 5 examples, float32, in memory", lambda: [part @ several.T for _ in range(times)])
    print("geolabel, from the file")
    for count in (1, 5, 50):
        some = examples(path, count)
        took = told(f"{count} examples", lambda some=some: found(path, some))
        results.append(Result(f"{count} examples, s", took))
    if torch.cuda.is_available():
        threads = min(8, (os.cpu_count() or 1) // 2)
        for count in (1, 5, 50):
            some = examples(path, count)
            told(
                f"{count} examples, {torch.cuda.get_device_name()}",
                lambda some=some: found(path, some, "cuda", threads),
            )
    best = found(path, like)
    told("the hundred tiles found, with their places", lambda: tiles_of(path, best))
    subprocess.run([sys.executable, __file__, "--inside", str(path)], check=True)
    return results


def inside(path: Path) -> None:
    """Memory of a process that does nothing else; what is mapped from the file counts, though it can go at any time."""
    like = vectors_of(path, np.array([1, 5, 9])).astype(np.float32)
    before = memory_mib("VmHWM")
    found(path, like)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak of memory {peak:.0f} MiB, of which {before:.0f} MiB before the search")


def memory_mib(name: str) -> float:
    """What Linux says of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def rows_of(path: Path) -> int:
    """Vectors in the file."""
    return sum(len(part) for _, part in blocks(path))


def drained(path: Path) -> None:
    """Read a file to its end."""
    buffer = bytearray(1 << 22)
    with path.open("rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass


def peers(path: Path) -> None:
    """FAISS and usearch, on vectors that are in memory."""
    import faiss
    from usearch.index import MetricKind, search

    like = examples(path, 5)
    print(f"peers, from memory: FAISS {faiss.__version__}")
    half = np.concatenate([part for _, part in blocks(path)])
    told(
        "usearch, exact, float16, 1 example",
        lambda: search(half, like[0].astype(np.float16), TOP, MetricKind.IP, exact=True),
        1,
    )
    flat = faiss.IndexFlatIP(SIZE)
    print(f"  {'FAISS: to float32 and into the index':<58} {clock(lambda: flat.add(half.astype(np.float32))):7.2f} s")
    told("FAISS IndexFlatIP, 1 example", lambda: flat.search(like[:1], TOP))
    told("FAISS IndexFlatIP, 5 examples", lambda: flat.search(like, TOP))
    _, rows = flat.search(like[:1], TOP)
    same = len(np.intersect1d(rows[0], found(path, like[:1])))
    print(f"  of its hundred best, geolabel finds {same}")


def index(path: Path) -> list[Result]:
    """The index of `--index`."""
    print("index")
    print(f"  {'building':<58} {clock(lambda: build_index(path)):7.1f} s")
    stored = sum(each.stat().st_size for each in index_folder(path).iterdir())
    print(f"  {stored / 1e9:.2f} GB on disk")
    some = examples(path, 20)
    told("one example", lambda: nearest_by_index(path, some[:1], TOP))
    shares = [len(np.intersect1d(nearest_by_index(path, one[None], TOP), found(path, one[None]))) / TOP for one in some]
    print(f"  of the hundred best it finds {np.mean(shares):.1%} (of 20 examples; the worst {min(shares):.0%})")
    return [Result("found by the index", (float(np.mean(shares)),))]


if __name__ == "__main__":
    main()
