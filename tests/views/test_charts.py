"""Charts are drawn where their numbers say, are seen on light and dark, and are whole files."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.views.charts import (
    HEIGHT,
    WIDTH,
    Chart,
    Line,
    _tick,
    line_colors,
    picture,
    picture_file,
    seen_on_both,
    steps,
    ticks,
)

SVG = "{http://www.w3.org/2000/svg}"
COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def luminance(color: str) -> float:
    """Of WCAG 2.1, written down anew."""
    parts = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@given(COLORS)
def test_a_line_is_seen_on_light_and_on_dark(color: str):
    found = seen_on_both(color)
    assert contrast(found, "#ffffff") > 2.9
    assert contrast(found, "#1a201d") > 2.9
    if contrast(color, "#ffffff") > 3.1 and contrast(color, "#1a201d") > 3.6:
        assert found == color


@given(st.lists(st.none() | COLORS, max_size=50))
def test_lines_differ(wanted: list[str | None]):
    found = line_colors(wanted)
    assert len(found) == len(wanted)
    assert all(one != other for one, other in combinations(found, 2))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_lie_on_the_axis(low: float, length: float):
    high = low + length
    found = ticks(low, high)
    assert 2 <= len(found) <= 11
    assert low - 1e-6 * length <= found[0]
    assert found[-1] <= high + 1e-6 * length
    step = np.diff(found)
    assert step == pytest.approx(step[0], rel=1e-3)
    assert re.fullmatch(r"[125](\.0+)?e[+-]\d+", f"{step.mean():.2e}")


def test_ticks_of_an_axis_one_can_read():
    assert ticks(0, 1) == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1))
    assert ticks(1, 4, whole=True) == (1, 2, 3, 4)
    assert ticks(1, 30, whole=True) == (10, 20, 30)


def test_a_line_goes_through_its_points():
    corners = Line("line", "#3b7dd8", (0, 2, 4), (10, 30, 20), mark=(2, 30))
    root = ET.fromstring(picture_file(Chart("c", "x", "y", (corners,), (0, 4), (10, 30))))
    (path,) = (one for one in root.iter(f"{SVG}path") if one.get("stroke-width") == "1.8")
    found = np.array([point.split() for point in path.attrib["d"][1:].split("L")], dtype=float)
    grid = [one.attrib["d"] for one in root.iter(f"{SVG}path") if one.get("stroke-opacity") == ".13"]
    left, right = (min(xs := [float(d[1:].split()[0]) for d in grid if "V" in d]), max(xs))
    bottom, top = (max(ys := [float(re.split(r"[ H]", d)[1]) for d in grid if "H" in d]), min(ys))
    assert found == pytest.approx(np.array([[left, bottom], [(left + right) / 2, top], [right, (top + bottom) / 2]]))
    (mark,) = root.iter(f"{SVG}circle")
    assert (float(mark.attrib["cx"]), float(mark.attrib["cy"])) == pytest.approx(found[1])
    assert 0 < left < right < WIDTH
    assert 0 < top < bottom < HEIGHT


def test_what_is_no_number_is_not_drawn():
    holed = Line("a", "#3b7dd8", (0, 0.5, 1), (0, float("nan"), 1), mark=(0.5, float("nan")), dots=(2, 2, 2))
    root = ET.fromstring(picture_file(Chart("c", "x", "y", (holed,))))
    assert len(list(root.iter(f"{SVG}circle"))) == 2
    assert "nan" not in picture(Chart("c", "x", "y", (holed,)))


def test_names_are_text():
    chart = Chart("<b>", "x & y", "y", (Line("</svg><i>", "#3b7dd8", (0, 1), (0, 1), note="AP 1"),))
    root = ET.fromstring(picture_file(chart))
    assert "</svg><i>  AP 1" in [one.text for one in root.iter(f"{SVG}text")]
    assert "<i>" not in picture(chart)


def test_steps_have_the_height_of_the_second_point():
    assert steps((0, 0.5, 1), (1, 0.8, 0.4)) == ((0, 0, 0.5, 0.5, 1), (1, 0.8, 0.8, 0.4, 0.4))


def test_charts_that_make_no_sense():
    with pytest.raises(ValueError, match="2 x, 1 y"):
        Line("a", "#000000", (0, 1), (0,))
    with pytest.raises(ValueError, match="an axis from 1 to 1"):
        Chart("a", "x", "y", (), x_range=(1, 1))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_every_tick_is_told_exactly(low: float, length: float):
    """So no two of an axis look the same, where numbers of ten digits tell them apart."""
    high = low + max(length, abs(low) * 1e-4)
    told = [_tick(value) for value in ticks(low, high)]
    assert [float(one) for one in told] == pytest.approx(ticks(low, high), rel=1e-9, abs=1e-12)
    assert len(set(told)) == len(told)


def test_ticks_are_short():
    assert [_tick(value) for value in (0.0, 0.2, 0.0006, -0.0002, 10.5, 100_000.0, 0.00012)] == [
        *("0", "0.2", "6e-4", "-2e-4", "10.5", "1e5", "1.2e-4")
    ]
    assert [_tick(value) for value in (0.998, 0.9985, 0.999)] == ["0.998", "0.9985", "0.999"]
