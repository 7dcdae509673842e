"""What a class raster says of its own values: names from the file beside it, colours from its colour table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from geolabel.errors import InputError
from geolabel.raster import door

if TYPE_CHECKING:
    from pathlib import Path

_VALUE, _NAME = "5", "2"
"""What columns of an attribute table hold, as GDAL numbers it: the value ("min max"), the name."""


@dataclass(frozen=True, slots=True)
class Category:
    """What one value stands for."""

    name: str
    color: str
    """#rrggbb; empty where the raster has no colour table."""


def categories(path: Path) -> dict[int, Category]:
    """Value → category of the first band, for values that have a name; empty where none has.

    Names are read from `<path>.aux.xml`: category names, or else a raster attribute table. Raises InputError.
    """
    names = _names(path.with_name(f"{path.name}.aux.xml"))
    with door.dataset(path) as dataset:
        try:
            colors = dataset.colormap(1)
        except ValueError:  # rasterio's word for "no colour table"
            colors = {}
    hexes = {value: "#{:02x}{:02x}{:02x}".format(*color[:3]) for value, color in colors.items()}
    return {value: Category(name, hexes.get(value, "")) for value, name in names.items()}


def _names(sidecar: Path) -> dict[int, str]:
    if not sidecar.is_file():
        return {}
    try:
        band = ET.parse(sidecar).getroot().find("PAMRasterBand[@band='1']")  # noqa: S314 - a local file of the user's
        if band is None:
            return {}
        listed = [(item.text or "").strip() for item in band.findall("CategoryNames/Category")]
        return {value: name for value, name in enumerate(listed) if name} or _table(band)
    except (ET.ParseError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{sidecar}: is damaged ({error}); delete it, and name the classes in a legend") from error


def _table(band: ET.Element) -> dict[int, str]:
    """Names from an attribute table."""
    table = band.find("GDALRasterAttributeTable")
    if table is None:
        return {}
    usages = [column.findtext("Usage", "") for column in table.findall("FieldDefn")]
    if _VALUE not in usages or _NAME not in usages:
        return {}
    value, name = usages.index(_VALUE), usages.index(_NAME)
    rows = [[(cell.text or "").strip() for cell in row.findall("F")] for row in table.findall("Row")]
    return {int(float(row[value])): row[name] for row in rows if row[name]}
