"""A raster lies on Earth, or is refused where it is described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from affine import Affine

from geolabel import raster
from geolabel.errors import CRSError

if TYPE_CHECKING:
    from tests.conftest import WriteRaster


@pytest.mark.parametrize(
    ("west", "north", "step", "stands"),
    [
        (-180.0, 90.0, 5.625, True),  # the whole globe
        (0.0, 90.0, 5.625, True),  # from Greenwich on
        (-182.8125, 92.8125, 5.625, True),  # poles are the centres of its pixels
        (179.0, -17.0, 0.1, True),  # over the antimeridian
        (10.0, 95.0, 0.1, False),
        (10.0, -85.0, 0.5, False),
        (-200.0, 60.0, 12.0, False),
    ],
)
def test_degrees_are_those_of_the_earth(
    write_raster: WriteRaster, west: float, north: float, step: float, stands: bool
) -> None:
    path = write_raster(
        "a.tif", np.ones((1, 32, 64), "uint8"), crs="EPSG:4326", transform=Affine(step, 0, west, 0, -step, north)
    )
    if stands:
        assert raster.describe(path).place.width == 64
    else:
        with pytest.raises(CRSError, match=r"a\.tif: reaches over .* more than the Earth has; .*-a_ullr"):
            raster.describe(path)


@pytest.mark.parametrize(
    ("transform", "says"),
    [
        (Affine(float("nan"), 0, 5e5, 0, -10, 5e6), "not of finite numbers"),
        (Affine(1e-9, 0, 5e5, 0, -1e-9, 5e6), "its pixels measure"),
        (Affine(10, 0, 1e12, 0, -10, 5e6), "outside the area"),
        (Affine(10, 1, 5e5, 0, -10, 5e6), "rotated"),
    ],
)
def test_a_transform_that_leads_nowhere_names_the_file(write_raster: WriteRaster, transform: Affine, says: str) -> None:
    path = write_raster("a.tif", np.ones((1, 8, 8), "uint8"), transform=transform)
    with pytest.raises(CRSError, match=rf"a\.tif: .*{says}"):
        raster.describe(path)
