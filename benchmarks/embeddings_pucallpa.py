"""The scenes of embeddings.py: Landsat over Pucallpa, 1985–2015, with what the land was in 2020 as labels.

Classes are those of a pixel's colours in 2020, by thresholds that were set by eye on its map before anything was
trained; NDVI and NIR of the 8-bit stretch that the files hold:

water    NIR < 100
bare     NDVI < .6: town, sand, soil
cleared  NDVI < .8: pasture, fields
bright   NIR ≥ 215: flood-plain vegetation and young growth
forest   the rest
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from amazon_command import geolabel

from geolabel.tiling.index import read_index, write_index

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

YEARS = (1985, 1990, 1995, 2000, 2005, 2010, 2015, 2020)
TAUGHT, JUDGED, LABELS = YEARS[:-2], YEARS[-2], YEARS[-1]
CLASSES = ("water", "bare", "cleared", "bright", "forest")
SIZE_PX = 16
"""About 1.4 km: the scene is 44 × 24 tiles."""
BANDS = "swir1,nir,red,green"
_SPLIT = ("--block", "6km", "--val", ".15", "--test", ".25")


def prepare(data: Path, out: Path) -> None:
    """Classes of 2020, tiles of all dates before it with their shares, one split for all, in `out`; once."""
    if (out / "ready").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    classes = _write_classes(data / f"{LABELS}.tif", out)
    scenes = [data / f"{year}.tif" for year in (*TAUGHT, JUDGED)]
    geolabel(
        out,
        "tile",
        *scenes,
        "--size",
        SIZE_PX,
        "--bands",
        BANDS,
        "--min-valid",
        "1",
        "-o",
        "all.parquet",
    )
    geolabel(out, "label", "all.parquet", "--raster", "classes.tif", "--legend", "classes.csv")
    geolabel(out, "split", "all.parquet", *_SPLIT)
    index = read_index(out / "all.parquet")
    year = np.array([int(path.rpartition("/")[2].removesuffix(".tif")) for path in index.column("source")])
    parts, largest = index.column("split").astype(str), index.shares.argmax(axis=1)
    for name, chosen in (("past.parquet", np.isin(year, TAUGHT)), ("judged.parquet", year == JUDGED)):
        rows = np.flatnonzero(chosen)
        used = set(index.column("source")[rows].tolist())
        sources = tuple(source for source in index.sources if source.path in used)
        write_index(out / name, replace(index, table=index.table.take(rows), sources=sources))
        print(f"\n{name}: {len(rows)} tiles of {len(sources)} dates")
        for part in ("train", "val", "test"):
            counts = np.bincount(largest[chosen & (parts == part)], minlength=len(CLASSES))
            print(
                f"  {part}: "
                + ", ".join(f"{name} {count}" for name, count in zip(index.class_names, counts, strict=True))
            )
    pixels = np.bincount(classes.ravel(), minlength=len(CLASSES) + 1)[1:] / classes.size
    print("  pixels: " + ", ".join(f"{name} {share:.1%}" for name, share in zip(CLASSES, pixels, strict=True)))
    (out / "ready").touch()


def _write_classes(scene: Path, out: Path) -> NDArray[np.uint8]:
    """The class raster and its legend beside each other: classes.tif, classes.csv."""
    with rasterio.open(scene) as dataset:
        classes = classes_of(dataset.read())
        profile: dict[str, Any] = {**dataset.profile, "count": 1, "dtype": "uint8", "nodata": 0}
    profile.pop("photometric", None)
    with rasterio.open(out / "classes.tif", "w", **profile) as dataset:
        dataset.write(classes, 1)
    rows = [f"{code},{name}" for code, name in enumerate(CLASSES, start=1)]
    (out / "classes.csv").write_text("\n".join(["code,name", *rows]) + "\n", encoding="utf-8")
    return classes


def classes_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Class of each pixel of a scene (swir1, nir, red, green; h, w): (h, w), 1 and up in the order of CLASSES."""
    _, nir, red, _ = pixels.astype(np.float32)
    ndvi = (nir - red) / np.maximum(nir + red, 1)
    return np.select([nir < 100, ndvi < 0.6, ndvi < 0.8, nir >= 215], [1, 2, 3, 4], 5).astype(np.uint8)


def segment(data: Path, out: Path, model: str, pixels: int) -> None:
    """Tell classes of 2020 pixel by pixel from the scene of 2015, once, and print how well: by folds of blocks."""
    kept = out / f"segment-{model}.json"
    if not kept.exists():
        report = geolabel(
            out, "embed", "segment", data / f"{JUDGED}.tif", "--model", f"{model}/model.safetensors", "--bands", BANDS,
            "--labels", "classes.tif", "--legend", "classes.csv", "--block", "6km", "--folds", 3, "--pixels", pixels,
            "-o", f"segment-{model}", "--overwrite",
        ).report  # fmt: skip
        kept.write_text(json.dumps(report), encoding="utf-8")
    report = json.loads(kept.read_text(encoding="utf-8"))
    print(f"\nPixel by pixel, features of {model}\n\n| way | mean IoU | accuracy |\n|---|---|---|")
    for row in report["ways"]:
        print(f"| {row['way']} | {row['mean_iou']:.3f} ±{row['mean_iou_deviation']:.3f} | {row['accuracy']:.3f} |")
    names = ", ".join(f"{row['name']} {row['iou']:.2f} ({row['iou_colours']:.2f})" for row in report["classes"])
    print(f"\nIntersection over union of {report['probe']} by class (of colours): {names}")
