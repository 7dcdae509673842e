import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geolabel.changes import drivers
from geolabel.changes.calibration import calm, line_between
from geolabel.changes.dates import date_in, parse_date
from geolabel.changes.indices import available, ratio
from geolabel.errors import OptionError


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("S2A_MSIL1C_20200731T143751_N0209", "2020-07-31"),
        ("mosaic-2020-07-31.tif", "2020-07-31"),
        ("2020_07.tif", "2020-07-15"),
        ("1985.tif", "1985-07-01"),
        ("LC08_L1TP_006066_20200802_20200914_01_T1", "2020-08-02"),
        ("tile_12345678.tif", None),
        ("x20200231y", None),
        ("before.tif", None),
        ("scene_120200.tif", None),
        ("tile_2048.tif", None),
    ],
)
def test_dates_in_names(name, day):
    assert date_in(name) == (None if day is None else np.datetime64(day))


def test_a_date_that_is_none():
    for text in ("yesterday", "2020-13-01", "2020-02-30", "x2020", "20201"):
        with pytest.raises(OptionError, match="2020-07-31"):
            parse_date(text)
    assert parse_date("2020-07") == np.datetime64("2020-07-15")


@given(st.dates(min_value=np.datetime64("1970-01-01").item(), max_value=np.datetime64("2025-12-31").item()))
def test_every_day_is_read_back(day):
    for text in (day.isoformat(), day.strftime("%Y%m%d"), day.strftime("%Y_%m_%d")):
        assert date_in(f"a_{text}_b") == np.datetime64(day)


def test_indices_by_the_bands_that_are_there():
    assert available(["red", "nir"]) == {"ndvi": (1, 0)}
    assert available(["swir1", "nir", "red", "green"]) == {"ndvi": (1, 2), "nbr": (1, 0), "ndwi": (3, 1)}
    assert available(["swir1", "swir2", "nir"])["nbr"] == (2, 1)
    pixels = np.array([[30, 0], [10, 0]], np.uint16)
    np.testing.assert_allclose(ratio(pixels, (0, 1)), [0.5, 0.0])


@given(scale=st.floats(0.6, 1.8), offset=st.floats(-2, 2))
def test_a_line_is_found_again(scale, offset):
    rng = np.random.default_rng(0)
    first = np.where(rng.random(4_000) < 0.5, 2.0, -2.0) + rng.normal(0, 0.3, 4_000)
    other = (first - offset) / scale
    found = line_between(first.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx((scale, offset), abs=0.02)


def test_some_that_changed_do_not_pull_the_line():
    rng = np.random.default_rng(0)
    first = (np.where(rng.random(4_000) < 0.5, 2.0, -2.0) + rng.normal(0, 0.3, 4_000)).astype(np.float32)
    other = first - 0.5
    other[:600] = -other[:600]
    assert line_between(first, other) == pytest.approx((1.0, 0.5), abs=0.15)
    assert line_between(first[:20], other[:20]) == (1.0, 0.0)


def test_half_of_the_ground_is_calm():
    rng = np.random.default_rng(0)
    before = rng.normal(0, 1, (3, 1_000)).astype(np.float32)
    after = before.copy()
    after[:, :400] += 5
    still = calm(before, after)
    assert still[400:].sum() >= 500
    assert not still[:400].any()


def test_drivers_by_name():
    assert drivers.driver_of("mineral_extraction") == "mine"
    assert drivers.driver_of("pasture") == "farmland"
    assert drivers.driver_of("clearing") == ""
    likely = np.array([[0.9, 0.05, 0.6], [0.9, 0.1, 0.1]])
    assert drivers.by_classes(likely, ["forest", "farmland", "quarry"], "forest").tolist() == ["mine", ""]


def test_drivers_by_colour_and_form():
    block, strip = shapely.box(0, 0, 100, 100), shapely.LineString([(0, 0), (600, 80), (900, 400)]).buffer(12)
    shapes = np.array([block, block, block, strip, block], dtype=object)
    before = np.full(5, 0.8)
    ndvi = (before, np.array([0.1, 0.2, -0.2, 0.3, 0.3]), np.array([0.7, 0.25, -0.2, 0.3, 0.3]))
    nbr = (np.full(5, 0.5), np.array([0.3, -0.3, 0.2, 0.3, 0.2]), np.full(5, 0.2))
    ndwi = (np.full(5, -0.6), np.array([-0.3, -0.2, 0.3, -0.2, -0.3]), np.array([-0.6, -0.2, 0.4, -0.2, -0.3]))
    found = drivers.by_color({"ndvi": ndvi, "nbr": nbr, "ndwi": ndwi}, shapes)
    assert found.tolist() == ["farmland", "burn", "water", "road", ""]
    assert drivers.by_color({}, np.array([], dtype=object)).tolist() == []
