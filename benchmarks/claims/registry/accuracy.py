"""Real places."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

BENCHMARKS = (
    Benchmark(
        "mines",
        "Real mines",
        ("amazon_built_in.py",),
        200,
        "The built-in model `amazon-mining-rgb` on 2,536 Sentinel-2 chips (48 px, 10 m) of Amazonia, 612 with "
        "mines, of "
        "sets and places that it did not learn from; beside a forest of 500 trees on colour statistics that "
        "learns from "
        "the training chips. How the chips are parted and how all other models do stands in the "
        "[studies](studies.md#real-mines-on-places-and-sets-that-the-network-has-not-seen). Chips: Earth Genome, "
        "mining-detector (MIT); contains modified Copernicus Sentinel-2 data.",
        (
            Claim("average precision", "average precision", "score", at_least=0.9),
            Claim(
                "gain over the forest", "gain of average precision", "score", at_least=0.0, beside="forest on colour"
            ),
            Claim("of the forest", "the forest's average precision", "score"),
            Claim("by chance", "average precision by chance", "score"),
            Claim("least over chips", "lower end of the 95 % interval, over chips", "score"),
            Claim("least over sets", "… over whole sets", "score"),
            Claim("without cloud remnants", "without cloud remnants, a kind that training does not know", "score"),
            Claim("precision", "precision at its threshold", "score"),
            Claim("recall", "recall at its threshold", "score"),
        ),
        ("amazon-mining",),
    ),
)
