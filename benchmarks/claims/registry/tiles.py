"""Tiles, their labels, and how they are read."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

BENCHMARKS = (
    Benchmark(
        "tiling",
        "Tiling",
        ("tiling.py", "--sizes", "64"),
        300,
        "`geolabel tile` on 20,000 × 20,000 px × 4 bands, uint16, about 100,000 tiles of 64 px; start of Python "
        "included.",
        (
            Claim("no nodata, 64 px", "no nodata: no pixel is read", "s", at_most=3.0),
            Claim("nodata, overviews, 64 px", "nodata, validity from overviews", "s", at_most=3.0),
            Claim(
                "nodata, no overviews, 64 px",
                "nodata and no overviews: every block has to be decoded (`gdaladdo` once, or `--min-valid 0`)",
                "s",
                at_most=3.0,
            ),
        ),
    ),
    Benchmark(
        "labels",
        "Labels",
        ("labels.py", "osm", "clc", "--half", "--repeats", "3", "--without", "burn,clc-wkb"),
        300,
        "48,841 tiles of 32 px at 10 m; 101,046 made-up land-use polygons, about 5 % on top of others; a CLC-like "
        "raster in EPSG:3035. Fresh processes from files to file, start included. Errors are the largest over the "
        "classes of a tile, against exact geometry.",
        (
            Claim("osm, by overlay", "`label --osm`, times as fast", "×", at_least=4.0, beside="geopandas.overlay"),
            Claim("osm, by cells", "`label --osm`, times as fast", "×", beside="exactextract, tiles as cells, by WKB"),
            Claim("osm, p99 error", "99 of 100 tiles are nearer than this to exact geometry", "%", at_most=0.0025),
            Claim("osm, peak MB", "peak memory", "MB", at_most=700),
            Claim(
                "osm --exact, by overlay",
                "`label --osm --exact`, times as fast",
                "×",
                at_least=1.0,
                beside="geopandas.overlay",
            ),
            Claim(
                "osm --exact, from overlay",
                "`--exact`: largest difference of a share where nothing overlaps",
                "",
                at_most=1e-5,
                beside="geopandas.overlay",
            ),
            Claim("clc, by exactextract", "`label --clc`, times as fast", "×", at_least=8.0, beside="exactextract"),
            Claim("clc, p99 error", "99 of 100 tiles are nearer than this to exact geometry", "%", at_most=0.0025),
            Claim("clc, peak MB", "peak memory", "MB", at_most=700),
        ),
    ),
    Benchmark(
        "extract",
        "Labels",
        ("labels.py", "pbf", "--half", "--repeats", "3", "--without", "pyogrio"),
        120,
        "Reading 101,046 areas from a .osm.pbf.",
        (
            Claim(
                "pbf, by pyosmium",
                "areas a second, times as many",
                "×",
                beside="pyosmium, areas and a key",
            ),
            Claim("pbf, peak MB", "peak memory", "MB"),
        ),
    ),
    Benchmark(
        "sampling",
        "Tiles drawn anywhere",
        ("sampling.py", "--chips", "1000"),
        200,
        "1,000 chips of 96 px from a raster of 10,000 × 10,000 px, drawn as triplets or in clusters, read in the order "
        "of the file.",
        (
            Claim(
                "triplets, 1000",
                "chips a second, triplets",
                "×",
                at_least=0.8,
                beside="a sequential read of the same chips",
            ),
            Claim(
                "clusters of 16, 1000",
                "chips a second, clusters",
                "×",
                at_least=0.8,
                beside="a sequential read of the same chips",
            ),
        ),
    ),
)
