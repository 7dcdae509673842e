"""A class raster as the strata of a sample: one a class, what is undecided is one of its own, nodata lies outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import InputError, OptionError
from geolabel.inference import UNDECIDED
from geolabel.labels.raster_source import check_codes
from geolabel.labels.scheme import legend_scheme
from geolabel.labels.table import read_legend
from geolabel.raster.categories import categories
from geolabel.steps.changes.legend import NOT_SEEN
from geolabel.steps.export_source import CLASS_RASTERS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.raster import RasterInfo

OUTSIDE = -1
"""Number of the stratum of what is no data."""
_UNDECIDED_NAMES = ("undecided", NOT_SEEN)
"""What geolabel calls the value UNDECIDED in the class rasters it writes."""
_PLAIN = "#808080"
_TABLE_BITS = 16


@dataclass(frozen=True, slots=True)
class MapClass:
    """A class of the map, and the stratum of the pixels that show it."""

    name: str
    """What answers call it."""
    title: str
    """What the person who answers reads."""
    color: str
    """#rrggbb."""
    codes: tuple[int, ...]
    """Its pixel values."""
    decided: bool = True
    """False for the stratum on which the map decides for no class: no answer."""


@dataclass(frozen=True, slots=True)
class ClassMap:
    """A class raster, explained."""

    info: RasterInfo
    classes: tuple[MapClass, ...]

    def strata(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[np.int16], set[int]]:
        """Number of the class of each pixel, OUTSIDE where it has none, and codes of valid pixels that are of none."""
        pairs = sorted((code, at) for at, one in enumerate(self.classes) for code in one.codes)
        codes, numbers = np.array([code for code, _ in pairs]), np.array([at for _, at in pairs], dtype=np.int16)
        limits = np.iinfo(pixels.dtype)
        if limits.bits <= _TABLE_BITS:
            table = np.full(1 << limits.bits, OUTSIDE, dtype=np.int16)
            inside = (codes >= limits.min) & (codes <= limits.max)
            table[codes[inside] - limits.min] = numbers[inside]
            found = table[pixels if not limits.min else pixels.astype(np.int64) - limits.min]
        else:
            place = np.searchsorted(codes, pixels).clip(max=len(codes) - 1)
            found = np.where(codes[place] == pixels, numbers[place], np.int16(OUTSIDE))
        strange = valid & (found == OUTSIDE)
        unnamed = set(np.unique(pixels[strange]).tolist()) if strange.any() else set()
        return np.where(valid, found, np.int16(OUTSIDE)), unnamed


def read_map(path: Path, legend: Path | None = None) -> ClassMap:
    """The class raster at `path`, or in the folder that predict or change wrote there.

    A legend goes before what the file says of itself. Raises InputError, OptionError (nobody explains the codes),
    TableError, CRSError.
    """
    if path.is_dir():
        inside = [path / name for name in CLASS_RASTERS if (path / name).is_file()]
        if not inside:
            raise InputError(f"{path}: holds none of {', '.join(CLASS_RASTERS)}; give the class raster itself")
        path = inside[0]
    info = check_codes(path)
    classes = _from_legend(legend) if legend else _from_file(path, info.nodata)
    if sum(one.decided for one in classes) < 2:  # noqa: PLR2004 - of one class there is nothing to be mistaken about
        raise InputError(f"{path}: has only the class {classes[0].name!r}; accuracy needs two at least, name the rest")
    return ClassMap(info, classes)


def _from_legend(path: Path) -> tuple[MapClass, ...]:
    entries = legend_scheme(path.stem, read_legend(path)).classes
    return tuple(MapClass(one.name, one.title, one.color, tuple(one.rules.raster)) for one in entries)


def _from_file(path: Path, nodata: float | None) -> tuple[MapClass, ...]:
    """Classes by the names in the file, codes of one name together."""
    found = {value: one for value, one in categories(path).items() if value != nodata}
    if not found:
        raise OptionError(f"{path}: does not say what its codes mean; give --legend CSV (columns code, name)")
    codes: dict[str, list[int]] = {}
    for value, one in found.items():
        codes.setdefault(one.name, []).append(value)
    return tuple(
        MapClass(
            name,
            name,
            found[values[0]].color or _PLAIN,
            tuple(values),
            decided=not (name in _UNDECIDED_NAMES and values == [UNDECIDED]),
        )
        for name, values in codes.items()
    )
