"""All benchmarks of `make bench`, in the order of the page."""

from __future__ import annotations

from benchmarks.claims.registry import accuracy, clear, embeddings, look, maps, prediction, tiles
from benchmarks.claims.registry import training as learning

BENCHMARKS = (
    *tiles.BENCHMARKS,
    *learning.BENCHMARKS,
    *prediction.BENCHMARKS,
    *maps.BENCHMARKS,
    *accuracy.BENCHMARKS,
    *embeddings.BENCHMARKS,
    *look.BENCHMARKS,
    *clear.BENCHMARKS,
)
