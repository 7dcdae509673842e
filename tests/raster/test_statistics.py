"""What values a raster holds: against numpy, against gdalinfo, and by blocks where it is too large to be read."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geolabel.errors import InputError
from geolabel.raster import statistics
from geolabel.raster.statistics import measure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

KINDS = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "float32", "float64")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_all_figures_are_those_of_numpy(write_raster: WriteRaster, data: st.DataObject, kind: str) -> None:
    elements = {"min_value": -1000, "max_value": 1000} if kind.startswith("float") else None
    band = data.draw(arrays.arrays(kind, (1, 7, 9), elements=elements))
    found = measure(write_raster("any.tif", band), [1])
    values = band.ravel()
    told = found.bands[0]
    assert found.exact
    assert told.valid_share == 1
    expected = [values.min(), *np.percentile(values, (2, 98)), values.max(), values.mean(dtype=float)]
    assert [told.min, told.p2, told.p98, told.max, told.mean] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert told.std == pytest.approx(values.astype(float).std(), rel=1e-6, abs=1e-6 * max(1, abs(told.mean or 0)))
    if not kind.startswith("float"):
        assert found.codes == {int(value): int((values == value).sum()) for value in np.unique(values)}


def test_a_table_to_be_summed_by_hand(write_raster: WriteRaster) -> None:
    """Nodata goes band by band; a place is seen where one band sees it."""
    bands = np.array([[[0, 1], [2, 3]], [[0, 0], [0, 5]]], dtype="uint8")
    found = measure(write_raster("hand.tif", bands, nodata=0), [1, 2])
    first, second = found.bands
    assert (found.valid_share, first.valid_share, second.valid_share) == (0.75, 0.75, 0.25)
    assert (first.min, first.mean, first.max) == (1, 2, 3)
    assert first.std == pytest.approx(math.sqrt(2 / 3))
    assert (second.min, second.max, second.std) == (5, 5, 0)
    assert found.codes == {1: 1, 2: 1, 3: 1}


def test_masks_alpha_and_nan_are_never_values(write_raster: WriteRaster) -> None:
    values = np.arange(12, dtype="float32").reshape(1, 3, 4)
    values[0, 0, 0] = np.nan
    mask = np.full((3, 4), 255, "uint8")
    mask[2] = 0
    (masked,) = measure(write_raster("mask.tif", values, mask=mask), [1]).bands
    assert (masked.valid_share, masked.min, masked.max) == (7 / 12, 1, 7)
    alpha = np.stack([np.arange(12).reshape(3, 4), np.where(mask, 255, 0)]).astype("uint8")
    (seen,) = measure(write_raster("alpha.tif", alpha, colors=("gray", "alpha")), [1]).bands
    assert (seen.valid_share, seen.min, seen.max) == (8 / 12, 0, 7)


def test_nothing_valid_has_no_figures(write_raster: WriteRaster) -> None:
    found = measure(write_raster("none.tif", np.zeros((1, 4, 4), "uint16"), nodata=0), [1])
    assert (found.valid_share, found.bands[0].mean, found.codes) == (0, None, {})


@pytest.mark.parametrize("tiled", [False, True])
def test_a_large_raster_is_looked_at_in_blocks_all_over_it(
    write_raster: WriteRaster, monkeypatch: pytest.MonkeyPatch, *, tiled: bool
) -> None:
    """A slope from corner to corner: what is left out would be seen in its mean."""
    rows, cols = np.indices((1024, 1536))
    slope = ((rows + cols) / 2559 * 60_000).astype("uint16")[None]
    creation = {"tiled": True, "blockxsize": 64, "blockysize": 64} if tiled else {}
    path = write_raster("slope.tif", slope, **creation)
    monkeypatch.setattr(statistics, "_MOST_BYTES", 1 << 20)
    found = measure(path, [1])
    assert not found.exact
    assert found.pixels < found.of_pixels / 2
    assert found.bands[0].mean == pytest.approx(slope.mean(), rel=0.03)
    assert found.bands[0].std == pytest.approx(slope.std(), rel=0.05)


def test_a_truncated_file_is_told(write_raster: WriteRaster, tmp_path: Path) -> None:
    path = write_raster("whole.tif", np.random.default_rng(0).integers(0, 255, (3, 200, 200)).astype("uint8"))
    broken = tmp_path / "broken.tif"
    broken.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(InputError, match="truncated"):
        measure(broken, [1, 2, 3])


@pytest.mark.parametrize("name", ["pucallpa-landsat/2020.tif", "para-landsat/landsat5_1988_para.tif"])
def test_real_scenes_agree_with_gdalinfo(shared_data: Path, name: str) -> None:
    tool = shutil.which("gdalinfo")
    if tool is None:
        pytest.skip("gdalinfo is not installed")
    command = [tool, "-json", "-stats", str(shared_data / name)]
    done = subprocess.run(command, env={**os.environ, "GDAL_PAM_ENABLED": "NO"}, capture_output=True, check=True)
    told = json.loads(done.stdout)["bands"]
    found = measure(shared_data / name, [band["band"] for band in told])
    for band, mine in zip(told, found.bands, strict=True):
        theirs = [band[key] for key in ("minimum", "maximum", "mean", "stdDev")]
        assert [mine.min, mine.max, mine.mean, mine.std] == pytest.approx(theirs, abs=0.001)
        share = float(band["metadata"][""]["STATISTICS_VALID_PERCENT"])
        assert 100 * mine.valid_share == pytest.approx(share, abs=0.01)


def test_values_whose_squares_are_no_numbers_are_measured_all_the_same(write_raster: WriteRaster) -> None:
    values = np.array([[[1e300, -1e300], [1.7e308, -1.7e308]]])
    found = measure(write_raster("a.tif", values), [1]).bands[0]
    assert (found.min, found.max, found.mean) == (-1.7e308, 1.7e308, 0.0)
    assert found.std == pytest.approx(1.7e308 / np.sqrt(2))
