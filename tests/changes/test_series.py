import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geolabel.changes.series import UNSEEN, history, plain_table


def by_hand(chance: np.ndarray, seen: np.ndarray, what: str) -> tuple[float, dict[int, float]]:
    """Every history of one pixel written out: chance of the change, and the likelihood of each first image."""
    n = len(chance)
    chance = chance if what == "loss" else 1 - chance

    def likelihood(states: list[int]) -> float:
        dates = zip(chance, states, seen, strict=True)
        return float(np.prod([(p if here else 1 - p) if on else 1.0 for p, here, on in dates]))

    firsts = [k for k in range(1, n) if seen[k] and seen[:k].any()]
    lost = {}
    for k in firsts:
        for_good = likelihood([1] * k + [0] * (n - k))
        back = [likelihood([1] * k + [0] * (m - k) + [1] * (n - m)) for m in range(k + 1, n)]
        lost[k] = 0.95 * for_good + 0.05 * float(np.mean(back)) if back else for_good
    came = [likelihood([0] * k + [1] * (n - k)) for k in firsts]
    total = sum(lost.values())
    others = likelihood([1] * n) + likelihood([0] * n) + sum(came)
    return total / (total + others), lost


@given(
    dates=st.integers(2, 6),
    what=st.sampled_from(["loss", "gain"]),
    data=st.data(),
)
@settings(deadline=None, max_examples=60)
def test_all_histories_written_out(dates, what, data):
    levels = data.draw(hnp.arrays(np.uint8, (dates, 2, 3), elements=st.integers(0, 250)))
    seen = data.draw(hnp.arrays(np.bool_, levels.shape))
    levels[~seen] = UNSEEN
    odds = plain_table()[levels]
    found = history(odds, seen, what)
    chance = 1 / (1 + np.exp(-odds.astype(np.float64)))
    for row, col in np.ndindex(2, 3):
        wanted, lost = by_hand(chance[:, row, col], seen[:, row, col], what)
        assert found.told[row, col] == bool(lost)
        if lost:
            assert found.confidence[row, col] == pytest.approx(wanted, abs=1e-4)
            assert lost[int(found.first[row, col])] == pytest.approx(max(lost.values()), rel=1e-3)
        else:
            assert (found.confidence[row, col], found.first[row, col]) == (0, 0)


def one(*levels: int | None) -> tuple[np.ndarray, np.ndarray]:
    """One pixel; None is a date that saw nothing."""
    seen = np.array([[[level is not None]] for level in levels])
    values = np.array([[[UNSEEN if level is None else level]] for level in levels], np.uint8)
    return plain_table()[values], seen


def test_two_dates_are_a_product():
    odds, seen = one(200, 50)
    assert history(odds, seen, "loss").confidence.item() == pytest.approx(0.8 * 0.8, abs=1e-4)
    assert history(odds, seen, "gain").confidence.item() == pytest.approx(0.2 * 0.2, abs=1e-4)


def test_what_is_seen_again_is_surer():
    once, twice = (history(*one(*levels), "loss") for levels in ((225, 50), (225, 50, 50)))
    assert twice.confidence.item() > once.confidence.item() + 0.05
    assert twice.first.item() == once.first.item() == 1


def test_what_is_back_at_the_next_date_is_less_sure():
    stays, back = (history(*one(*levels), "loss").confidence.item() for levels in ((225, 50, 40), (225, 50, 225)))
    assert back < stays - 0.2


def test_a_cloud_widens_the_window_and_says_nothing():
    clear, cloudy = history(*one(225, 25), "loss"), history(*one(225, None, 25), "loss")
    assert cloudy.confidence.item() == pytest.approx(clear.confidence.item(), abs=1e-4)
    assert cloudy.first.item() == 2


def test_nothing_is_claimed_where_nothing_was_seen_before():
    found = history(*one(None, 25, 25), "loss")
    assert found.told.item()  # two images
    assert found.confidence.item() < 0.5
    assert not history(*one(None, None, 25), "loss").told.item()


def test_no_image_is_sure_alone():
    table = plain_table()
    assert (1 / (1 + np.exp(-table[[0, 250]].astype(float)))) == pytest.approx([0.05, 0.95], abs=1e-6)
    assert (table[251:] == 0).all()
    assert (np.diff(table[:251]) >= 0).all()


def test_one_date_is_no_series():
    with pytest.raises(ValueError, match="two dates"):
        history(*one(200), "loss")
