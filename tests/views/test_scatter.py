"""Pictures of a projection for papers."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geolabel.views.scatter import Plot, chosen_for_cells, on_plane, scatter_plot, thumbnail_plot


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5))
def test_a_cell_shows_the_tile_nearest_its_middle(count: int, most: int, seed: int) -> None:
    flat = np.random.default_rng(seed).normal(size=(count, 2))
    row, col, tile = chosen_for_cells(flat, most)
    assert len(np.unique(row * 1000 + col)) == len(row)
    assert len(np.unique(tile)) == len(tile)
    low, high = flat.min(axis=0), flat.max(axis=0)
    step = max(float((high - low).max()), 1e-12) / most
    for at_row, at_col, chosen in zip(row, col, tile, strict=True):
        x, y = (flat[:, 0] - low[0]) / step, (high[1] - flat[:, 1]) / step
        inside = (np.clip(np.floor(x), 0, most - 1) == at_col) & (np.clip(np.floor(y), 0, most - 1) == at_row)
        away = (x - at_col - 0.5) ** 2 + (y - at_row - 0.5) ** 2
        assert chosen == np.flatnonzero(inside)[away[inside].argmin()]


@pytest.mark.slow
def test_pictures_stand_where_their_points_are() -> None:
    points = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    shades = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)
    pictures = np.broadcast_to(shades[:, None, None], (3, 8, 8, 3))
    plot = Plot(points, np.array([0, -1, 1]), ("one", "two"), ("#102030", "#405060"))
    shown = np.asarray(Image.open(io.BytesIO(thumbnail_plot(plot, pictures))))
    side = shown.shape[0] // 8
    middle = side // 2
    assert shown.shape[0] == shown.shape[1]
    assert shown[-middle, middle].tolist() == [250, 0, 0]  # y grows upwards
    assert shown[-middle, -middle].tolist() == [0, 250, 0]
    assert shown[middle, middle].tolist() == [0, 0, 250]
    assert shown[shown.shape[0] // 2, shown.shape[1] // 2].tolist() == [255, 255, 255]
    assert [0x10, 0x20, 0x30] in shown.reshape(-1, 3).tolist()  # the frame


def test_points_of_an_svg_are_all_there_by_class() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, 3, 200)
    points = rng.normal(size=(200, 2)).astype(np.float32)
    plot = Plot(points, codes, ("a & b", "c", "d"), ("#111111", "#222222", "#333333"))
    root = ET.fromstring(scatter_plot(plot))
    space = "{http://www.w3.org/2000/svg}"
    drawn = {path.get("stroke"): len(re.findall("M", path.get("d", ""))) for path in root.iter(f"{space}path")}
    assert drawn == {color: int((codes == code).sum()) for code, color in enumerate(plot.colors)} | {
        "#8a938f": int((codes < 0).sum())
    }
    legend = [text.text for text in root.iter(f"{space}text")]
    assert legend[0] == f"a & b ({(codes == 0).sum()})"
    assert legend[-1].startswith("unknown")


def test_space_is_seen_from_one_side() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    flat = on_plane(points)
    assert flat.shape == (50, 2)
    assert np.linalg.norm(flat, axis=1).max() <= np.linalg.norm(points - points.mean(axis=0), axis=1).max() + 1e-5
    assert np.corrcoef(flat[:, 1], points[:, 2])[0, 1] > 0.8  # up stays up


def test_one_place_for_all_does_not_break() -> None:
    plot = Plot(np.zeros((4, 2), np.float32), np.full(4, -1), (), ())
    assert thumbnail_plot(plot, np.zeros((4, 4, 4, 3), np.uint8))[:4] == b"\x89PNG"
    assert "unknown (4)" in scatter_plot(plot)
