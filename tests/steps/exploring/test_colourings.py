"""What points are coloured by: columns as classes or numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from geolabel.steps.exploring.colourings import by_cluster, by_column
from geolabel.tiling.index import TileIndex
from geolabel.views.explore_page import Colouring


def coloured(values: list[object]) -> Colouring | None:
    """By a column of a hundred tiles, the values repeated."""
    every = [values[at % len(values)] for at in range(100)]
    found = list(by_column(TileIndex(pa.table({"place": pa.array(every)}), (), None)))
    return found[0] if found else None


def test_words_are_classes_and_nothing_is_unknown():
    found = coloured(["b", "a", None, "a"])
    assert found is not None
    assert (found.title, found.kind, found.names) == ("Place", "classes", ("a", "b"))
    assert found.codes[:4].tolist() == [1, 0, -1, 0]


def test_of_many_words_the_commonest_are_told_apart():
    found = coloured([*"aaaabbbb", *(f"rare {at}" for at in range(30)), None])
    assert found is not None
    assert len(found.names) == len(found.colors) == 24
    assert {"a", "b"} < set(found.names)
    assert found.names[-1] == "9 others"
    assert (found.codes[:8] == [*[found.names.index("a")] * 4, *[found.names.index("b")] * 4]).all()
    assert found.codes[38] == -1
    assert set(found.codes.tolist()) == set(range(-1, 24)), "each is somewhere"


@pytest.mark.parametrize(("values", "kind"), [(list(range(40)), "numbers"), (list(range(3)), "classes")])
def test_many_whole_numbers_are_numbers(values: list[object], kind: str):
    found = coloured(values)
    assert found is not None
    assert found.kind == kind


def test_what_says_nothing_is_left_out():
    assert coloured(["one"]) is None
    assert coloured([float("nan")]) is None
    assert coloured([f"tile {at}" for at in range(100)]) is None


def test_numbers_stay():
    found = coloured([0.5, float("nan"), 2.0])
    assert found is not None
    assert np.array_equal(found.codes[:3], [0.5, np.nan, 2.0], equal_nan=True)


def predicted(classes: int) -> TileIndex:
    """An index with the columns of `predict`, the later classes the likelier."""
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {"Cloud": rng.random(40)}
    for at in range(classes):
        columns[f"probability.c{at}"] = rng.random(40) * (at + 1) / classes
        columns[f"predicted.c{at}"] = rng.random(40) < 0.5
    return TileIndex(pa.table(columns), (), None)


def test_of_what_predict_wrote_the_commonest_classes_are_shown() -> None:
    titles = [one.title for one in by_column(predicted(20))]
    expected = [f"{what}.c{at}" for at in range(4, 20) for what in ("Probability", "Predicted")]
    assert titles == ["Cloud", *expected]


def test_what_predict_wrote_is_not_shown_beside_a_models_answers() -> None:
    assert [one.title for one in by_column(predicted(3), answered=True)] == ["Cloud"]


def test_tiles_of_no_cluster_are_told_so():
    found = by_cluster(np.array([1, -1, 0, 0], np.int16))
    assert found.names == ("cluster 1", "cluster 2", "in no cluster")
    assert found.codes.tolist() == [1, 2, 0, 0]
    assert by_cluster(np.array([0, 0], np.int16)).names == ("cluster 1",)
