"""What the page of a label report shows, gathered from the index and from what was found."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.labels.scheme import Scheme
from geolabel.steps.tile_pixels import read_tiles
from geolabel.views.label_report import DoubtsShown, LabelPage, SourceRow
from geolabel.views.thumbnails import thumbnails
from geolabel.views.words import Legend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geolabel.labels.balance import Balance
    from geolabel.labels.confusion import Confusion
    from geolabel.steps.label_doubts import Judged
    from geolabel.tiling import TileIndex

_SHOWN = 50
"""Doubted tiles with a picture."""
_FILES = {
    "summary.json": "the numbers of this page",
    "balance.csv": "classes: share, hectares, tiles, unknown share",
    "confusion.csv": "what each two sources say of the same places, hectares",
    "disagreement.gpkg": "map of the tiles in dispute: what each source says, hectares in dispute",
    "doubts.csv": "judged tiles, most doubted first",
    "doubts.gpkg": "map of the same",
}


def page_of(
    index: TileIndex,
    base: Path,
    counted: Balance,
    confusions: Sequence[Confusion],
    disagreement: Mapping[str, Any],
    judged: Judged,
    notes: Sequence[str],
    *,
    made: set[Path],
) -> LabelPage:
    """The page; `made` are the files beside it, `base` the folder of the index. Raises what reading tiles raises."""
    scheme = Scheme.from_json(index.scheme)
    names = [PurePosixPath(source.path).name for source in index.sources]
    return LabelPage(
        subject=names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else ""),
        sources=_sources(index, confusions),
        balance=counted,
        legend=Legend(
            {one.name: one.title or one.name for one in scheme.classes},
            {one.name: one.color for one in scheme.classes if one.color},
        ),
        confusions=tuple(confusions),
        disagreement=_sentence(disagreement),
        doubts=_shown(index, judged, base),
        about_doubts=judged.about,
        notes=tuple(notes),
        files=tuple((name, what) for name, what in _FILES.items() if name in {path.name for path in made}),
    )


def _sentence(disagreement: Mapping[str, Any]) -> str:
    if "skipped" in disagreement:
        return f"No map of disagreement: {disagreement['skipped']}."
    return (
        f"{disagreement['tiles']:,} tiles are in dispute somewhere, {disagreement['ha']:,.1f} ha in all; "
        "disagreement.gpkg shows where."
    )


def _sources(index: TileIndex, confusions: Sequence[Confusion]) -> tuple[SourceRow, ...]:
    """The sources under the names by which the tables call them."""
    named = list(dict.fromkeys(name for one in confusions for name in (one.rows, one.columns)))
    if len(named) != len(index.label_sources):
        named = [str(entry.get("name", entry["kind"])) for entry in index.label_sources]
    return tuple(
        SourceRow(
            name,
            PurePosixPath(str(entry.get("path", ""))).name,
            str(entry.get("coding") or entry.get("field") or entry["kind"]),
            str(entry.get("date") or ""),
            str(entry.get("attribution") or ""),
        )
        for name, entry in zip(named, index.label_sources, strict=True)
    )


def _shown(index: TileIndex, judged: Judged, base: Path) -> DoubtsShown | None:
    """The most doubted tiles with their pictures."""
    if judged.doubts is None:
        return None
    row = judged.row[judged.doubts.row[:_SHOWN]]
    place = {number: at for at, number in enumerate(row.tolist())}
    seen: list[Any] = [None] * len(row)
    bands: tuple[str, ...] = ()
    for pixels in read_tiles(index, np.sort(row), base):
        bands = pixels.bands
        for at, values, valid in zip(pixels.row.tolist(), pixels.values, pixels.valid, strict=True):
            seen[place[at]] = (values, valid)
    return DoubtsShown(
        judged.doubts,
        tuple(index.column("tile")[row].tolist()),
        tuple(PurePosixPath(str(path)).name for path in index.column("source")[row]),
        tuple(thumbnails(seen, bands)),
    )
