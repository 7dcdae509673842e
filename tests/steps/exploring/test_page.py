"""A page keeps to its size whatever is on it: pictures have what the numbers leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geolabel.steps.exploring import page as module
from geolabel.steps.exploring.page import ATLAS_BYTES, PAGE_BYTES, with_pictures
from geolabel.views.atlas import Atlas
from geolabel.views.explore_page import Colouring, ExplorePage, Projected, TextColumn, document
from tests.views.explore_page_scene import scene

COUNT = 50_000


@pytest.fixture(scope="module")
def full() -> ExplorePage:
    """All that `explore` ever shows of 50,000 tiles: shares, answers, errors, columns, eight projections, names."""
    rng = np.random.default_rng(0)
    names, colors = ("right", "missed", "false alarm"), ("#9fb8ad", "#c9485b", "#e0a12b")
    numbers = [Colouring(f"Number {at}", "numbers", rng.random(COUNT, np.float32)) for at in range(16 * 2 + 40 + 2)]
    classes = [Colouring(f"Error {at}", "classes", rng.integers(-1, 3, COUNT), names, colors) for at in range(18)]
    points = [rng.normal(size=(COUNT, dims)).astype(np.float32) for dims in (2, 3) * 4]
    files = tuple(f"S2B_MSIL2A_20200612T141049_R110_T20LMQ_{at:06}.tif" for at in range(COUNT))
    return replace(
        scene(COUNT, pictured=False),
        colourings=(*numbers, *classes),
        projections=tuple(Projected(f"Projection {at}", "", one) for at, one in enumerate(points)),
        columns=(TextColumn("Source", files, np.arange(COUNT)),),
    )


def given_to(page: ExplorePage, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes that pictures are given beside the numbers of a page."""
    given: list[int] = []

    def make(pictures: np.ndarray, budget_bytes: int) -> Atlas:
        given.append(budget_bytes)
        return Atlas(32, 1, 1, (bytes(budget_bytes),))

    monkeypatch.setattr(module, "make_atlas", make)
    made = with_pictures(page, np.zeros((len(page.tiles), 1, 1, 3), np.uint8))
    assert len(document(made)) <= PAGE_BYTES
    return given[0]


def test_pictures_have_what_the_numbers_leave(full: ExplorePage, monkeypatch: pytest.MonkeyPatch) -> None:
    left = PAGE_BYTES - len(document(full).encode())
    assert given_to(full, monkeypatch) == pytest.approx(0.75 * left, rel=0.01)
    assert given_to(scene(60, pictured=False), monkeypatch) == ATLAS_BYTES


@pytest.mark.slow
def test_fifty_thousand_with_everything_keep_to_40_mb(full: ExplorePage) -> None:
    coarse = np.random.default_rng(1).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)
    page = with_pictures(full, coarse.repeat(4, axis=1).repeat(4, axis=2))
    assert len(document(page)) < PAGE_BYTES
