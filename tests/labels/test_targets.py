"""What is made of shares: tables to be read by hand, and brute force over all pairs of tiles."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pyproj import Geod

from geolabel.errors import OptionError
from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.labels.targets import distance_m, dominant, present
from geolabel.steps.label_targets import Targets, with_targets
from geolabel.tiling.index import LABEL_PREFIX, TileIndex, dictionary

NAN = float("nan")
SHARES = arrays.arrays(np.float32, (3, 8), elements=st.floats(0, 1, width=32) | st.just(np.nan))


def test_dominant_by_hand() -> None:
    share = np.array(
        [
            [0.50, 0.40, 0.0, NAN, NAN, 0.30, 0.25, 0.0],
            [0.25, 0.40, 0.0, NAN, 0.6, 0.31, 0.25, 1.0],
            [0.25, 0.10, 0.0, NAN, 0.1, 0.30, NAN, 0.0],
        ],
        dtype=np.float32,
    )
    assert dominant(share, 0.3).tolist() == [0, 0, -1, -1, 1, 1, -1, 1]
    assert dominant(share, 0.5).tolist() == [0, -1, -1, -1, 1, -1, -1, 1]
    assert dominant(share, 1.0).tolist() == [-1, -1, -1, -1, -1, -1, -1, 1]


@given(SHARES, st.sampled_from((0.01, 0.1, 0.25, 0.5, 0.7, 1.0)))
def test_dominant_tile_by_tile(share: np.ndarray, least: float) -> None:
    for tile, found in enumerate(dominant(share, least).tolist()):
        values = [value if value == value else -1.0 for value in share[:, tile].tolist()]  # noqa: PLR0124 - not NaN
        largest = max(values)
        enough = largest > 0 and largest >= float(np.float32(least))
        enough &= largest >= 0.5 or not np.isnan(share[:, tile]).any()  # else the unknown one may have more
        assert found == (values.index(largest) if enough else -1)


@pytest.mark.parametrize("cut", [0.1, 0.3, 0.7, 0.9, 1.0])
def test_a_share_that_is_the_cut_is_present(cut: float) -> None:
    share = np.array([cut, np.nextafter(np.float32(cut), np.float32(0)), 0, 1, NAN], dtype=np.float32)
    np.testing.assert_array_equal(present(share, cut), np.array([1, 0, 0, 1, NAN], np.float32))
    assert present(share, cut).dtype == np.float32


def test_distances_by_hand() -> None:
    centres = np.array([[0, 0], [300, 400], [0, 1000], [NAN, NAN], [600, 800]], dtype=float)
    metres = distance_m(np.array([True, False, False, True, True]), centres)
    np.testing.assert_allclose(metres, [0, 500, 632.4555, NAN, 0], rtol=1e-6)
    without = distance_m(np.array([False, False, False, True, False]), centres)
    np.testing.assert_array_equal(without, [np.inf, np.inf, np.inf, NAN, np.inf])


@given(
    arrays.arrays(np.bool_, 25, elements=st.booleans()),
    arrays.arrays(np.float64, (25, 2), elements=st.floats(-1e5, 1e5)),
)
def test_distances_against_all_pairs(has_some: np.ndarray, centres: np.ndarray) -> None:
    metres = distance_m(has_some, centres)
    positive = centres[has_some]
    for place, found in zip(centres, metres, strict=True):
        expected = min((float(np.hypot(*(place - other))) for other in positive), default=np.inf)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def index_of(shares: dict[str, list[float]], lon_lat: list[tuple[float, float] | None]) -> TileIndex:
    """Tiles of a hundredth of a degree around places on the map."""
    boxes = [
        None if at is None else shapely.box(at[0] - 0.005, at[1] - 0.005, at[0] + 0.005, at[1] + 0.005)
        for at in lon_lat
    ]
    table = pa.table(
        {
            "tile": pa.array(range(len(boxes))),
            "source": dictionary(["a"] * len(boxes)),
            "geometry": pa.array(shapely.to_wkb(np.array(boxes, dtype=object)), pa.binary()),
            **{LABEL_PREFIX + name: pa.array(values, pa.float32()) for name, values in shares.items()},
        }
    )
    scheme = Scheme("s", tuple(LabelClass(name, presence=0.2 if name == "mine" else None) for name in shares))
    return TileIndex(table, (), "EPSG:4326", scheme=scheme.to_json(), labelling={"columns": ["old"]})


PLACES: list[tuple[float, float] | None] = [(10, 60), (10.1, 60), (10, 60.1), (11, 60), None]
SHARE = {"mine": [0.5, NAN, NAN, NAN, NAN], "forest": [0.25, 0.75, 0.1, NAN, 1.0]}


def test_nothing_asked_for_adds_only_what_the_scheme_says() -> None:
    found = with_targets(index_of(SHARE, PLACES), Targets(None, None, None))
    assert found.table.column_names[-1] == "present.mine"
    np.testing.assert_array_equal(found.column("present.mine"), [1, NAN, NAN, NAN, NAN])
    assert found.labelling == {"columns": ["old", "present.mine"], "presence": {"mine": 0.2}}
    plain = index_of({"forest": SHARE["forest"]}, PLACES)
    assert with_targets(plain, Targets(None, None, None)) is plain


def test_dominant_and_presence_are_columns() -> None:
    found = with_targets(index_of(SHARE, PLACES), Targets(0.3, {"forest": 0.25}, None))
    assert found.column("dominant").tolist() == ["mine", "forest", None, None, "forest"]
    np.testing.assert_array_equal(found.column("present.forest"), [1, 1, 0, NAN, 1])
    assert found.labelling["presence"] == {"mine": 0.2, "forest": 0.25}
    assert found.labelling["dominant"] == 0.3
    everywhere = with_targets(index_of(SHARE, PLACES), Targets(None, 0.6, None))
    np.testing.assert_array_equal(everywhere.column("present.mine"), [0, NAN, NAN, NAN, NAN])
    np.testing.assert_array_equal(everywhere.column("present.forest"), [0, 1, 0, NAN, 1])


def test_weak_negatives_by_geodesic_distance() -> None:
    """0.1° east is 5.6 km at 60° north, 0.1° north 11.1 km, 1° east 55.8 km."""
    geod = Geod(ellps="WGS84")
    expected = [geod.inv(10, 60, *place)[2] if place else NAN for place in PLACES]
    found = with_targets(index_of(SHARE, PLACES), Targets(None, None, 8_000))
    np.testing.assert_allclose(found.column("distance.mine"), expected, rtol=1e-3, atol=1e-6)
    assert found.column("weak.mine").tolist() == [False, False, True, True, False]
    np.testing.assert_array_equal(found.share("mine"), np.array([0.5, NAN, 0, 0, NAN], np.float32))
    np.testing.assert_array_equal(found.column("present.mine"), [1, NAN, 0, 0, NAN])
    assert found.column("weak.forest").tolist() == [False, False, False, True, False]
    assert found.labelling["weak_negatives_m"] == 8_000
    assert set(found.labelling["columns"]) == {
        *("old", "distance.mine", "weak.mine", "distance.forest", "weak.forest", "present.mine")
    }
    np.testing.assert_array_equal(found.unlabelled().table.column_names, ["tile", "source", "geometry"])


def test_no_positive_no_weak_negatives(caplog: pytest.LogCaptureFixture) -> None:
    found = with_targets(index_of({"mine": [0, NAN, NAN, 0, 1.0]}, PLACES), Targets(None, None, 100))
    assert not [name for name in found.table.column_names if name.startswith(("weak", "distance"))]
    np.testing.assert_array_equal(found.share("mine"), np.array([0, NAN, NAN, 0, 1], np.float32))


def test_weak_negatives_of_pictures_are_refused() -> None:
    with pytest.raises(OptionError, match=r"--weak-negatives needs tiles with a place on the map"):
        with_targets(index_of({"mine": [1.0, NAN]}, [None, None]), Targets(None, None, 100))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ((2.0, None, None), "--dominant must lie above 0 and up to 1, got 2"),
        ((0.0, None, None), "--dominant must lie above 0 and up to 1, got 0"),
        ((NAN, None, None), "--dominant must lie above 0 and up to 1, got nan"),
        ((None, 1.5, None), "--presence must lie above 0 and up to 1, got 1.5"),
        ((None, {"a": 0.5, "b": -0.1}, None), "--presence must lie above 0 and up to 1, got -0.1"),
        ((None, None, 0.0), "--weak-negatives must be more than 0 m, got 0"),
        ((None, None, NAN), "--weak-negatives must be more than 0 m, got nan"),
    ],
)
def test_shares_that_are_none(asked, says: str) -> None:
    with pytest.raises(OptionError, match=rf"^{says}$"):
        Targets(*asked)


def test_a_class_that_is_none_is_named() -> None:
    with pytest.raises(OptionError, match=r"--presence: no class 'mines'; there are mine, forest"):
        with_targets(index_of(SHARE, PLACES), Targets(None, {"mines": 0.1}, None))
