"""From a map with known truth, over drawn pixels and true answers, back to its areas."""

import json

import numpy as np
import pytest
from affine import Affine

from geolabel.errors import EmptyError, OptionError
from geolabel.grid import Grid
from geolabel.scoring.area import Points, Stratum, estimate
from geolabel.steps.area.estimate import estimate_areas
from geolabel.steps.area.file import read_sample
from geolabel.steps.area.map import read_map
from geolabel.steps.area.sample import sample_map
from geolabel.steps.area.strips import PixelAreas, count, draw
from tests.steps.area.maps_to_sample import answer, change, chequered, write_map

FOREST, MINE, NONE = "Forest & <wood>", 'Mine "pit"', "none"


@pytest.fixture
def folder(tmp_path):
    write_map(tmp_path / "classes.tif", chequered())
    return tmp_path


def draw_sample(folder, **options):
    sample_map(folder, output=folder / "sample.gpkg", points=200, minimum=20, **options)
    return folder / "sample.gpkg"


def rows(report, table="areas"):
    return {row.name: row for row in getattr(report, table)}


def test_in_degrees_and_with_errors_the_truth_is_within_the_intervals(tmp_path):
    """A map from 60° south to 20° north, wrong in the north only; 300 samples of it, answered by its truth."""
    height, width, step = 320, 40, 0.25
    grid = Grid("EPSG:4326", Affine(step, 0, -60, 0, -step, 20), width, height)
    rng = np.random.default_rng(5)
    truth = rng.choice([1, 2], size=(height, width), p=[0.7, 0.3]).astype(np.uint8)
    wrong = rng.random((height, width)) < np.linspace(0.5, 0, height)[:, None]
    titles = {1: FOREST, 2: MINE}
    found = read_map(
        write_map(tmp_path / "classes.tif", np.where(wrong, 3 - truth, truth).astype(np.uint8), grid, titles)
    )
    counted = count(found)
    size = PixelAreas.of(grid).of_rows(np.arange(height), width)
    expected = np.array([size[truth == value].sum() for value in (1, 2)])
    strata = [
        Stratum(area, int(pixels)) for area, pixels in zip(counted.area_ha, counted.pixels.sum(axis=0), strict=True)
    ]
    inside, values = np.zeros(2), np.zeros(2)
    for _ in range(300):
        drawn = draw(found, counted, np.array([150, 150]), rng)
        seen = truth[drawn.row, drawn.col].astype(np.int64) - 1
        told = estimate(strata, Points(drawn.stratum, drawn.stratum, seen, drawn.area_ha), 2)
        inside += [one.area.low <= area <= one.area.high for one, area in zip(told.classes, expected, strict=True)]
        values += [one.area.value for one in told.classes]
    assert 0.91 < (inside / 300).min() <= (inside / 300).max() < 0.985
    np.testing.assert_allclose(values / 300, expected, rtol=0.006)


def test_the_sample_is_blind_and_in_no_order(folder):
    read = read_sample(draw_sample(folder))
    assert read.id.tolist() == list(range(1, 201))
    blocks = np.flatnonzero(np.diff(read.stratum)) + 1
    assert len(blocks) > 80  # sorted by class there would be three
    assert set(read.reference) == {""}
    assert [one.points for one in read.strata] == np.bincount(read.stratum).tolist()
    assert read.classes == (NONE, FOREST, MINE)


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("samples") / "sample.gpkg"  # not in the folder, which is an input

    def drawn(seed):
        sample_map(folder, output=output, points=200, minimum=20, overwrite=True, seed=seed)
        return output.read_bytes()

    one = drawn(0)
    assert drawn(0) == one
    assert drawn(1) != one


def test_where_all_answers_agree_with_the_map_its_areas_are_right(folder):
    sample = draw_sample(folder)
    answer(sample, lambda number, name: (NONE if name == "undecided" else name, "sure"))
    report = estimate_areas(sample)
    assert report.overall_accuracy == 1
    areas = rows(report)
    for name in (FOREST, MINE):
        assert areas[name].estimated_ha == pytest.approx(areas[name].mapped_ha)
        assert areas[name].low_ha == areas[name].high_ha == areas[name].estimated_ha
    assert areas[NONE].estimated_ha == pytest.approx(areas[NONE].mapped_ha + report.undecided_ha)
    assert sum(one.estimated_ha for one in report.areas) == pytest.approx(report.total_ha)
    codes = chequered()
    mines = (codes == 2).sum() * 0.01 / 0.9996**2
    assert areas[MINE].mapped_ha == pytest.approx(mines, rel=1e-6)
    said = next(one.text for one in report.in_words if one.text.startswith(FOREST))
    assert said.endswith("All answers of each stratum agree on it: no error was met, which is not to say there is none")
    assert (report.matrix[-1].mapped, report.matrix[-1].right) == ("undecided", 0)


def test_a_table_to_sum_by_hand(folder):
    """Every fourth point of mapped forest is a mine, all else is as mapped."""
    sample = draw_sample(folder)
    read = read_sample(sample)
    forest = read.id[read.stratum == 1]
    mines = set(forest[: len(forest) // 4].tolist())

    def say(number, name):
        return (MINE if number in mines or name == "undecided" else name), "sure"

    answer(sample, say)
    report = estimate_areas(sample)
    area, share = {one.name: one.area_ha for one in read.strata}, len(mines) / len(forest)
    assert rows(report)[FOREST].estimated_ha == pytest.approx(area[FOREST] * (1 - share))
    mine_ha = area[MINE] + area["undecided"] + area[FOREST] * share
    assert rows(report)[MINE].estimated_ha == pytest.approx(mine_ha)
    accuracies = rows(report, "accuracies")
    assert accuracies[FOREST].users == pytest.approx(1 - share)
    assert accuracies[MINE].producers == pytest.approx(area[MINE] / mine_ha)
    pixels = (chequered() == 1).sum()
    error = area[FOREST] * (share * (1 - share) / (len(forest) - 1) * (1 - len(forest) / pixels)) ** 0.5
    assert rows(report)[FOREST].high_ha == pytest.approx(area[FOREST] * (1 - share) + 1.96 * error)


def test_unsure_answers_are_told_with_and_without(folder):
    sample = draw_sample(folder)
    answer(sample, lambda number, name: (MINE, "unsure") if number % 10 == 0 or name == "undecided" else (name, "sure"))
    report = estimate_areas(sample)
    assert report.unsure > 20
    assert report.areas_by_sure_answers == ()  # none is sure of what the map leaves undecided
    answer(sample, lambda number, name: (NONE if name == "undecided" else name, "unsure" if number % 10 == 0 else ""))
    report = estimate_areas(sample)
    assert report.unsure == 20
    assert rows(report, "areas_by_sure_answers")[MINE].estimated_ha == pytest.approx(rows(report)[MINE].mapped_ha)


def test_unanswered_points_are_left_out_and_told(folder, caplog):
    sample = draw_sample(folder)
    answer(sample, lambda number, name: (None if number > 150 else FOREST, None))
    report = estimate_areas(sample)
    assert (report.answered, report.unanswered, report.unsure) == (150, 50, 0)
    assert "50 of 200 points are unanswered and left out" in caplog.text
    change(sample, "DELETE FROM sample WHERE id IN (7, 9)")
    assert estimate_areas(sample).answered == 148
    assert "rows of the layer are gone, and count as unanswered: point 7, 9" in caplog.text


def test_too_few_answers_name_points_but_not_their_class(folder):
    sample = draw_sample(folder)
    answer(sample, lambda number, name: (None if name == MINE else FOREST, None))
    with pytest.raises(
        EmptyError, match=r"of one stratum fewer than two points are answered.*answer point \d+"
    ) as told:
        estimate_areas(sample)
    assert MINE not in str(told.value)


def test_the_folder_it_writes(folder):
    sample = draw_sample(folder)
    answer(sample, lambda number, name: (MINE if number % 9 == 0 or name == "undecided" else name, None))
    report = estimate_areas(sample, output=folder / "areas")
    made = sorted(path.name for path in (folder / "areas").iterdir())
    assert made == ["accuracies.csv", "area.json", "areas.csv", "matrix.csv", "run.json"]
    told = json.loads((folder / "areas" / "area.json").read_text())
    assert told["overall_accuracy"] == pytest.approx(report.overall_accuracy)
    matrix = np.loadtxt(folder / "areas" / "matrix.csv", delimiter=",", skiprows=1, usecols=(1, 2, 3), quotechar='"')
    assert matrix.shape == (4, 3)
    assert matrix.sum() == pytest.approx(1)
    estimate_areas(sample, output=folder / "areas", overwrite=True)


def test_rare_classes_come_on_top_of_what_the_error_needs(folder):
    report = sample_map(folder, output=folder / "a.gpkg", error=0.05, minimum=40)
    assert report.expected_standard_error <= 0.05
    assert min(one.points for one in report.strata) == 40
    finer = sample_map(folder, output=folder / "b.gpkg", error=0.02, expect={FOREST: 0.95, MINE: 0.6}, minimum=40)
    assert finer.points > report.points
    assert finer.expected_standard_error <= 0.02


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"points": 50, "error": 0.02}, "give one of them"),
        ({"error": 2.0}, "between 0 and 1, got 2"),
        ({"points": 50, "minimum": 20}, "4 strata with at least 20 points each"),
        ({"points": 10**6}, "need 200 to 10800"),
        ({"minimum": 1}, "one point has no variance"),
        ({"expect": {"wood": 0.5}}, "--expect: no class wood; there are none, Forest & <wood>"),
        ({"expect": 80.0}, "lies between 0 and 1, got 80"),
    ],
)
def test_options_that_make_no_sense(folder, options, says):
    with pytest.raises(OptionError) as told:
        sample_map(folder, output=folder / "a.gpkg", **options)
    assert says in str(told.value)
    assert not (folder / "a.gpkg").exists()
