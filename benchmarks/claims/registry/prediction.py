"""Regions: speed, memory, dense windows."""

from __future__ import annotations

from benchmarks.claims.claim import Benchmark, Claim

_LIMIT = "forward as usual: float32, channels_last, batches in memory"


_PEERS = (
    ("rasterio loop", "a plain rasterio loop"),
    ("TorchGeo", "TorchGeo (GridGeoSampler, DataLoader)"),
    ("Raster Vision", "Raster Vision (SlidingWindowGeoDataset)"),
)


BENCHMARKS = (
    Benchmark(
        "prediction",
        "Prediction of regions",
        ("predict.py", "--repeats", "3", "--side", "2048", "--rows", "2048", "--sizes", "256", "--brief"),
        450,
        "2,048 × 2,048 px × 4 bands, uint16, deflate; tiles of 256 px; ResNet-18, two classes, no overlap. The loop of "
        "`geolabel predict`, from the first block that is read to the last answer, by the engine that its trial "
        "chooses (the trial's seconds do not count); the others run the same weights over the same 64 tiles, one after "
        "the other in one process a turn, and of their time only the loop counts. The whole command (start of Python, "
        "maps, polygons, page) ran once: under 64 million pixels it makes no trial and runs torch, and its fixed part "
        "weighs more than the network. .95 of the limit was asked for of the whole command on 10,000 × 10,000 px, "
        "which, and tiles of 64 px, the [studies](studies.md#prediction-of-regions) tell.",
        (
            Claim("256 px, the limit", "tiles a second", "×", at_least=0.95, beside=_LIMIT),
            *(Claim(f"256 px, {peer}", "tiles a second", "×", at_least=1.0, beside=beside) for peer, beside in _PEERS),
            Claim("256 px, command, s", "the whole command", "s"),
            Claim("256 px, peak MB", "its peak memory", "MB", at_most=1500),
            Claim(
                "reading, of rasterio",
                "reading alone, through the pipeline",
                "×",
                at_least=0.9,
                beside="rasterio with all threads, the better of two caches",
            ),
        ),
    ),
    Benchmark(
        "memory",
        "Memory",
        ("memory.py", "--repeats", "1", "--side", "5000", "--classes", "17"),
        400,
        "Peak memory of `geolabel predict` as the kernel counts it: a raster of 5,000 × 5,000 px, and the same sixteen "
        "times side by side (20,000 × 20,000); a small network, then more classes at half stride. Once each: a "
        "second run of a row has differed by 5 %.",
        (
            Claim("growth", "memory of sixteen times the area", "×", at_most=1.1, beside="that of one"),
            Claim(
                "lcnet_035, 256 px, 2 classes, repeated", "20,000 × 20,000 px, 256 px, two classes", "MB", at_most=1500
            ),
            Claim("small-cnn, 64 px, 2 classes, whole", "64 px, two classes", "MB", at_most=1500),
            Claim("small-cnn, 256 px, 17 classes, upper", "256 px, half stride, 17 classes", "MB", at_most=1500),
        ),
    ),
    Benchmark(
        "dense",
        "Dense windows",
        ("dense.py", "--repeats", "3", "--cases", "2"),
        300,
        "Overlapping tiles as windows of one map. Rates: a natural scene (NAIP), untrained networks that are made for "
        "it, torch in float32 on both sides. Answers: the built-in model, both ways; r is the correlation of the "
        "probabilities.",
        (
            Claim(
                "small-cnn-reflect, 64 px every 16",
                "`small-cnn-reflect`, 64 px every 16 px (75 % overlap)",
                "×",
                at_least=8,
                beside="tile by tile",
            ),
            Claim(
                "squeezenet-reflect, 64 px every 16",
                "`squeezenet-reflect`, 64 px every 16 px (75 % overlap)",
                "×",
                at_least=8,
                beside="tile by tile",
            ),
            Claim(
                "tile by tile, average precision", "built-in model, test chips, average precision tile by tile", "score"
            ),
            Claim(
                "dense, a mosaic, average precision", "… as windows amid chips that have nothing to do with it", "score"
            ),
            Claim("dense, a mosaic, r", "… r on that mosaic", "", at_least=0.97),
            Claim("NAIP 2020, r", "r on NAIP 2020 (another land, another season)", "", at_least=0.97),
            Claim("NAIP 2009, r", "r on NAIP 2009", "", at_least=0.97),
            Claim("Landsat, Pará 1988, r", "r on Landsat over Pará, 1988", "", at_least=0.97),
        ),
        ("naip", "para-landsat", "amazon-mining"),
    ),
)
