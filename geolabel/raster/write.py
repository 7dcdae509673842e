"""Rasters written strip by strip, then made cloud-optimised GeoTIFFs that carry names, palette and nodata."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree as ET

from geolabel import provenance
from geolabel.errors import OutputError
from geolabel.raster import door
from geolabel.raster.like import dress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.raster.describe import RasterInfo

BLOCK_PX = 512
"""Side of the blocks of what is written."""
_RGB = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class BandStyle:
    """What the bands of a raster to be written are."""

    names: tuple[str, ...]
    """One a band."""
    dtype: str = "uint8"
    nodata: float | None = None
    scale: float = 1.0
    """Physical value = stored value × scale."""
    palette: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    """Value → red, green, blue (0–255); single-band uint8 only."""
    categories: Mapping[int, str] = field(default_factory=dict)
    """Value → the name shown for it."""
    overviews: Literal["average", "mode", "nearest"] = "average"
    attribution: tuple[str, ...] = ()
    """Whose data it is made of; the file's copyright tag."""
    like: RasterInfo | None = None
    """A raster with the same bands: their colours, scales, offsets, units, the file's tags, and its kind of mask."""


@dataclass(frozen=True, slots=True)
class StripWriter:
    """A raster that is written part by part; parts that end where its blocks do are compressed once."""

    _dataset: Any
    _path: Path

    def write(
        self, row_off: int, pixels: NDArray[Any], valid: NDArray[np.bool_] | None = None, *, col_off: int = 0
    ) -> None:
        """Write (bands, rows, columns) from `row_off` and `col_off` on; `valid` (rows, columns) becomes a mask."""
        from rasterio.windows import Window

        window = Window(col_off, row_off, pixels.shape[2], pixels.shape[1])
        with door.writing(self._path):
            self._dataset.write(pixels, window=window)
            if valid is not None:
                self._dataset.write_mask(valid, window=window)


@contextmanager
def write_cog(path: Path, grid: Grid, style: BandStyle, strip_rows: int = BLOCK_PX) -> Iterator[StripWriter]:
    """Write strips, then turn them into a COG at `path` with its sidecar. Raises OutputError (disk full).

    The strips go to a plain tiled file beside `path` first: a COG keeps its overviews before its pixels. Its blocks are
    `strip_rows` high, a multiple of 16: one that is written in parts is compressed as often.
    """
    from rasterio.shutil import copy

    plain, whole = (path.with_name(f"{path.stem}.{what}.tif") for what in ("strips", "whole"))
    try:
        with door.environment():
            with _plain(plain, grid, style, strip_rows, compress="zstd", zstd_level=1) as writer:
                yield writer
            _check_whole(plain, len(style.names))
            with door.writing(path):
                copy(
                    plain,
                    whole,
                    driver="COG",
                    COMPRESS="DEFLATE",
                    PREDICTOR="STANDARD" if len(style.names) > 1 else "NO",
                    BLOCKSIZE=BLOCK_PX,
                    OVERVIEW_RESAMPLING=style.overviews.upper(),
                    BIGTIFF="IF_SAFER",
                )
            _check_whole(whole, 1)  # bands lie in one another's blocks
            whole.replace(path)  # whoever is killed meanwhile leaves no half of it under its name
    finally:
        plain.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)
    if style.categories:
        _write_sidecar(path, style)


@contextmanager
def write_sparse(path: Path, grid: Grid, style: BandStyle) -> Iterator[StripWriter]:
    """Write parts of a tiled GeoTIFF; of what is nodata throughout, nothing is stored, read or reckoned with.

    Without overviews, which would take as long as the whole grid does. Raises OutputError (disk full).
    """
    with door.environment():
        with _plain(path, grid, style, BLOCK_PX, compress="deflate", sparse_ok=True) as writer:
            yield writer
        _check_whole(path, len(style.names), sparse=True)


@contextmanager
def _plain(
    path: Path, grid: Grid, style: BandStyle, strip_rows: int, **creation: str | bool | int
) -> Iterator[StripWriter]:
    import rasterio
    from rasterio.enums import ColorInterp

    profile = {
        "driver": "GTiff",
        "width": grid.width,
        "height": grid.height,
        "count": len(style.names),
        "dtype": style.dtype,
        "crs": grid.crs,
        "transform": grid.transform,
        "nodata": style.nodata,
        "tiled": True,
        "blockxsize": BLOCK_PX,
        "blockysize": strip_rows,
        "interleave": "band",
        "bigtiff": "if_safer",
        **creation,
    }
    with door.writing(path), rasterio.open(path, "w", **profile) as dataset:
        dataset.descriptions = style.names
        # So that a viewer shows true colour, whatever the order of the bands, and takes no fourth band for opacity.
        true_colour = set(_RGB) <= set(style.names)
        if len(style.names) > 1:
            dataset.colorinterp = [
                ColorInterp[name] if true_colour and name in _RGB else ColorInterp.undefined for name in style.names
            ]
        dataset.scales = (style.scale,) * len(style.names)
        if style.like is not None:
            dress(dataset, style.like)
        made = provenance.said(path)
        if made:
            software = f"{provenance.NAME} {made['version']}"
            dataset.update_tags(TIFFTAG_SOFTWARE=software, GEOLABEL=provenance.text(path))
        if style.attribution:
            dataset.update_tags(TIFFTAG_COPYRIGHT="; ".join(style.attribution))
        if style.palette:
            dataset.write_colormap(1, {value: (*rgb, 255) for value, rgb in style.palette.items()})
        yield StripWriter(dataset, path)


def _check_whole(path: Path, bands: int, *, sparse: bool = False) -> None:
    """Raise OutputError where blocks do not lie within the file: what is lost when it is closed, GDAL does not tell.

    Of a `sparse` file, blocks may be missing.
    """
    import rasterio

    lost = f"{path}: cannot be written whole; is the disk full? Free some, or write elsewhere with -o"
    size = path.stat().st_size
    try:
        with door.without_place(), rasterio.open(path) as dataset:
            ends = [
                _end(dataset, band, *block) for band in range(1, bands + 1) for block, _ in dataset.block_windows(1)
            ]
    except rasterio.errors.RasterioError as error:
        raise OutputError(lost) from error
    if any(not sparse if end is None else end > size for end in ends):
        raise OutputError(lost)


def _end(dataset: Any, band: int, row: int, col: int) -> int | None:
    """Where a block ends in its file, bytes; None where it is not there."""
    offset, size = (dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) for what in ("OFFSET", "SIZE"))
    return int(offset) + int(size) if offset and size else None


def _write_sidecar(path: Path, style: BandStyle) -> None:
    """Category names and an attribute table, where GDAL keeps them: `<path>.aux.xml`."""
    root = ET.Element("PAMDataset")
    band = ET.SubElement(root, "PAMRasterBand", band="1")
    names = ET.SubElement(band, "CategoryNames")
    for value in range(max(style.categories) + 1):
        ET.SubElement(names, "Category").text = style.categories.get(value, "")
    table = ET.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for position, (name, kind, usage) in enumerate(_RAT_COLUMNS):
        column = ET.SubElement(table, "FieldDefn", index=str(position))
        for tag, text in (("Name", name), ("Type", kind), ("Usage", usage)):
            ET.SubElement(column, tag).text = text
    for position, (value, name) in enumerate(sorted(style.categories.items())):
        row = ET.SubElement(table, "Row", index=str(position))
        _cells(row, [str(value), name, *map(str, style.palette.get(value, (0, 0, 0)))])
    ET.indent(root)
    ET.ElementTree(root).write(path.with_name(f"{path.name}.aux.xml"), encoding="utf-8")


_RAT_COLUMNS = (("Value", "0", "5"), ("Class", "2", "2"), ("Red", "0", "6"), ("Green", "0", "7"), ("Blue", "0", "8"))
"""Name, type (0 integer, 2 string) and usage (5 value, 2 name, 6–8 colour) as GDAL numbers them."""


def _cells(row: ET.Element, texts: Sequence[str]) -> None:
    for text in texts:
        ET.SubElement(row, "F").text = text
