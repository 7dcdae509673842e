"""How the rasters of the zoo are made, and the commands that meet them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine

from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

UTM = Affine(10.0, 0.0, 400_000.0, 0.0, -10.0, 8_600_000.0)
NAMES = ("red", "green", "blue", "nir")
X = "x.tif"
"""What the rasters of the zoo are called."""


def pixels(height: int = 64, width: int = 64, bands: int = 3, dtype: str = "uint16", seed: int = 4) -> Any:
    """Some ground, (bands, height, width): values 100–1099, that fit a byte where they must."""
    values = np.random.default_rng(seed).integers(100, 1100, (bands, height, width))
    return (values // 5 if np.dtype(dtype).itemsize == 1 else values).astype(dtype)


def write(den: Den, values: Any, *, name: str = X, **profile: Any) -> Path:
    """A GeoTIFF in the den of values (bands, height, width); what `profile` says wins.

    `descriptions`, `scales`, `offsets` and `colours` are those of the bands, `mask` (height, width) is written as one.
    """
    path = den.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    said = {key: profile.pop(key, None) for key in ("descriptions", "scales", "offsets", "colours", "mask")}
    whole = {"driver": "GTiff", "width": width, "height": height, "count": count, "dtype": values.dtype}
    whole |= {"crs": "EPSG:32719", "transform": UTM, "photometric": "MINISBLACK", **profile}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **whole) as dataset:
        names = NAMES[:count] if count <= len(NAMES) else None
        dataset.descriptions = said["descriptions"] or names or dataset.descriptions
        for attribute, value in (("scales", said["scales"]), ("offsets", said["offsets"])):
            if value is not None:
                setattr(dataset, attribute, value)
        if said["colours"] is not None:
            dataset.colorinterp = [rasterio.enums.ColorInterp[colour] for colour in said["colours"]]
        dataset.write(values)
        if said["mask"] is not None:
            dataset.write_mask(said["mask"])
    return path


def tiff(den: Den, tags: Mapping[int, Sequence[int]], body: bytes = b"", name: str = X) -> Path:
    """A TIFF written by hand: tag → numbers, all of 32 bit; `body` begins at byte 8. It has no place on Earth."""
    entries, far = b"", b""
    start = 8 + len(body)
    end = start + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        data = struct.pack(f"<{len(numbers)}I", *numbers)
        entries += struct.pack("<HHI", tag, 4, len(numbers))
        entries += data if len(data) == 4 else struct.pack("<I", end + len(far))
        far += b"" if len(data) == 4 else data
    path = den.folder / name
    path.write_bytes(
        b"II*\0" + struct.pack("<I", start) + body + struct.pack("<H", len(tags)) + entries + bytes(4) + far
    )
    return path


def words_of(command: str, name: str, den: Den) -> tuple[object, ...]:
    """A command as it would be typed for a raster."""
    model = den.good / "run" / "model.safetensors"
    legend = den.folder / "legend.csv"
    if command in ("polygons", "label"):
        legend.write_text("code,name\n0,forest\n1,soil\n2,water\n", encoding="utf-8")
    rest = {
        "tile": (name, "--size", 16, "-o", "tiles.parquet"),
        "predict": (name, "--model", model, "-o", "out.geolabel"),
        "dehaze": (name, "-o", "clear.tif"),
        "inspect": (name, "--picture", "look.png"),
        "polygons": (name, "--legend", legend.name, "-o", "outlines.gpkg"),
        "change": (
            den.good / "region.tif",
            name,
            "--model",
            model,
            "--dates",
            "2020-01-01,2021-01-01",
            "-o",
            "out.change",
        ),
        "label": (den.good / "tiles.parquet", "--raster", name, "--legend", legend.name, "-o", "labelled.parquet"),
        "embed encode": (name, "--model", model, "-o", "vectors.parquet"),
    }
    return (*command.split(), *rest[command])


def meets(
    command: str,
    name: str,
    make: Callable[[Den], object],
    then: str,
    *makes: str,
    slow: bool = False,
    shows: Callable[[Path], Any] | None = None,
) -> Animal:
    """An animal that is the raster x.tif, made by `make`."""

    def bring(den: Den) -> Sequence[object]:
        make(den)
        return words_of(command, X, den)

    return Animal("Rasters", name, bring, then, makes, command=command, slow=slow, shows=shows)
