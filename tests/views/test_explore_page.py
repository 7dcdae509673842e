"""What the page holds, read from its HTML and its JSON, and the numbers and colours in it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.color import rgb2lab

from geolabel.views.explore_page import Colouring, Projected, document
from geolabel.views.explore_page.packed import NOWHERE, packed, quantised, unwrapped
from geolabel.views.explore_page.ramp import ramp
from tests.views.explore_page_scene import EVIL, scene
from tests.views.explore_page_seen import data_of, unpacked


@given(arrays.arrays(np.int64, st.integers(0, 20), elements=st.integers(-(2**53), 2**53)))
def test_whole_numbers_come_back(values: np.ndarray):
    assert unpacked(packed(values)).astype(np.int64).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 255], "u1"), ([-1, 127], "i1"), ([0, 256], "u2"), ([-1, 40_000], "i4"), ([2**32], "f8"), ([], "u1")],
)
def test_the_smallest_type_is_taken(values: list[int], kind: str):
    assert packed(np.array(values, dtype=np.int64))["type"] == kind


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(2, 3)), elements=st.floats(-1e6, 1e6, width=32))
)
def test_distances_of_points_are_kept(points: np.ndarray):
    levels = quantised(points).astype(np.float64)
    width = float(np.ptp(points.astype(np.float64), axis=0).max())
    back = levels * width / 65_534
    for one in range(min(4, len(points))):
        true = np.linalg.norm(points.astype(np.float64) - points[one], axis=1)
        assert np.abs(np.linalg.norm(back - back[one], axis=1) - true).max() <= 2 * width / 65_534 + 1e-9


def test_points_by_hand():
    points = np.array([[0, 10], [4, 10], [2, 12], [np.nan, 1]], np.float32)
    assert quantised(points).tolist() == [[0, 16_384], [65_534, 16_384], [32_767, 49_150], [NOWHERE, NOWHERE]]


def test_longitudes_on_both_sides_of_the_antimeridian_lie_together():
    assert unwrapped(np.array([179.5, -179.5, np.nan])).tolist()[:2] == [179.5, 180.5]
    assert unwrapped(np.array([-5.0, 5.0])).tolist() == [-5.0, 5.0]


@pytest.mark.parametrize("ends", [(0.32, 0.86), (0.44, 0.95)])
def test_the_ramp_is_even_and_readable_without_colours(ends: tuple[float, float]):
    colors = np.array([[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in ramp(*ends)]) / 255
    lightness = rgb2lab(colors)[:, 0]
    steps = np.diff(lightness)
    assert steps.min() > 0
    assert steps.max() < 2.2 * np.median(steps)
    # as one without green receptors sees it: Viénot, Brettel, Mollon 1999, on linear light
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = linear @ np.array([[0.29275, 0.70725, -0.02234], [0.29275, 0.70725, 0.02234], [0, 0, 1]]).T.clip(0, 1)
    luminance = seen @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).all()


def test_the_page_holds_what_it_was_given():
    page = scene(60)
    html = document(page)
    data = data_of(html)
    assert unpacked(data["tiles"]).tolist() == page.tiles.tolist()
    assert [one["dimensions"] for one in data["projections"]] == [2, 3, 2]
    assert unpacked(data["place"]["lon"]).tolist() == page.lon.tolist()
    np.testing.assert_allclose(unpacked(data["place"]["sides"]).reshape(-1, 2), page.side_deg)
    label, score, split = data["colourings"]
    assert unpacked(label["codes"]).tolist() == page.colourings[0].codes.tolist()
    assert split["names"] == ["train", EVIL]
    known = np.delete(page.colourings[1].codes, 3)
    assert [score["low"], score["high"]] == np.percentile(known, (1, 99)).tolist()
    assert [group["rows"] for group in data["findings"][1]["groups"]] == [[4, 5], [8, 9]]
    assert page.atlas is not None
    sheet = re.search(r'id="sheet-0">(.*?)</script>', html)
    assert sheet is not None
    assert base64.b64decode(sheet[1]) == page.atlas.sheets[0]


def test_only_the_programs_hash_may_run_and_no_picture_is_fetched():
    html = document(scene(20))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert policy is not None
    assert script is not None
    hashed = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{hashed}'" in policy[1]
    assert policy[1].startswith("default-src 'none'")
    assert "img-src 'none'" in policy[1]
    assert "<img" not in html.replace(script[1], "")


def test_the_same_tiles_make_the_same_page():
    assert document(scene(30)) == document(scene(30))


def test_without_places_pictures_and_findings():
    page = replace(scene(9, placed=False, pictured=False), findings=(), separation="", facts=())
    data = data_of(document(page))
    assert data["place"] is None
    assert data["atlas"] is None
    nowhere = np.full(9, np.nan)
    assert data_of(document(replace(page, lon=nowhere, lat=nowhere)))["place"] is None


def test_what_does_not_fit_together_is_refused():
    page = scene(9)
    with pytest.raises(ValueError, match="different lengths"):
        replace(page, tiles=page.tiles[:-1])
    with pytest.raises(ValueError, match="needs a projection"):
        replace(page, projections=())
    with pytest.raises(ValueError, match="longitude and a latitude"):
        replace(page, lat=None)
    with pytest.raises(ValueError, match=r"\(n, 2\) or \(n, 3\)"):
        Projected("flat", "", np.zeros((9, 1), np.float32))
    with pytest.raises(ValueError, match="a code of 2 among 2 names"):
        Colouring("Class", "classes", np.array([0, 2]), ("a", "b"), ("#000000", "#ffffff"))
    with pytest.raises(ValueError, match="2 names and 1 colours"):
        Colouring("Class", "classes", np.array([0]), ("a", "b"), ("#000000",))
