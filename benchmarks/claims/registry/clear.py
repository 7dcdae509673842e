"""Haze."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

_CHIPS, _LARGE = "256 chips, 64 px", "one image, 2048 px"

BENCHMARKS = (
    Benchmark(
        "haze",
        "Haze",
        ("haze.py", "speed", "--repeats", "3"),
        120,
        "Dark channel prior with guided filter, float32, three bands, two threads for all.",
        tuple(
            Claim(f"{images}, by {peer}", f"{told}, times as fast", "×", at_least=1.0, beside=peer)
            for images, told in ((_CHIPS, "256 chips of 64 px"), (_LARGE, "2048 × 2048 px"))
            for peer in ("NumPy and SciPy", "OpenCV, box filters", "OpenCV, guidedFilter")
        ),
    ),
    Benchmark(
        "haze-chips",
        "Haze",
        ("haze.py", "quality"),
        120,
        "Synthetic veils over every eighth Sentinel-2 chip of the clearer sheets, medians: what `--dehaze` does "
        "to chips.",
        (
            Claim("own A, gain", "gain of PSNR, each chip's own light", "dB"),
            Claim("one A from all hazy chips, gain", "gain of PSNR, one light for the region", "dB"),
            Claim(
                "one A from all hazy chips, ranks", "rank correlation of the degree of haze with what was planted", ""
            ),
        ),
        ("amazon-mining",),
    ),
    Benchmark(
        "dehaze",
        "Haze",
        ("dehaze.py", "--held-out", "--crop", "1024", "--ways", "geolabel,prior"),
        300,
        "`geolabel dehaze` on nine images that had no part in its making (three sheets of Sentinel-2 chips, six "
        "patches of "
        "BigEarthNet), under veils made up by the very model of haze; t is the share of light that passes. Turns are "
        "images; 120 dB stands for an image returned to the bit.",
        (
            Claim("geolabel, clear, least", "clear images, what is kept in the worst case", "dB", at_least=35),
            Claim("prior, clear, least", "… by He's dark channel prior as published", "dB"),
            Claim("geolabel, t .6, least", "gain under a veil of t .6 in the worst case", "dB", at_least=5),
            Claim("geolabel, t .8, least", "gain under a veil of t .8 in the worst case", "dB", at_least=0),
            Claim("geolabel, t .8", "gain under a veil of t .8", "dB"),
            Claim("prior, t .8", "… by the prior", "dB"),
            Claim("geolabel, patches", "gain under patches smaller than a neighbourhood: they stay", "dB", at_least=0),
            Claim("prior, patches", "… by the prior", "dB"),
        ),
        ("amazon-mining", "bigearthnet"),
    ),
    Benchmark(
        "dehaze-cost",
        "Haze",
        ("dehaze_cost.py", "--sides", "1000,2000", "--plain", "--repeats", "3"),
        300,
        "`geolabel dehaze` from file to COG on 1,000² and 2,000² px × 4 bands, 16 bits; processor time beside a plain "
        "copy by the same reader and writer.",
        (
            Claim("2000, by a copy", "processor time", "×", beside="a plain copy"),
            Claim("2000, peak MB", "peak memory, 2,000 × 2,000 px", "MB", at_most=1500),
            Claim("growth", "memory of four times the area", "×", beside="that of one"),
        ),
    ),
)
