"""Products with a file for each band, by the names of their files: Sentinel-2 and Landsat.

Sources: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD); Landsat Collection 2 Level-2 Science Product
Guide (LSDS-1619), which gives the scale and offset of surface reflectance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.raster import remote
from geolabel.raster.region.parts import Layer, Plain, Product

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SENTINEL2 = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "rededge1",
    "B06": "rededge2",
    "B07": "rededge3",
    "B08": "nir",
    "B8A": "nir08",
    "B09": "nir09",
    "B11": "swir16",
    "B12": "swir22",
}
"""Bands of MSI that show the ground, by the ends of their files' names."""
_OLI = {"1": "coastal", "2": "blue", "3": "green", "4": "red", "5": "nir", "6": "swir16", "7": "swir22"}
_TM = {"1": "blue", "2": "green", "3": "red", "4": "nir", "5": "swir16", "7": "swir22"}
_OLI_SINCE = 8
_LANDSAT_SCALE, _LANDSAT_OFFSET = 2.75e-05, -0.2
NODATA = 0.0
"""Of both; Sentinel-2 says so in its metadata, not in its files."""

_SENTINEL2_FILE = re.compile(
    r"(?P<scene>(?!L[COTEM]0\d_)(?:.*_)?)(?P<band>B(?:0\d|1[0-2]|8A))(?:_(?P<gsd>\d+)m)?\.(?:jp2|tiff?)", re.IGNORECASE
)
_LANDSAT_FILE = re.compile(
    r"(?P<scene>L[COTEM]0(?P<number>[4-9])_.+?_)(?P<level>SR_)?B(?P<band>\d)\.tiff?", re.IGNORECASE
)
_UNKNOWN_GSD = 1000


@dataclass(frozen=True, slots=True)
class BandFile:
    """A file that is one band of a scene, as far as its name tells."""

    scene: str
    """Folder and beginning of the name, the same for all bands of a scene."""
    layer: Layer
    """Without a name where the band shows no ground (cirrus), or is no single one."""
    gsd_m: int
    """As the name tells; large where it does not."""


def band_file(source: str) -> BandFile | None:
    """What the name of a file tells of it; None where it is no band of a known product."""
    folder, _, name = remote.address(source).rpartition("/")
    found = _LANDSAT_FILE.fullmatch(name)
    if found:
        table = _OLI if int(found["number"]) >= _OLI_SINCE else _TM
        scale, offset = (_LANDSAT_SCALE, _LANDSAT_OFFSET) if found["level"] else (None, None)
        layer = Layer(table.get(found["band"], ""), source, scale=scale, offset=offset, nodata=NODATA)
        return BandFile(f"{folder}/{found['scene']}", layer, _UNKNOWN_GSD)
    found = _SENTINEL2_FILE.fullmatch(name)
    if found:
        layer = Layer(SENTINEL2.get(found["band"].upper(), ""), source, nodata=NODATA)
        return BandFile(f"{folder}/{found['scene']}", layer, int(found["gsd"] or _UNKNOWN_GSD))
    return None


def finest(files: Sequence[BandFile]) -> tuple[Layer, ...]:
    """One layer a band, by name, in the order in which the bands first come: from its finest file."""
    best: dict[str, BandFile] = {}
    for file in files:
        name = file.layer.name
        if name and (name not in best or file.gsd_m < best[name].gsd_m):
            best[name] = file
    return tuple(file.layer for file in best.values())


def gather_bands(parts: Sequence[Plain | Product]) -> list[Plain | Product]:
    """The same parts, with rasters that are bands of one scene as a product in the place of the first.

    Other files of such a scene (quality, classification, previews) are left out. A band that is alone stays a raster.
    """
    scenes: dict[str, list[BandFile]] = {}
    for part in parts:
        file = band_file(part.source) if isinstance(part, Plain) else None
        if file is not None:
            scenes.setdefault(file.scene, []).append(file)
    layers = {scene: finest(files) for scene, files in scenes.items()}
    products = {scene: Product(scene.rstrip("_"), found) for scene, found in layers.items() if len(found) > 1}
    gathered: dict[Plain | Product, None] = {}
    for part in parts:
        scene = _scene(part.source, products) if isinstance(part, Plain) else None
        gathered[part if scene is None else products[scene]] = None
    return list(gathered)


def _scene(source: str, scenes: Iterable[str]) -> str | None:
    """The scene to which a file belongs: it lies in the same folder, and its name begins alike."""
    where = remote.address(source)
    return next(
        (each for each in scenes if where.startswith(each) and "/" not in where.removeprefix(each)),
        None,
    )
