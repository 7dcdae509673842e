"""What is tiled: rasters as they are, or a date before and one after as one raster."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from geolabel import raster
from geolabel.errors import OptionError
from geolabel.progress import log, track

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def described(
    paths: Sequence[Path], output: Path, bands: Sequence[str], *, pairs: bool
) -> Iterator[Iterator[raster.RasterInfo]]:
    """The rasters, or each two of them as one, in turn; VRTs that are written go where the tiling fails.

    Raises OptionError (one is given twice), and what describing and pairing raise.
    """
    _check_twice(paths)
    if not pairs:
        yield (raster.describe(path, bands) for path in track(paths, what="tiling", unit="rasters"))
        return
    there = set(output.parent.glob("*.vrt"))
    try:
        yield _paired(paths, output, bands)
    except BaseException:
        for path in set(output.parent.glob(f"{output.stem}.pair*.vrt")) - there:
            path.unlink()
        raise


def _paired(paths: Sequence[Path], output: Path, bands: Sequence[str]) -> Iterator[raster.RasterInfo]:
    both = list(zip(paths[::2], paths[1::2], strict=True))
    for number, (before, after) in enumerate(track(both, what="tiling", unit="pairs"), start=1):
        first, second = (raster.describe(path, bands) for path in (before, after))
        check_named(first)
        yield raster.pair(first, second, output.parent, f"{output.stem}.pair{number}")


def check_named(info: raster.RasterInfo) -> None:
    """Warn where a raster does not name its bands."""
    if all(name == f"band_{at}" for at, name in enumerate(info.band_names, start=1)):
        log.warning("%s: its bands have no names, so predict cannot check them; name them with --bands", info.path)


def _check_twice(paths: Sequence[Path]) -> None:
    places = [os.path.realpath(path) for path in paths]
    twice = [path for path, place in zip(paths, places, strict=True) if places.count(place) > 1]
    if twice:
        raise OptionError(f"{twice[0]}: is given twice; each tile would count double")
