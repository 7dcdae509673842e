"""Labels as a picture shows them: one class a tile, mixed apart from unknown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from geolabel.labels.scheme import LabelClass, Scheme
from geolabel.steps.exploring.classes import labels_of
from geolabel.steps.exploring.colourings import by_column, by_label
from geolabel.tiling.index import LABEL_PREFIX, TileIndex, dictionary


def index_of(shares: dict[str, list[float]], **columns: pa.Array) -> TileIndex:
    names = {LABEL_PREFIX + name: np.array(values, np.float32) for name, values in shares.items()}
    scheme = Scheme("land", tuple(LabelClass(name, group="g") for name in shares)).to_json()
    return TileIndex(pa.table({**names, **columns}), (), None, scheme=scheme)


def test_the_largest_share_is_the_label_where_it_is_large_enough() -> None:
    nan = float("nan")
    index = index_of(
        {"forest": [0.9, 0.4, nan, 0.0, nan], "mine": [0.1, 0.3, nan, 0.0, 0.6], "rare": [0.0] * 5},
        known=np.array([1, 1, 0, 1, 0.6], np.float32),
    )
    found = labels_of(index, 0.5)
    assert found.classes == ("forest", "mine", "none")
    assert found.names == ["forest", "mixed", "", "none", "mine"]
    assert found.codes.tolist() == [0, -1, -1, 2, 1]
    assert labels_of(index, 0.0).names[1] == "forest"
    shown = by_label(found)
    assert shown.codes.tolist() == [0, 3, -1, 2, 1]
    assert shown.names == ("Forest", "Mine", "none of them", "mixed")
    assert shown.colors[0] == "#1b7837"


def test_nothing_labelled_has_no_classes() -> None:
    found = labels_of(index_of({"forest": [0.0, float("nan")]}), 0.5)
    assert (found.classes, found.names, found.tell_apart) == ((), ["", ""], False)


def test_columns_become_classes_or_numbers() -> None:
    count = 40
    index = TileIndex(
        pa.table(
            {
                "split": dictionary(["train", "val"] * 20),
                "fold": pa.array([at % 11 for at in range(count)]),
                "haze": pa.array(np.linspace(0, 1, count).astype(np.float32)),
                "height": pa.array([8] * count),
                "scene": dictionary([None, "b"] * 20),
                "predicted.mine": pa.array([True, None, False, True] * 10),
                "number": pa.array(range(count)),
                "day": dictionary([f"day {at}" for at in range(count)]),
                "sensor": dictionary(["s2"] * count),
                "known": pa.array(np.ones(count, np.float32)),
            }
        ),
        (),
        None,
    )
    found = {one.title: one for one in by_column(index)}
    assert set(found) == {"Split", "Fold", "Haze", "Scene", "Predicted.mine", "Number"}
    assert found["Split"].names == ("train", "val")
    assert found["Fold"].names[-1] == "10"  # in the order of numbers
    assert found["Fold"].codes.tolist() == [at % 11 for at in range(count)]
    assert found["Scene"].codes.tolist() == [-1, 0] * 20
    assert found["Predicted.mine"].codes.tolist() == [1, -1, 0, 1] * 10
    assert (found["Haze"].kind, found["Number"].kind) == ("numbers", "numbers")
