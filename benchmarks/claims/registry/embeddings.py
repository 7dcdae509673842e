"""Search and scores of vectors."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

BENCHMARKS = (
    Benchmark(
        "search",
        "Search",
        ("search.py", "exact", "index", "--rows", "1000000"),
        300,
        "The hundred nearest of 1,000,000 × 64 numbers in float16, from the file each time. Asked for are 10 s for ten "
        "million on two cores, so 1 s here.",
        (
            Claim("1 examples, s", "one example", "s", at_most=1.0),
            Claim("5 examples, s", "five examples", "s", at_most=1.0),
            Claim("found by the index", "of the hundred best, `--index` finds", "%", beside="exact search"),
        ),
    ),
    Benchmark(
        "retrieval",
        "Scores of embeddings",
        ("retrieval.py", "--tiles", "10000", "--small", "4000", "--repeats", "3", "--brief"),
        300,
        "10,000 × 64 numbers of 10 classes. Asked for is a minute for 50,000; time grows with the square, so "
        "2.4 s here.",
        (
            Claim("MAP@R, s", "MAP@R", "s", at_most=2.4),
            Claim("gSil, s", "gSil", "s", at_most=2.4),
            Claim("soft MAP@R, s", "soft MAP@R", "s", at_most=2.4),
            Claim(
                "MAP@R, by MAP@R, pytorch-metric-learning",
                "MAP@R on 4,000, times as fast",
                "×",
                beside="pytorch-metric-learning",
            ),
            Claim(
                "MAP@R, from MAP@R, pytorch-metric-learning",
                "MAP@R, difference",
                "",
                beside="pytorch-metric-learning",
            ),
            Claim(
                "gSil, one class a tile, by silhouette, scikit-learn",
                "gSil on 4,000, times as fast",
                "×",
                beside="scikit-learn's silhouette, which knows no shares",
            ),
            Claim(
                "gSil, one class a tile, from silhouette, scikit-learn",
                "gSil, difference where each tile has one class",
                "",
                beside="scikit-learn",
            ),
        ),
    ),
)
