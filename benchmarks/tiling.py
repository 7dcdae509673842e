"""How long `geolabel tile` takes on a 20,000 × 20,000 px raster, start of Python included; the limit is 3 s.

Three rasters: without nodata (no pixel is read), with nodata and overviews, with nodata and no overviews (every block
has to be decoded: the last row shows what that costs). Run: python benchmarks/tiling.py [--sizes 256,64] [--json FILE]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from big_raster import make, with_overviews, without_nodata
from measured import Result, add_json, write_json

SIDE = 20_000
LIMIT_S = 3.0
REPEATS = 3
OUT = Path(__file__).parent / "out"


def main() -> None:
    """Print a row a raster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="256,64", help="of tiles, pixels")
    add_json(parser)
    asked = parser.parse_args()
    results = []
    gaps = make(OUT / "big-20000-nodata.tif", SIDE, nodata=True)
    cases = {
        "no nodata": without_nodata(gaps, OUT / "big-20000-no-nodata.tif"),
        "nodata, overviews": with_overviews(gaps, OUT / "big-20000-nodata-ovr.tif"),
        "nodata, no overviews": gaps,
    }
    print(f"{'raster':24}{'tiles':>10}{'seconds':>10}{'of the limit':>14}")
    for name, path in cases.items():
        for size in map(int, asked.sizes.split(",")):
            times, tiles = [], 0
            for _ in range(REPEATS):
                with tempfile.TemporaryDirectory() as folder:
                    words = ["tile", str(path), "--size", str(size), "-o", f"{folder}/t.parquet", "--json"]
                    began = time.perf_counter()
                    done = subprocess.run(
                        [sys.executable, "-m", "geolabel", *words], check=True, capture_output=True, text=True
                    )
                    times.append(time.perf_counter() - began)
                    tiles = int(done.stdout.split('"tiles": ')[1].split(",")[0])
            seconds = statistics.median(times)
            results.append(Result(f"{name}, {size} px", tuple(times)))
            print(f"{name + f', {size} px':32}{tiles:>10,}{seconds:>10.2f}{seconds / LIMIT_S:>14.2f}", flush=True)
    write_json(asked.json, results)


if __name__ == "__main__":
    main()
