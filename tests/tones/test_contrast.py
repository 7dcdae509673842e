"""Stretch, lightness, CLAHE and shadows against transcriptions, scikit-image, and laws."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from skimage import color, exposure

from geolabel.tones import lab
from geolabel.tones.clahe import BINS, Curves, Lattice
from geolabel.tones.shadows import gain
from geolabel.tones.stretch import Counts, Stretch


def counted(values: np.ndarray, low: float, high: float) -> Counts:
    counts = Counts.none(low, high)
    counts.add(values)
    return counts


@given(st.floats(0.01, 0.99), st.floats(0.1, 1e5))
def test_quantiles_are_numpy_s_within_a_bin(share: float, scale: float) -> None:
    values = np.random.default_rng(0).gamma(2, scale, 5000)
    found = counted(values, 0.0, float(values.max())).quantile(share)
    # between two neighbouring values any number is a quantile
    ordered = np.sort(values)
    at = int(share * 5000)
    bin_ = values.max() / (1 << 16)
    assert ordered[max(at - 2, 0)] - 2 * bin_ <= found <= ordered[min(at + 2, 4999)] + 2 * bin_


def test_a_stretch_goes_from_the_2nd_to_the_98th_percentile() -> None:
    values = np.linspace(0, 100, 10_001)
    stretch = Stretch.of(counted(values, 0.0, 100.0))
    np.testing.assert_allclose((stretch.low, stretch.high), (2, 98), atol=0.05)
    np.testing.assert_allclose(stretch.apply(np.array([-5.0, 2, 50, 98, 200])), [0, 0, 0.5, 1, 1], atol=1e-3)


def test_a_region_of_one_value_is_not_divided_by_nothing() -> None:
    stretch = Stretch.of(counted(np.full(10, 3.0), 3.0, 3.0))
    assert np.isfinite(stretch.apply(np.full(10, 3.0))).all()
    assert Counts.none(0.0, 1.0).quantile(0.5) == 0


def test_lab_is_scikit_image_s() -> None:
    rgb = np.random.default_rng(0).random((3, 20, 30))
    own, theirs = lab.to_lab(rgb), color.rgb2lab(rgb, channel_axis=0)
    np.testing.assert_allclose(own, theirs, atol=0.02)
    np.testing.assert_allclose(lab.to_rgb(own), rgb, atol=1e-6)


def by_opencv_s_way(levels: np.ndarray, cells: int, clip: float) -> np.ndarray:
    """CLAHE pixel by pixel, as the sources write it."""
    height, width = levels.shape
    down, across = height // cells, width // cells
    curves = np.zeros((cells, cells, BINS))
    for row in range(cells):
        for col in range(cells):
            cell = levels[row * down : (row + 1) * down, col * across : (col + 1) * across]
            counts = np.bincount(np.rint(cell * (BINS - 1)).astype(int).ravel(), minlength=BINS).astype(float)
            limit = max(clip * cell.size / BINS, 1)
            over = np.maximum(counts - limit, 0).sum()
            curves[row, col] = np.cumsum(np.minimum(counts, limit) + over / BINS) / cell.size
    found = np.zeros_like(levels)
    for row in range(height):
        for col in range(width):
            y, x = (row + 0.5) / down - 0.5, (col + 0.5) / across - 0.5
            top, left = int(np.floor(y)), int(np.floor(x))
            at = levels[row, col] * (BINS - 1)
            for near, weight in ((top, 1 - (y - top)), (top + 1, y - top)):
                for beside, share in ((left, 1 - (x - left)), (left + 1, x - left)):
                    curve = curves[min(max(near, 0), cells - 1), min(max(beside, 0), cells - 1)]
                    found[row, col] += weight * share * np.interp(at, np.arange(BINS), curve)
    return found


def levels_and_curves(side: int = 64, cells: int = 4, clip: float = 3.0) -> tuple[np.ndarray, Curves]:
    rng = np.random.default_rng(2)
    levels = (rng.beta(2, 6, (side, side)) * np.linspace(0.4, 1, side)).astype(np.float64)
    lattice = Lattice.over(side, side, cells)
    for top in range(0, side, 24):
        rows = slice(top, min(side, top + 24))
        lattice.add(levels[rows], np.ones(levels[rows].shape, bool), rows, slice(0, side))
    return levels, Curves.of(lattice, clip)


def test_clahe_is_what_its_sources_write() -> None:
    levels, curves = levels_and_curves()
    found = curves.apply(levels, slice(0, 64), slice(0, 64))
    np.testing.assert_allclose(found, by_opencv_s_way(levels, 4, 3.0), atol=1e-5)


def test_clahe_is_much_like_scikit_image_s() -> None:
    levels, curves = levels_and_curves(128, 4, 3.0)
    theirs = exposure.equalize_adapthist(levels, kernel_size=32, clip_limit=3.0 / BINS, nbins=BINS)
    found = curves.apply(levels, slice(0, 128), slice(0, 128))
    assert np.corrcoef(found.ravel(), theirs.ravel())[0, 1] > 0.97


def test_clahe_is_the_same_from_any_part() -> None:
    levels, curves = levels_and_curves()
    whole = curves.apply(levels, slice(0, 64), slice(0, 64))
    part = curves.apply(levels[13:50, 7:60], slice(13, 50), slice(7, 60))
    np.testing.assert_array_equal(part, whole[13:50, 7:60])


def test_cells_in_which_nothing_was_seen_change_nothing() -> None:
    lattice = Lattice.over(10, 10, 8)
    lattice.add(np.full((10, 10), 0.3), np.zeros((10, 10), bool), slice(0, 10), slice(0, 10))
    levels = np.linspace(0, 1, 100).reshape(10, 10)
    np.testing.assert_allclose(Curves.of(lattice, 3).apply(levels, slice(0, 10), slice(0, 10)), levels, atol=1e-6)


@given(st.floats(1, 50))
def test_no_curve_falls(clip: float) -> None:
    _, curves = levels_and_curves(clip=clip)
    assert (np.diff(curves.levels, axis=2) >= 0).all()


@given(st.floats(0, 1))
def test_lifted_shadows_keep_the_order_of_tones(strength: float) -> None:
    light = np.linspace(0, 1, 500)
    lifted = light * gain(light, strength)
    assert (np.diff(lifted) > 0).all()
    assert (lifted >= light).all()
    assert lifted[-1] == 1
    assert gain(np.zeros(1), 1.0)[0] == 3
