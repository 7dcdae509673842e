"""The half of `geolabel tile` that indexes a folder of chips."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from geolabel import files, raster
from geolabel.errors import EmptyError, InputError, TableError
from geolabel.labels.table import TagTable, folder_tags, match_images, read_tags
from geolabel.progress import log, track
from geolabel.raster.limits import check_chip
from geolabel.steps.tags import tag_columns, tag_scheme
from geolabel.tiling.described import Source
from geolabel.tiling.index import TileIndex, dictionary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"}


def tile_images(
    folder: Path, output: Path, tags: Path | None, bands: Sequence[str], gsd: float | None, on_missing: str
) -> tuple[TileIndex, int, int]:
    """Index the chips in a folder and its sub-folders.

    Returns the index, how many rows of `tags` have no image, and how many images no row. Raises InputError,
    TableError, EmptyError.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --images wants a folder of chips")
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in _PICTURES
    )
    if not names:
        raise EmptyError(f"{folder}: no pictures in it; .png, .jpg, .tif … were expected")
    _check_inside(folder, names)
    table = read_tags(tags) if tags else folder_tags(names)
    missing = _missing_images(table, names, tags, on_missing) if table and tags else 0
    first, widths, heights = _look_at(folder, names, bands)
    root = files.relative_to(folder, output)
    sizes = Counter(zip(widths.tolist(), heights.tolist(), strict=True))
    size = sizes.most_common(1)[0][0]
    if len(sizes) > 1:
        others = len(names) - sizes[size]
        log.warning(
            "%s: %d chips are not %d × %d px; larger ones are cut, smaller ones mirrored", folder, others, *size
        )
    source = Source(
        path=root,
        kind="chips",
        bands=first.band_names,
        dtype=first.dtype,
        scale=tuple(band.scale for band in first.bands),
        offset=tuple(band.offset for band in first.bands),
        nodata=first.nodata,
        crs=None,
        transform=None,
        gsd_m=gsd,
        fingerprint=files.fingerprint(folder),
    )
    count = len(names)
    zeros = pa.array(np.zeros(count), pa.int32())
    columns: dict[str, pa.Array] = {
        "tile": pa.array(np.arange(count), pa.int64()),
        "source": dictionary([f"{root}/{name}" for name in names]),
        "col_off": zeros,
        "row_off": zeros,
        "width": pa.array(widths, pa.int32()),
        "height": pa.array(heights, pa.int32()),
        "valid": pa.array(np.ones(count), pa.float32()),
        "geometry": pa.array([None] * count, pa.binary()),
    }
    untagged, crs = 0, None
    scheme: dict[str, Any] | None = None
    label_sources: tuple[dict[str, Any], ...] = ()
    if table:
        row_of = match_images(table.images, names)
        labels, untagged = tag_columns(table, row_of, count)
        columns |= labels
        if columns["geometry"].null_count < count:
            crs = "EPSG:4326"
        scheme = tag_scheme(table, tags).to_json()
        label_sources = ({"kind": "tags", "path": files.relative_to(tags or folder, output)},)
    tiling = {"sampling": "chips", "size": list(size)}
    history = ("tile --images",)
    index = TileIndex(pa.table(columns), (source,), crs, tiling, scheme, label_sources, history=history)
    return index, missing, untagged


def _check_inside(folder: Path, names: Sequence[str]) -> None:
    """Refuse links that lead out of the folder: what comes unpacked from strangers must not read other files."""
    root = folder.resolve()
    for name in names:
        if (folder / name).is_symlink() and not (folder / name).resolve().is_relative_to(root):
            raise InputError(f"{folder / name}: is a link that leads out of the folder; copy the picture into it")


def _missing_images(table: TagTable, names: Sequence[str], tags: Path, on_missing: str) -> int:
    row_of = match_images(table.images, names)
    missing = [image for image, row in zip(table.images, row_of, strict=True) if row < 0]
    if len(missing) == len(table.images):
        raise TableError(
            f"{tags}: none of its {len(missing)} images is in the folder, {missing[0]} for one; check --images"
        )
    if missing and on_missing == "error":
        raise TableError(
            f"{tags}: {len(missing)} images are not in the folder, {missing[0]} for one; add them, or --missing skip"
        )
    if missing:
        log.warning("%s: %d images are not in the folder and are skipped: %s …", tags, len(missing), missing[0])
    return len(missing)


def _look_at(
    folder: Path, names: Sequence[str], bands: Sequence[str]
) -> tuple[raster.RasterInfo, NDArray[np.int32], NDArray[np.int32]]:
    """The first chip, and width and height of each. Raises where chips differ in bands or type."""
    first = raster.describe(folder / names[0], bands)
    if first.palette:
        raise InputError(
            f"{first.path}: its pixels are numbers of a palette, not colours; convert the chips: "
            "gdal_translate -expand rgb"
        )

    def look(name: str) -> tuple[int, int]:
        info = raster.describe(folder / name, bands)
        if info.band_names != first.band_names or info.dtype != first.dtype:
            raise InputError(
                f"{info.path}: {info.dtype} bands {', '.join(info.band_names)}, but {names[0]} has {first.dtype} "
                f"{', '.join(first.band_names)}; keep chips of one kind in a folder"
            )
        check_chip(info)
        return info.width, info.height

    with ThreadPoolExecutor(4) as pool:
        sizes = np.array(list(track(pool.map(look, names), total=len(names), what="looking at chips", unit="chips")))
    return first, sizes[:, 0].astype(np.int32), sizes[:, 1].astype(np.int32)
