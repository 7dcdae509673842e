"""The tables of a label report, as CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.labels.confusion import NONE, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.balance import Balance
    from geolabel.labels.confusion import Confusion
    from geolabel.labels.doubts import Doubts
    from geolabel.tiling import TileIndex

_DECIMALS = 6


def write_balance(path: Path, counted: Balance) -> None:
    """One row a class."""
    head = ("class", "share", "ha", "tiles", "tiles_known", "unknown_share", "rarer")
    rows = [
        (one.name, one.share, one.ha, one.tiles, one.tiles_known, one.unknown_share, one.rarer)
        for one in counted.classes
    ]
    _write(path, head, rows)


def write_confusion(path: Path, confusions: Sequence[Confusion]) -> None:
    """One table a pair of sources, below each other, with the classes of all pairs as columns; hectares.

    Words in brackets are no classes. `(agreement)` of a row is the share of what its source gives to the class, where
    the other speaks, that the other gives to it as well.
    """
    order = list(dict.fromkeys(name for one in confusions for name in one.classes[:-2]))
    titles = [*order, "(none)", "(unknown)"]
    lines: list[Sequence[Any]] = []
    for one in confusions:
        place = [one.classes.index(name) if name in one.classes else -1 for name in [*order, NONE, UNKNOWN]]
        area = np.pad(one.ha, (0, 1))[np.ix_(place, place)]  # -1 is a row and a column of zeros
        by_row, by_column = (np.append(share, [np.nan, np.nan])[place] for share in (one.by_row(), one.by_column()))
        pair = (one.rows, one.columns)
        lines += [(*pair, title, *area[at], area[at].sum(), by_row[at]) for at, title in enumerate(titles)]
        lines.append((*pair, "(total)", *area.sum(axis=0), area.sum(), None))
        lines.append((*pair, "(agreement)", *by_column, None, one.agreement))
        lines.append((*pair, "(kappa)", *[None] * len(place), None, one.kappa))
    _write(path, ("rows", "columns", "class", *titles, "(total)", "(agreement)"), lines)


def doubts_columns(index: TileIndex, row: NDArray[np.int64], doubts: Doubts) -> dict[str, NDArray[Any]]:
    """Name and values (n,) of the columns of the doubts; `row` (n,): of the index, in the order of the doubts."""
    return {
        "rank": np.arange(1, len(row) + 1),
        "tile": index.column("tile")[row].astype(np.int64),
        "source": index.column("source")[row].astype(object),
        "score": doubts.score,
        "given": _words(doubts.given),
        "model": _words(doubts.model),
        "differs": doubts.differs,
        "doubted": np.array([name or NONE for name in doubts.doubted], dtype=object),
        "given_share": doubts.given_share.round(4),
        "model_probability": doubts.probability.round(4),
    }


def write_columns(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Columns (n,) side by side."""
    _write(path, tuple(columns), zip(*(values.tolist() for values in columns.values()), strict=True))


def _words(parts: Iterable[Sequence[str]]) -> NDArray[Any]:
    return np.array(["|".join(part) or NONE for part in parts], dtype=object)


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Numbers to six decimals; nothing where there is none."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_plain(value) for value in row] for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") if np.isfinite(value) else ""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value
