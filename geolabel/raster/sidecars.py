"""Files beside a raster that GDAL takes for parts of it: they may be another raster's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geolabel.errors import InputError


def check_sidecars(path: Path | str, dataset: Any) -> None:
    """Raise InputError where overviews (.ovr) or a mask (.msk) beside an open raster do not fit it."""
    own = [f"{Path(path).name}{suffix}" for suffix in (".ovr", ".msk")]
    for name in dataset.files:
        beside = Path(name)
        if beside.name not in own:  # a source of a VRT has sidecars of its own
            continue
        width, height = _size(beside)
        if beside.suffix == ".msk":
            fits = (width, height) == (dataset.width, dataset.height)
        else:
            factors = range(max(2, dataset.width // (width + 1)), dataset.width // max(1, width - 1) + 2)
            fits = any(
                abs(dataset.width / factor - width) <= 1 and abs(dataset.height / factor - height) <= 1
                for factor in factors
            )
        if not fits:
            kind = "a mask" if beside.suffix == ".msk" else "an overview"
            raise InputError(
                f"{beside}: of {width} × {height} px is not {kind} of {path}, "
                f"of {dataset.width} × {dataset.height} px; remove it"
            )


def _size(path: Path) -> tuple[int, int]:
    import rasterio

    from geolabel.raster import door

    with door.without_place():
        try:
            with rasterio.open(path) as opened:
                return opened.width, opened.height
        except rasterio.errors.RasterioIOError as error:
            raise InputError(f"{path}: is truncated or damaged; remove it, or make it anew: gdaladdo") from error
