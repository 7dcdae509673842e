"""The images that are compared, in the order of their dates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import raster
from geolabel.changes.dates import date_in, parse_date
from geolabel.errors import OptionError
from geolabel.steps.region.job import bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@dataclass(frozen=True, slots=True)
class Dated:
    """One image."""

    name: str
    """As the user gave it."""
    date: np.datetime64
    """Day."""

    @property
    def day(self) -> dt.date:
        """The date as Python has it."""
        return dt.date.fromisoformat(str(self.date))

    @property
    def stem(self) -> str:
        """What outputs are named after."""
        return Path(bare(self.name)).stem


def dated(names: Sequence[str], dates: Sequence[str]) -> tuple[Dated, ...]:
    """Images with their days, earliest first; days are taken from the names where none are given.

    Raises OptionError: fewer than two, a day unknown, another number of dates than images, a day twice.
    """
    if len(names) < 2:  # noqa: PLR2004
        raise OptionError(f"a change needs two images at least, before and after; got {', '.join(names) or 'none'}")
    if dates and len(dates) != len(names):
        raise OptionError(
            f"--dates names {len(dates)} dates for {len(names)} images; give one for each, in their order"
        )
    days = [parse_date(date) for date in dates] if dates else [_day(name) for name in names]
    unknown = [name for name, day in zip(names, days, strict=True) if day is None]
    if unknown:
        raise OptionError(f"{unknown[0]}: its name tells no date; give --dates, such as --dates 2019-07-31,2020-08-02")
    found = sorted(
        (Dated(name, day) for name, day in zip(names, days, strict=True) if day is not None),
        key=lambda one: one.date,
    )
    for one, other in pairwise(found):
        if one.date == other.date:
            raise OptionError(
                f"{one.name} and {other.name} are both of {one.date}; make one mosaic of them, or give --dates"
            )
    return tuple(found)


def _day(name: str) -> np.datetime64 | None:
    """The day in a name, or in that of its folder: `2020/mosaic.tif`."""
    path = Path(name.rstrip("/"))
    return next((day for part in (path.name, path.parent.name) if (day := date_in(part)) is not None), None)


def labels(images: Sequence[Dated]) -> tuple[str, ...]:
    """The dates as legends show them: years where these tell them apart, else days."""
    years = [str(image.date.astype("datetime64[Y]")) for image in images]
    return tuple(years if len(set(years)) == len(years) else [str(image.date) for image in images])


def gathered(images: Sequence[Dated], bands: Sequence[str], folder: Path) -> tuple[raster.RasterInfo, ...]:
    """Each image as one raster, whatever it is made of: a file, a folder, a product, an address."""
    found = []
    for number, image in enumerate(images, start=1):
        path = raster.gather([image.name], folder / f"image-{number}", bands=bands)
        found.append(raster.describe(path, bands))
    return tuple(found)


def names(images: Sequence[Dated]) -> tuple[str, ...]:
    """What each image is called in a column of text: its file's name, with its folder's where that is not enough."""
    paths = [Path(bare(image.name)) for image in images]
    short = [path.name for path in paths]
    if len(set(short)) == len(short):
        return tuple(short)
    longer = [f"{path.parent.name}/{path.name}" for path in paths]
    return tuple(longer if len(set(longer)) == len(longer) else map(str, paths))
