"""Training."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

_BARE = "the same network in a bare loop over one batch in memory"

BENCHMARKS = (
    Benchmark(
        "training",
        "Speed of training",
        ("training.py", "--cases", "small-cnn,resnet18", "--tiles", "256", "--batch", "8", "--repeats", "3"),
        240,
        "Samples a second of an epoch (decoded chips, augmentation `dihedral,light`, loss, AdamW), in float32, "
        "epochs of 256 tiles in batches of 8.",
        (
            Claim("small-cnn", "`small-cnn`, 64 px × 4 bands", "×", at_least=0.9, beside=_BARE),
            Claim("resnet18", "`resnet18`, 96 px × 4 bands", "×", at_least=0.9, beside=_BARE),
        ),
    ),
)
