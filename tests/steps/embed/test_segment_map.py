"""The map is what the probe says of each pixel, strip by strip as in one piece."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from geolabel.learn.pixelwise import fit_pixel_probe
from geolabel.maps import ClassStyle
from geolabel.steps.embed.segmentation import blocks as segment_blocks
from geolabel.steps.embed.segmentation.blocks import features_at
from geolabel.steps.embed.segmentation.map import write_classes
from geolabel.steps.embed.segmentation.sample import PixelSample
from geolabel.steps.embed.segmentation.scene import open_segmenter
from tests.steps.embed.segment_scene import BANDS, write_network, write_stripes

STYLES = (ClassStyle(1, "down", "Down", "#112233"), ClassStyle(2, "across", "Across", "#aabbcc"))


def sample_of(row: np.ndarray, col: np.ndarray, truth: np.ndarray) -> PixelSample:
    return PixelSample(row, col, truth, np.ones(len(row)), np.array([1, 2]), np.bincount(truth))


@pytest.mark.parametrize(("stride", "kind"), [(None, "logistic"), (None, "forest"), (16, "logistic")])
def test_a_map_is_what_the_probe_says_of_each_pixel(stride, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(segment_blocks, "_CORE_PX", 48)  # blocks that fit the raster in no direction
    side = 96 + 31
    write_stripes(tmp_path / "region.tif", 128)
    with rasterio.open(tmp_path / "region.tif") as whole:
        profile, pixels = whole.profile | {"width": side, "height": 110}, whole.read()[:, :110, :side]
    with rasterio.open(tmp_path / "odd.tif", "w", **profile) as dataset:
        dataset.write(pixels)
    write_network(tmp_path / "model.safetensors")
    rng = np.random.default_rng(0)
    places = np.sort(rng.choice(110 * side, 400, replace=False))
    row, col = np.divmod(places, side)
    truth = (col // 16 + row // 16) % 2
    given = {"stride": stride, "bands": BANDS, "scale": None, "device": "cpu"}
    with open_segmenter(tmp_path / "odd.tif", tmp_path / "model.safetensors", **given) as opened:
        features = features_at(opened.reader, opened.way, sample_of(row, col, truth))
        probe = fit_pixel_probe(kind, features, truth, ("down", "across"), np.ones(400), 0)
        counts = write_classes(tmp_path, opened.reader, opened.way, probe, STYLES, ("somebody",))
        row, col = (axis.ravel() for axis in np.indices((110, side)))
        every = features_at(opened.reader, opened.way, sample_of(row, col, np.zeros(len(row), int)))
    expected = np.where((pixels > 0).any(axis=0), probe.choose(every).reshape(110, side) + 1, 255)
    with rasterio.open(tmp_path / "classes.tif") as dataset:
        found = dataset.read(1)
        assert dataset.nodata == 255
        assert dataset.colormap(1)[2][:3] == (0xAA, 0xBB, 0xCC)
        assert dataset.tags()["TIFFTAG_COPYRIGHT"] == "somebody"
    # a linear function of the places, then interpolated, is rounded otherwise than one of interpolated places
    assert (found != expected).sum() <= (2 if kind == "logistic" else 0)
    assert counts.tolist() == [(found == 1).sum(), (found == 2).sum()]
    assert "Across" in (tmp_path / "classes.qml").read_text(encoding="utf-8")


def test_pixels_of_a_sample_are_seen_where_they_are(tmp_path, monkeypatch):
    """Whatever their order among the blocks, the last columns of their features are their own bands."""
    monkeypatch.setattr(segment_blocks, "_CORE_PX", 32)
    write_stripes(tmp_path / "region.tif", 128)
    write_network(tmp_path / "model.safetensors")
    rng = np.random.default_rng(3)
    row, col = rng.integers(0, 128, (2, 60))
    given = {"stride": None, "bands": BANDS, "scale": None, "device": "cpu"}
    with open_segmenter(tmp_path / "region.tif", tmp_path / "model.safetensors", **given) as opened:
        found = features_at(opened.reader, opened.way, sample_of(row, col, np.zeros(60, int)))
    with rasterio.open(tmp_path / "region.tif") as dataset:
        pixels = dataset.read()[:, row, col]
    seen = pixels.any(axis=0)
    assert found[seen, -3:] == pytest.approx((pixels[:, seen].T - 120.0) / 42.0, abs=1e-5)
