import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.tiling.neighbours import draw_in_ring, far_apart, nearest_place


@given(st.integers(0, 10_000), st.floats(0, 3), st.floats(0, 6), st.integers(1, 4))
def test_drawn_tiles_lie_in_the_ring_and_none_is_missed(seed, low, width, count) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.random((60, 2)) * 12
    anchors, members = rng.permutation(60)[:20], rng.permutation(60)[:40]
    found = draw_in_ring(centres, anchors, members, (low, low + width), count, rng)
    for anchor, row in zip(anchors, found, strict=True):
        apart = np.hypot(*(centres[members] - centres[anchor]).T)
        inside = set(members[(apart >= low) & (apart <= low + width) & (members != anchor)].tolist())
        if not inside:
            assert (row == -1).all()
            continue
        assert set(row.tolist()) <= inside
        assert len(set(row.tolist())) == min(count, len(inside)), "none twice, while there are others"


def test_members_of_a_ring_are_drawn_alike() -> None:
    centres = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [9.0, 9.0]])
    anchors = np.zeros(3000, dtype=np.int64)
    found = draw_in_ring(centres, anchors, np.arange(5), (1.0, 3.0), 1, np.random.default_rng(0))[:, 0]
    counts = np.bincount(found, minlength=5)
    assert counts[[0, 4]].sum() == 0
    assert (np.abs(counts[1:4] - 1000) < 4 * np.sqrt(1000 * 2 / 3)).all()


def test_a_ring_by_hand() -> None:
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0], [5.0, 1.0]])
    found = draw_in_ring(centres, np.array([0, 2]), np.arange(4), (4.0, 5.0), 2, np.random.default_rng(0))
    assert found.tolist() == [[2, 2], [1, 0]] or found.tolist() == [[2, 2], [0, 1]]
    assert (
        draw_in_ring(centres, np.array([0]), np.zeros(0, np.int64), (0, 9), 3, np.random.default_rng(0)) == -1
    ).all()


@given(st.integers(0, 10_000), st.floats(0.1, 8))
def test_places_far_apart_are_so_and_no_more_would_fit(seed, distance) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.random((80, 2)) * 10
    kept = far_apart(centres, distance, rng)
    apart = np.hypot(*(centres[kept][:, None] - centres[kept]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= distance * (1 - 1e-8)
    to_kept = np.hypot(*(centres[:, None] - centres[kept]).transpose(2, 0, 1)).min(axis=1)
    assert (to_kept <= distance).all()


@pytest.mark.parametrize(("reach", "wanted"), [(1.0, [0, 0, -1, 1]), (0.5, [0, -1, -1, 1]), (9.0, [0, 0, 1, 1])])
def test_the_nearest_place_within_reach(reach, wanted) -> None:
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0], [6.0, 0.0]])
    found = nearest_place(centres, np.array([[0.0, 0.0], [6.0, 0.0]]), reach)
    assert found.tolist() == wanted
