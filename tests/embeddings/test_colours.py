"""Colours: against scikit-learn's PCA, whatever the blocks, and by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from geolabel.embeddings.colours import NODATA, Colours


def reader(vectors, edges):
    cuts = [0, *sorted(edges), len(vectors)]
    return lambda: [(first, vectors[first:end]) for first, end in pairwise(cuts) if end > first]


def planted(count=400, size=12):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(count, size)) * np.geomspace(8, 0.1, size) + 3).astype("float32")


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_components_are_those_of_a_pca(dtype):
    vectors = planted().astype(dtype)
    found = Colours.fit(reader(vectors, [100, 101]), 400, 12)
    wanted = PCA(3, svd_solver="full").fit(vectors.astype("float64"))
    assert np.allclose(found.explained, wanted.explained_variance_ratio_, atol=1e-9)
    turned = np.sign((found.components * wanted.components_).sum(axis=1))[:, None]
    assert np.allclose(found.components, wanted.components_ * turned, atol=1e-7)
    assert (found.components[np.arange(3), np.abs(found.components).argmax(axis=1)] > 0).all()


def test_the_stretch_leaves_two_of_a_hundred_at_each_end():
    vectors = planted(5_000)
    rgb = Colours.fit(reader(vectors, []), 5_000, 12).rgb(vectors)
    assert rgb.dtype == np.uint8
    assert rgb.min() == 1 != NODATA
    assert rgb.max() == 255
    assert np.allclose((rgb == 1).mean(axis=0), 0.02, atol=0.003)
    assert np.allclose((rgb == 255).mean(axis=0), 0.02, atol=0.003)


@given(st.lists(st.integers(0, 400), max_size=6), st.integers(10, 500))
def test_blocks_do_not_matter(edges, sample):
    vectors = planted()
    one, other = (Colours.fit(reader(vectors, cuts), 400, 12, sample) for cuts in ([], edges))
    assert np.allclose(one.components, other.components, atol=1e-8)
    assert np.allclose(one.low, other.low)


def test_a_sample_is_every_nth():
    vectors = planted()
    found = Colours.fit(reader(vectors, [33, 70, 71, 72, 300]), 400, 12, sample=100)
    alone = Colours.fit(reader(vectors[::4], []), 100, 12)
    assert np.allclose(found.components, alone.components, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2])
def test_fewer_directions_than_colours(size):
    vectors = planted(50, size)
    found = Colours.fit(reader(vectors, []), 50, size)
    assert sum(found.explained) == pytest.approx(1)
    assert (found.rgb(vectors)[:, size:] == 1).all()


def test_vectors_that_are_all_alike():
    vectors = np.full((5, 4), 0.5, "float32")
    found = Colours.fit(reader(vectors, [2]), 5, 4)
    assert found.explained == (0.0, 0.0, 0.0)
    assert (found.rgb(vectors) == 1).all()
