"""Polygons and alerts."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

_SHAPES = "`rasterio.features.shapes` over the whole"
_EVERYTHING = "with seeds, holes filled, simplified"

BENCHMARKS = (
    Benchmark(
        "polygons",
        "Polygons",
        ("polygons.py", "--side", "6000", "--repeats", "3"),
        300,
        "Polygons of one class on 6,000 × 6,000 pixels, whole processes; clean, and with 1 % of the pixels turned. On "
        "a clean map of this size the start of Python outweighs the gain: 10,000 × 10,000 px stand in the "
        "[studies](studies.md#polygons).",
        (
            Claim("clean, outline, time", "clean map: time", "×", at_most=1.0, beside=_SHAPES),
            Claim("clean, outline, memory", "clean map: memory", "×", at_most=1.0, beside=_SHAPES),
            Claim("clean, everything, time", f"clean map, {_EVERYTHING}: time", "×", at_most=1.0, beside=_SHAPES),
            Claim("speckled, outline, time", "1 % speckle: time", "×", at_most=1.0, beside=_SHAPES),
            Claim("speckled, outline, memory", "1 % speckle: memory", "×", at_most=1.0, beside=_SHAPES),
            Claim("speckled, everything, time", f"1 % speckle, {_EVERYTHING}: time", "×", at_most=1.0, beside=_SHAPES),
        ),
    ),
    Benchmark(
        "change",
        "Forest loss without labels",
        ("change.py", "--worlds", "--seeds", "21", "22"),
        300,
        "`geolabel detect deforestation` on two made-up worlds of 1024 × 1024 px with clouds, haze and shadows, from "
        "seeds at which nothing was chosen; turns are worlds. An alert is right if it touches a true change, however "
        "small; changes are true ones of half a hectare and more. Made up by the same hands as the method: real "
        "forests "
        "are less alike.",
        (
            Claim("prepared, recall", "changes that an alert touches", ""),
            Claim("prepared, precision", "alerts that are right", ""),
            Claim("prepared, area_error", "error of the hectares", "%"),
            Claim("as they are, precision", "alerts that are right, with `--as-they-are` (no preparation)", ""),
            Claim("as they are, area_error", "error of the hectares, with `--as-they-are`", "%"),
        ),
    ),
    Benchmark(
        "demo",
        "The demo",
        ("demo.py", "--size", "1024", "--epochs", "10"),
        300,
        "`geolabel demo --size 1024 --epochs 10`, once (1,536 px and sixteen epochs are its own choice: "
        "[studies](studies.md#the-demo)): scores against the truth of the made-up world rather than the imperfect "
        "labels, on ground that the model has not seen.",
        (
            Claim("seconds", "from the first command to the last", "s"),
            Claim(
                "least average precision of frequent classes",
                "least average precision of classes in a hundred tiles and more",
                "score",
            ),
            Claim("forest loss, recall", "forest loss: changes that an alert touches", ""),
            Claim("forest loss, precision", "forest loss: alerts that are right", ""),
            Claim("mines found", "true mines of the second date that a detection touches", "%"),
        ),
    ),
)
