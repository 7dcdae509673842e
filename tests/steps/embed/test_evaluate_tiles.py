"""Which tiles judge an embedding: labels of a table by hand, unknown tiles left out, shared pixels refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import rotate

from geolabel.errors import EmptyError, OptionError, TileIndexError
from geolabel.steps.embed.evaluation.draws import LEAST_OF_A_CLASS, draw_tiles, mixes_of, usual_classes
from geolabel.steps.embed.evaluation.tiles import JudgedTiles, judged_tiles
from geolabel.tiling.described import Source
from geolabel.tiling.index import LABEL_PREFIX, TileIndex, dictionary

if TYPE_CHECKING:
    from collections.abc import Sequence

NAN = float("nan")
TWO = ("train", "test")


def an_index(
    shares: Sequence[Sequence[float]],
    parts: Sequence[str],
    *,
    known: Sequence[float] | None = None,
    stride: int = 16,
    method: str | None = "blocks",
    dates: Sequence[str] = ("r.tif",),
) -> TileIndex:
    """Tiles of 16 px in one row of a raster, with shares of a, b, … (tiles, classes); the same row of other `dates`."""
    values = np.array(shares, np.float32)
    count = len(values)
    full = np.full(count, 16)
    at = np.arange(count) // len(dates) * stride
    west = 500_000.0 + 10 * at
    columns: dict[str, Any] = {
        "tile": np.arange(count),
        "source": dictionary([dates[row % len(dates)] for row in range(count)]),
        "col_off": at,
        "row_off": np.zeros(count, int),
        "width": full,
        "height": full,
        "split": dictionary(list(parts)),
        "known": np.ones(count, np.float32) if known is None else np.array(known, np.float32),
        "geometry": pa.array(shapely.to_wkb(shapely.box(west, 0, west + 160, 160)), pa.binary()),
        **{f"{LABEL_PREFIX}{name}": column for name, column in zip("abcdef", values.T, strict=False)},
    }
    sources = tuple(
        Source(name, "raster", ("red",), "uint8", (1.0,), (0.0,), None, "EPSG:32631", None, 10.0, name)
        for name in dates
    )
    return TileIndex(
        pa.table(columns),
        sources,
        "EPSG:32631",
        tiling={"size": [16, 16]},
        split=None if method is None else {"method": method},
    )


def test_labels_are_those_of_a_table_by_hand(tmp_path: Path):
    table = [
        # a, b, known → part, label
        ((0.9, 0.1), 1.0, "train", 0),
        ((0.2, 0.8), 1.0, "train", 1),
        ((0.3, 0.1), 1.0, "train", 2),  # most of it is known to be neither
        ((NAN, NAN), 0.0, "train", None),  # nothing is known: no class, and not the first one
        ((0.5, 0.5), 1.0, "test", 0),
        ((0.7, NAN), 0.7, "test", 0),  # more than half
        ((0.3, NAN), 0.3, "test", -1),  # b may be larger
        ((0.0, 0.4), 0.4, "test", 1),
        ((NAN, NAN), 0.0, "test", None),
        ((0.0, 1.0), 1.0, "val", None),
    ]
    shares, known, parts, wanted = zip(*table, strict=True)
    found = judged_tiles(an_index(shares, parts, known=known), tmp_path / "t.parquet", 0.0)
    assert found.classes == ("a", "b", "none")
    kept = [row for row, label in enumerate(wanted) if label is not None]
    assert found.rows.tolist() == kept
    assert found.parts.tolist() == [parts[row] for row in kept]
    assert found.labels.tolist() == [wanted[row] for row in kept]
    unknown = (NAN,) * 3  # 30 % of a, and nothing known of the rest, are not 100 % of a
    by_hand = [(0.9, 0.1, 0), (0.2, 0.8, 0), (0.3, 0.1, 0.6), (0.5, 0.5, 0), unknown, unknown, (0, 1, 0)]
    assert found.shares == pytest.approx(np.array(by_hand), abs=1e-6, nan_ok=True)
    assert found.whole.tolist() == [True] * 4 + [False] * 2 + [True]
    assert (found.unlabelled, found.tied) == (2, 1)


def test_a_threshold_leaves_mixed_tiles_without_label_but_not_without_shares(tmp_path: Path):
    shares = [(0.9, 0.1), (0.1, 0.9), (0.6, 0.4), (0.8, 0.2), (0.3, 0.7), (0.55, 0.45)]
    parts = ["train"] * 3 + ["test"] * 3
    found = judged_tiles(an_index(shares, parts), tmp_path / "t.parquet", 0.65)
    assert found.labels.tolist() == [0, 1, -1, 0, 1, -1]
    assert found.shares == pytest.approx(np.array(shares), abs=1e-6)
    with pytest.raises(EmptyError, match="lower --single-class-threshold"):
        judged_tiles(an_index(shares, parts), tmp_path / "t.parquet", 0.85)


def test_tags_that_all_are_absent_are_none(tmp_path: Path):
    """One tag, present or not: what lacks it is a class of its own."""
    found = judged_tiles(an_index([(1.0,), (0.0,)] * 2, ["train", "train", "test", "test"]), tmp_path / "t", 0.5)
    assert found.classes == ("a", "none")
    assert found.labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("index", "error", "told"),
    [
        (an_index([()] * 4, TWO * 2), TileIndexError, "geolabel label"),
        (an_index([(1, 0), (0, 1)] * 2, TWO * 2, method=None), TileIndexError, "geolabel split"),
        (an_index([(1, 0), (0, 1)], ["train", "val"]), EmptyError, "no tile in test"),
        (an_index([(1, 0), (1, 0)], TWO), EmptyError, "all labelled tiles are a"),
        (an_index([(1, 0), (0, 1)] * 2, ["train", "train", "test", "test"], stride=15), TileIndexError, "1 test tiles"),
        (an_index([(1, 0), (0, 1)] * 2, TWO * 2, dates=("may.tif", "july.tif")), TileIndexError, "2 test tiles"),
    ],
)
def test_what_cannot_judge_is_refused_with_a_remedy(
    index: TileIndex, error: type[Exception], told: str, tmp_path: Path
):
    with pytest.raises(error, match=told):
        judged_tiles(index, tmp_path / "t.parquet", 0.0)


@given(degrees=st.floats(-45, 45), dates=st.integers(1, 3))
def test_tiles_that_touch_are_apart_however_the_raster_lies(degrees: float, dates: int):
    """As tiles of two UTM zones do in degrees: neighbours touch at a slant, whatever their date."""
    classes, parts = [(1, 0), (0, 1)] * 4, [*TWO[:1] * 4, *TWO[1:] * 4]
    names = [f"{number}.tif" for number in range(dates)]
    for stride, fits in ((16, True), (15, False)):
        index = an_index(np.repeat(classes, dates, axis=0), np.repeat(parts, dates), stride=stride, dates=names)
        flat = shapely.from_wkb(index.column("geometry"))
        turned = [rotate(shape, degrees, origin=(500_000, 0)) for shape in flat]
        turned_index = index.with_columns({"geometry": pa.array(shapely.to_wkb(turned), pa.binary())})
        if fits:
            assert len(judged_tiles(turned_index, Path("t.parquet"), 0.0).rows) == 8 * dates
        else:
            with pytest.raises(TileIndexError, match=f"{dates} test tiles lie over"):
                judged_tiles(turned_index, Path("t.parquet"), 0.0)


def some_tiles(labels: Sequence[int], parts: Sequence[str]) -> JudgedTiles:
    known = np.array(labels)
    classes = tuple("abcdef"[: max(labels) + 1])
    shares = np.eye(len(classes), dtype=np.float32)[known]
    return JudgedTiles(np.arange(len(known)), np.array(parts), classes, shares, known, 0, 0)


@given(
    labels=st.lists(st.tuples(st.integers(-1, 3), st.sampled_from(TWO)), min_size=1, max_size=60),
    most=st.integers(2, 50),
    seed=st.integers(0, 5),
)
def test_draws_keep_their_promises(labels: list[tuple[int, str]], most: int, seed: int):
    sure = [(label, part) for label in (0, 1) for part in TWO for _ in range(LEAST_OF_A_CLASS)]
    tiles = some_tiles(*zip(*(labels + sure), strict=True))
    draws = draw_tiles(tiles, mixes_of("both"), 2, most, seed)
    assert [(one.mix, one.repeat) for one in draws] == [
        ("natural", 0), ("natural", 1), ("balanced", 0), ("balanced", 1),
    ]  # fmt: skip
    usual = usual_classes(tiles)
    for one in draws:
        for part, rows in (("train", one.train), ("test", one.test)):
            assert len(np.unique(rows)) == len(rows)
            assert (tiles.parts[rows] == part).all()
            if one.mix == "natural":
                assert len(rows) == min(most, len(tiles.of_part(part)))
                continue
            held = [int((tiles.labels[tiles.of_part(part)] == at).sum()) for at in usual]
            counts = np.bincount(tiles.labels[rows], minlength=len(tiles.classes))
            assert set(np.flatnonzero(counts)) == set(usual.tolist())
            assert set(counts[usual].tolist()) == {min(max(1, most // len(usual)), *held)}
    again = draw_tiles(tiles, mixes_of("both"), 2, most, seed)
    assert all((one.test == other.test).all() for one, other in zip(draws, again, strict=True))


def test_classes_that_cannot_be_balanced_are_refused():
    tiles = some_tiles([0] * 10 + [1] * 4, [*TWO] * 7)
    with pytest.raises(EmptyError, match="--class-mix natural"):
        draw_tiles(tiles, mixes_of("balanced"), 1, 10, 0)
    with pytest.raises(OptionError, match="'even'"):
        mixes_of("even")
