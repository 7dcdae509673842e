"""VRT, GDAL's XML for a raster that is made of parts of others: written here, read like any raster.

Source: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel import files
from geolabel.raster import trust

if TYPE_CHECKING:
    from geolabel.grid import Grid

_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "uint64": "UInt64",
    "int64": "Int64",
    "float16": "Float16",
    "float32": "Float32",
    "float64": "Float64",
}
_COLORS = {"red": "Red", "green": "Green", "blue": "Blue"}
VALID = 255.0
_LEAST_BLOCK_PX = 32
"""GDAL passes over smaller ones; of thin strips, several are one block."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, whole or not."""

    col_off: float
    row_off: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one band of a source, laid on a part of the VRT."""

    source: str
    """What GDAL calls it; a relative path is one from the folder of the VRT."""
    band: str
    """Its number, from 1, or `mask,` and the number: what is valid of it."""
    size: tuple[int, int]
    """Width and height of the source, px."""
    dtype: str
    """numpy name of the source's type."""
    block: tuple[int, int]
    """Width and height of the source's blocks, px."""
    src: Box
    dst: Box
    """As large as `src`, or the values are resampled."""
    nodata: float | None = None
    """Value that leaves alone what lies below."""
    masked: bool = False
    """Whether the source's own mask leaves alone what lies below."""
    ratio: float = 1.0
    """Value = the source's × ratio + offset."""
    offset: float = 0.0
    smooth: bool = False
    """Whether values are resampled by bilinear interpolation, else by the nearest."""
    one_thread: bool = False
    """Whether its blocks are to be decoded one by one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One band of a VRT."""

    name: str
    pieces: tuple[Piece, ...]
    """Later ones over earlier ones."""
    scale: float = 1.0
    """Physical value = stored value × scale + offset."""
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Mosaic:
    """All of a VRT."""

    grid: Grid
    dtype: str
    """numpy name."""
    bands: tuple[Layout, ...]
    nodata: float | None = None
    """Of all bands; what no piece covers has this value."""
    mask: tuple[Piece, ...] | None = None
    """What is valid: where any piece is not 0; None where `nodata` says it, or all is."""
    in_all: bool = False
    """Whether a pixel is valid only where all pieces of the mask are not 0."""
    block: tuple[int, int] = (256, 256)
    """Width and height, px, in which it is best read: the sources' blocks."""
    overviews: tuple[int, ...] = ()
    """Factors of overviews that all sources have."""
    palette: bool = False
    """Whether values are codes."""


def write(path: Path, mosaic: Mosaic) -> None:
    """Write a VRT whole or not at all, over what was there."""
    grid = mosaic.grid
    root = ET.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    _text(root, "SRS", grid.crs)
    _text(root, "GeoTransform", ", ".join(repr(float(value)) for value in grid.transform.to_gdal()))
    if mosaic.overviews:
        _text(root, "OverviewList", " ".join(map(str, mosaic.overviews))).set("resampling", "nearest")
    for number, band in enumerate(mosaic.bands, start=1):
        _band(root, number, band, mosaic)
    if mosaic.mask is not None:
        holder = ET.SubElement(root, "MaskBand")
        kind = {"subClass": "VRTDerivedRasterBand"} if mosaic.in_all else {}
        element = ET.SubElement(holder, "VRTRasterBand", {"dataType": "Byte", **kind, **_block(mosaic)})
        if mosaic.in_all:
            _text(element, "PixelFunctionType", "mul")  # 255 × 255 stays 255 in a byte
        for piece in mosaic.mask:
            _piece(element, piece)
    ET.indent(root)
    with files.new_file(path, overwrite=True) as draft:
        ET.ElementTree(root).write(draft, encoding="utf-8")
    trust.wrote(path)


def _band(root: ET.Element, number: int, band: Layout, mosaic: Mosaic) -> None:
    attributes = {"dataType": _TYPES[mosaic.dtype], "band": str(number), **_block(mosaic)}
    element = ET.SubElement(root, "VRTRasterBand", attributes)
    _text(element, "Description", band.name)
    color = "Palette" if mosaic.palette else _COLORS.get(band.name)
    if color:
        _text(element, "ColorInterp", color)
    if mosaic.nodata is not None:
        _text(element, "NoDataValue", _number(mosaic.nodata))
    if (band.scale, band.offset) != (1, 0):
        _text(element, "Offset", _number(band.offset))
        _text(element, "Scale", _number(band.scale))
    for piece in band.pieces:
        _piece(element, piece)


def _block(mosaic: Mosaic) -> dict[str, str]:
    sides = zip(mosaic.block, (mosaic.grid.width, mosaic.grid.height), strict=True)
    width, height = (str(min(block * math.ceil(_LEAST_BLOCK_PX / block), side)) for block, side in sides)
    return {"blockXSize": width, "blockYSize": height}


def _piece(parent: ET.Element, piece: Piece) -> None:
    """A simple source wherever it will do: GDAL copies those without looking at each value."""
    is_mask = piece.band.startswith("mask")
    scaled = (piece.ratio, piece.offset) != (1, 0)
    kind = "ComplexSource" if piece.masked or scaled or piece.nodata is not None else "SimpleSource"
    element = ET.SubElement(parent, kind)
    if piece.smooth:
        element.set("resampling", "bilinear")
    relative = "0" if Path(piece.source).is_absolute() else "1"
    _text(element, "SourceFilename", piece.source).set("relativeToVRT", relative)
    if piece.one_thread:
        _text(ET.SubElement(element, "OpenOptions"), "OOI", "1").set("key", "NUM_THREADS")  # respelled.py knows it
    _text(element, "SourceBand", piece.band)
    if not is_mask:  # with it, GDAL does not open the source before it is read
        ET.SubElement(
            element,
            "SourceProperties",
            RasterXSize=str(piece.size[0]),
            RasterYSize=str(piece.size[1]),
            DataType=_TYPES[piece.dtype],
            BlockXSize=str(piece.block[0]),
            BlockYSize=str(piece.block[1]),
        )
    for tag, box in (("SrcRect", piece.src), ("DstRect", piece.dst)):
        ET.SubElement(
            element,
            tag,
            xOff=_number(box.col_off),
            yOff=_number(box.row_off),
            xSize=_number(box.width),
            ySize=_number(box.height),
        )
    if scaled:
        _text(element, "ScaleOffset", _number(piece.offset))
        _text(element, "ScaleRatio", _number(piece.ratio))
    if piece.nodata is not None:
        _text(element, "NODATA", _number(piece.nodata))
    if piece.masked:
        _text(element, "UseMaskBand", "true")


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _text(parent: ET.Element, tag: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element
