"""Areas and accuracies: the papers' own examples, their equations written out plainly, and a thousand samples drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geolabel.scoring.area import UNDECIDED, Estimate, Points, Stratum, estimate, too_few

OLOFSSON = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
"""Olofsson et al. 2014, table 8: deforestation, forest gain, stable forest, stable non-forest."""
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
HA_PER_PIXEL = 0.09


def points_of(counts, mapped=None):
    """Points of an error matrix (strata, classes) whose rows are strata, and classes where nothing else is said."""
    stratum, reference = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    shown = stratum if mapped is None else np.asarray(mapped)[stratum]
    return Points(stratum, shown, reference, np.ones(len(stratum)))


def of(counts, areas, pixels=0):
    return estimate([Stratum(float(area), pixels) for area in areas], points_of(counts), counts.shape[1])


def test_the_example_of_olofsson_2014():
    found = of(OLOFSSON, PIXELS)
    deforestation = found.classes[0]
    assert round(deforestation.area.value) == 235_086
    assert round(deforestation.area.half_width) == 68_418
    hectares = [(one.area.value * HA_PER_PIXEL, one.area.half_width * HA_PER_PIXEL) for one in found.classes]
    assert hectares[0] == (pytest.approx(21_158, abs=1), pytest.approx(6_158, abs=1))
    assert round(found.overall_accuracy.value, 2) == 0.95
    assert round(found.overall_accuracy.half_width, 2) == 0.02
    users = [(one.users_accuracy.value, one.users_accuracy.half_width) for one in found.classes]
    producers = [(one.producers_accuracy.value, one.producers_accuracy.half_width) for one in found.classes]
    assert np.round(users, 2).tolist() == [[0.88, 0.07], [0.73, 0.1], [0.93, 0.04], [0.96, 0.02]]
    assert np.round(producers[0], 2).tolist() == [0.75, 0.21]
    assert [one.mapped for one in found.classes] == pytest.approx(PIXELS)
    assert found.counts[:4].tolist() == OLOFSSON.tolist()
    assert found.proportions.sum() == pytest.approx(1)
    assert found.proportions[0, 0] == pytest.approx(0.02 * 66 / 75)


def by_the_equations(n, areas):
    """Olofsson et al. 2014, equations 1–11, loop by loop: values and standard errors."""
    q, total = len(areas), sum(areas)
    w, rows = areas / total, n.sum(axis=1)
    p = [[w[i] * n[i, j] / rows[i] for j in range(q)] for i in range(q)]
    user = [n[i, i] / rows[i] for i in range(q)]
    column = [sum(p[i][j] for i in range(q)) for j in range(q)]
    producer = [p[j][j] / column[j] for j in range(q)]
    overall_error = sum(w[i] ** 2 * user[i] * (1 - user[i]) / (rows[i] - 1) for i in range(q)) ** 0.5
    user_error = [(user[i] * (1 - user[i]) / (rows[i] - 1)) ** 0.5 for i in range(q)]
    producer_error = []
    for j in range(q):
        marginal = sum(areas[i] / rows[i] * n[i, j] for i in range(q))
        first = areas[j] ** 2 * (1 - producer[j]) ** 2 * user[j] * (1 - user[j]) / (rows[j] - 1)
        others = (i for i in range(q) if i != j)
        rest = sum(areas[i] ** 2 * n[i, j] / rows[i] * (1 - n[i, j] / rows[i]) / (rows[i] - 1) for i in others)
        producer_error.append(((first + producer[j] ** 2 * rest) / marginal**2) ** 0.5)
    area_error = [
        total * sum((w[i] * p[i][j] - p[i][j] ** 2) / (rows[i] - 1) for i in range(q)) ** 0.5 for j in range(q)
    ]
    return {
        "overall": (sum(p[i][i] for i in range(q)), overall_error),
        "users_accuracy": list(zip(user, user_error, strict=True)),
        "producers_accuracy": list(zip(producer, producer_error, strict=True)),
        "area": list(zip([total * one for one in column], area_error, strict=True)),
    }


@st.composite
def matrices(draw):
    side = draw(st.integers(2, 5))
    cells = st.lists(st.integers(0, 40), min_size=side, max_size=side)
    counts = np.array([draw(cells) for _ in range(side)]) + np.eye(side, dtype=int) * 2
    return counts, np.array(draw(st.lists(st.floats(1, 1e6), min_size=side, max_size=side)))


@given(matrices())
@settings(max_examples=60)
def test_where_strata_are_classes_it_is_what_the_equations_say(drawn):
    counts, areas = drawn
    found, expected = of(counts, areas), by_the_equations(counts, areas)
    overall = found.overall_accuracy
    assert (overall.value, overall.standard_error) == pytest.approx(expected["overall"], abs=1e-7)
    for at, one in enumerate(found.classes):
        for name in ("users_accuracy", "producers_accuracy"):
            got = getattr(one, name)
            assert (got.value, got.standard_error) == pytest.approx(expected[name][at], abs=1e-7)
        scale = areas.sum()
        expected_area = np.array(expected["area"][at]) / scale
        assert (one.area.value / scale, one.area.standard_error / scale) == pytest.approx(expected_area, abs=1e-7)
    assert sum(one.area.value for one in found.classes) == pytest.approx(areas.sum())


def test_the_example_of_stehman_2014():
    """Table 2 there: ten points from each of four strata, which are not the classes of the map."""
    shown = "AAAAAAABBB" + "ABBBBBBBBB" + "BBCCCCCCBB" + "DDDDDDDDDD"
    seen = "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"
    mapped, reference = (np.array(["ABCD".index(letter) for letter in text]) for text in (shown, seen))
    strata = [Stratum(area) for area in (40_000, 30_000, 20_000, 10_000)]
    found = estimate(strata, Points(np.repeat(np.arange(4), 10), mapped, reference, np.ones(40)), 4)
    a, b, c, _ = found.classes
    assert (a.area.value / 1e5, c.area.value / 1e5) == pytest.approx((0.35, 0.20))
    assert (a.area.standard_error / 1e5, c.area.standard_error / 1e5) == pytest.approx((0.082, 0.064), abs=5e-4)
    overall = found.overall_accuracy
    assert (overall.value, overall.standard_error) == pytest.approx((0.63, 0.085), abs=5e-4)
    users, producers = b.users_accuracy, b.producers_accuracy
    assert (users.value, users.standard_error) == pytest.approx((0.574, 0.125), abs=5e-4)
    assert (producers.value, producers.standard_error) == pytest.approx((0.794, 0.117), abs=5e-4)
    assert found.proportions[1, 2] == pytest.approx(0.08)


def test_what_is_undecided_is_area_but_neither_right_nor_wrong():
    counts = np.array([[9, 1], [2, 8], [6, 4]])
    strata = [Stratum(area) for area in (60.0, 30.0, 10.0)]
    found = estimate(strata, points_of(counts, [0, 1, UNDECIDED]), 2)
    one, two = found.classes
    assert (one.area.value, two.area.value) == pytest.approx((54 + 6 + 6, 6 + 24 + 4))
    assert (one.mapped, two.mapped) == pytest.approx((60, 30))
    assert found.overall_accuracy.value == pytest.approx((54 + 24) / 90)
    assert one.producers_accuracy.value == pytest.approx(54 / 66)
    assert found.counts.tolist() == counts.tolist()


def test_a_class_that_the_map_does_not_know():
    found = of(np.array([[8, 0, 2], [1, 9, 0]]), [50, 50])
    unknown = found.classes[2]
    assert unknown.area.value == pytest.approx(10)
    assert unknown.mapped == 0
    assert np.isnan([unknown.users_accuracy.value, unknown.users_accuracy.low]).all()
    assert unknown.producers_accuracy.value == 0


def test_pixels_of_different_area_count_by_it():
    """Two of a class on a pixel of three hectares, two of the other on one of one: shares of 3 to 1."""
    points = Points(np.zeros(4, int), np.zeros(4, int), np.array([0, 0, 1, 1]), np.array([3.0, 3.0, 1.0, 1.0]))
    found = estimate([Stratum(80.0)], points, 2)
    assert [one.area.value for one in found.classes] == pytest.approx([60, 20])
    residuals = np.array([3 * 0.25, 3 * 0.25, -0.75, -0.75]) / 2
    by_hand = 80 * (np.sum(residuals**2) / 3 / 4) ** 0.5
    assert found.classes[0].area.standard_error == pytest.approx(by_hand)


def test_where_all_pixels_were_looked_at_nothing_is_uncertain():
    found = of(np.array([[3, 1], [0, 2]]), [40, 20], pixels=4)
    assert found.classes[0].area.value == pytest.approx(30)
    exact = estimate([Stratum(40, 4), Stratum(20, 2)], points_of(np.array([[3, 1], [0, 2]])), 2)
    assert exact.classes[0].area.standard_error == 0
    single = estimate([Stratum(40, 4), Stratum(5, 1)], points_of(np.array([[3, 1], [0, 1]])), 2)
    assert single.classes[1].area.value == pytest.approx(15)


def test_too_few_points():
    strata = [Stratum(1.0), Stratum(1.0, 1), Stratum(1.0)]
    points = points_of(np.array([[2, 0], [1, 0], [0, 1]]), [0, 0, 1])
    assert too_few(strata, points) == [2]
    with pytest.raises(ValueError, match=r"\[2\]"):
        estimate(strata, points, 2)


def test_values_check_themselves():
    with pytest.raises(ValueError, match="area above 0"):
        Stratum(0.0)
    with pytest.raises(ValueError, match="lengths"):
        Points(np.zeros(2, int), np.zeros(2, int), np.zeros(1, int), np.ones(2))
    assert Estimate.of(0.99, 0.05, 1).high == 1
    assert Estimate.of(2.0, 5.0, 100).low == 0


def test_the_intervals_cover_the_truth_as_often_as_they_say():
    """A made-up map of a million hectares, 1,000 samples of 300 points: areas and accuracies within their 95 %."""
    truth = np.array([[0.70, 0.20, 0.10], [0.05, 0.90, 0.05], [0.02, 0.08, 0.90]])
    areas, drawn = np.array([1e5, 3e5, 6e5]), (80, 90, 130)
    rng = np.random.default_rng(7)
    area = areas @ truth
    right = areas * np.diag(truth)
    expected = np.concatenate([area, np.diag(truth), right / area, [right.sum() / 1e6]])
    inside = np.zeros(len(expected))
    values = np.zeros(len(expected))
    repeats = 1_000
    for _ in range(repeats):
        counts = np.array([rng.multinomial(n, row) for n, row in zip(drawn, truth, strict=True)])
        found = of(counts, areas)
        told = [
            *(one.area for one in found.classes),
            *(one.users_accuracy for one in found.classes),
            *(one.producers_accuracy for one in found.classes),
            found.overall_accuracy,
        ]
        inside += [one.low <= value <= one.high for one, value in zip(told, expected, strict=True)]
        values += [one.value for one in told]
    covered = inside / repeats
    assert covered.min() > 0.92, covered  # a share of 1,000 errs by .014 at two standard errors, short tails aside
    assert covered.max() < 0.98, covered
    bias = values / repeats / expected - 1
    assert np.abs(np.delete(bias, [6, 7, 8])).max() < 0.005, bias
    assert np.abs(bias).max() < 0.02, bias  # producer's accuracy is a ratio of two estimates
