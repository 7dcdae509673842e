"""What a tile index is: where its tiles come from, and what is known of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.embeddings import read_header
from geolabel.embeddings.index import is_fresh
from geolabel.labels.balance import balance
from geolabel.labels.scheme import Scheme
from geolabel.steps.inspection.extent import crs_name, degrees
from geolabel.steps.inspection.tiles_told import (
    ClassRow,
    EmbeddingsReport,
    LabelSourceRow,
    PartRow,
    SourceRow,
    TilesContent,
    TilesReport,
)
from geolabel.tiling.index import bounds_of, outlines, read_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geolabel.labels.balance import Balance
    from geolabel.tiling import TileIndex

_PARTS = ("train", "val", "test")
_FEW = 10
"""Tiles of a class below which nothing can be learned or measured."""
_MUCH = 0.5
"""Share unknown from which it is worth a word."""


def inspect_tiles(path: Path) -> TilesReport:
    """Describe a tile index. Raises InputError, TileIndexError."""
    return TilesReport("tile index", path, path.stat().st_size / 1e6, _content(path))


def inspect_embeddings(path: Path) -> EmbeddingsReport:
    """Describe an embeddings file. Raises InputError, TileIndexError."""
    header = read_header(path)
    name, architecture = (str(header.model.get(key) or "") for key in ("name", "architecture"))
    return EmbeddingsReport(
        kind="embeddings",
        path=path,
        megabytes=path.stat().st_size / 1e6,
        numbers=header.size,
        vector_dtype=header.dtype,
        norm=header.norm,
        model=f"{name} ({architecture})" if name and architecture else name or architecture,
        model_fingerprint=str(header.model.get("fingerprint") or ""),
        search_index=is_fresh(path),
        content=_content(path),
    )


def _content(path: Path) -> TilesContent:
    index = read_index(path)
    parts = _parts(index)
    summed = _summed(index)
    stride = _stride(index)
    box = bounds_of(outlines(index.table)[0])
    return TilesContent(
        tiles=len(index),
        size_px=tuple(index.tiling.get("size") or ()),
        stride_px=stride,
        sampling=str(index.tiling.get("sampling") or "grid"),
        crs=crs_name(index.crs),
        extent_degrees=degrees((box[0], box[1], box[2], box[3]) if box else None, index.crs),
        made_by=index.history,
        split_by=_split_by(index),
        unknown_share=summed.unknown_share if summed else None,
        imbalance=summed.imbalance if summed else None,
        columns=_columns(index),
        sources=_sources(index, path),
        label_sources=tuple(_label_source(entry) for entry in index.label_sources),
        parts=tuple(
            PartRow(part, count, count / max(1, len(index))) for part, count in _ordered(Counter(parts.tolist()))
        )
        if index.split is not None
        else (),
        classes=tuple(_classes(index, summed, parts)) if summed else (),
        to_mind=tuple(_notes(index, summed)),
    )


def _stride(index: TileIndex) -> int | None:
    """Pixels between tiles; None where they lie on no grid."""
    found = index.tiling.get("stride")
    return found if isinstance(found, int) else None


def _summed(index: TileIndex) -> Balance | None:
    if not index.class_names or "known" not in index.table.column_names:
        return None
    return balance(((name, index.share(name)) for name in index.class_names), index.column("known"), None)


def _parts(index: TileIndex) -> np.ndarray[Any, Any]:
    """The part of each tile (n,), "none" for no part."""
    if "split" not in index.table.column_names:
        return np.full(len(index), "none")
    return np.array([part or "none" for part in index.column("split").tolist()], dtype=object)


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    order = {part: at for at, part in enumerate(_PARTS)}
    return sorted(counts.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))


def _classes(index: TileIndex, summed: Balance, parts: np.ndarray[Any, Any]) -> Iterator[ClassRow]:
    colors = {}
    if index.scheme is not None:
        colors = {entry.name: entry.color for entry in Scheme.from_json(index.scheme).subset(index.class_names).classes}
    split = index.split is not None
    for entry in summed.classes:
        there = Counter(parts[index.share(entry.name) > 0].tolist()) if split else Counter[str]()
        train, val, test = (there.pop(part, 0) if split else None for part in _PARTS)
        yield ClassRow(
            name=entry.name,
            color=colors.get(entry.name, ""),
            share=entry.share,
            tiles=entry.tiles,
            known=entry.tiles_known,
            train=train,
            val=val,
            test=test,
            no_part=sum(there.values()) if split else None,
        )


def _split_by(index: TileIndex) -> str:
    told = index.split
    if told is None:
        return ""
    words = [str(told.get("by") or told.get("method") or "")]
    for key, what in (("block_m", "blocks of {:,.0f} m"), ("buffer_m", "buffer of {:,.0f} m")):
        if told.get(key) is not None:
            words.append(what.format(float(told[key])))
    if told.get("folds"):
        words.append(f"{told['folds']} folds")
    if told.get("seed") is not None:
        words.append(f"seed {told['seed']}")
    return ", ".join(words)


_EVERY = {*("tile", "source", "col_off", "row_off", "width", "height", "valid", "geometry"), "known", "split"}


def _columns(index: TileIndex) -> tuple[str, ...]:
    return tuple(name for name in index.table.column_names if name not in _EVERY and not name.startswith("label."))


def _sources(index: TileIndex, path: Path) -> tuple[SourceRow, ...]:
    named = Counter(index.column("source").tolist())
    counts: Counter[str] = Counter()
    for name, count in named.items():
        counts[index.source_of(name).path] += count
    return tuple(
        SourceRow(
            source.path,
            (path.parent / source.path).exists(),
            counts[source.path],
            source.bands,
            source.dtype,
            source.gsd_m,
        )
        for source in index.sources
    )


def _label_source(entry: Any) -> LabelSourceRow:
    return LabelSourceRow(
        source=str(entry.get("path") or entry.get("name") or ""),
        kind=str(entry.get("kind") or ""),
        date=str(entry.get("date") or ""),
        attribution=str(entry.get("attribution") or ""),
    )


def _notes(index: TileIndex, summed: Balance | None) -> Iterator[str]:
    if not len(index):
        yield "It holds no tiles."
    if summed is None:
        yield "It has no labels: geolabel label attaches them."
    else:
        rare = [entry.name for entry in summed.classes if 0 < entry.tiles < _FEW]
        absent = [entry.name for entry in summed.classes if not entry.tiles]
        if rare:
            yield f"In fewer than {_FEW} tiles, too few to learn or to measure: {', '.join(rare)}."
        if absent:
            yield f"In no tile at all: {', '.join(absent)}."
        if summed.unknown_share > _MUCH:
            yield f"Of {summed.unknown_share:.0%} of the tiles' area no label source speaks; unknown is not absent."
    if index.split is None:
        yield "It is not split into parts: geolabel split draws them, before training."
    stride, size = _stride(index), index.tiling.get("size")
    if summed is not None and stride and size and stride < min(size):
        yield "Tiles overlap: shares count a place once for each tile it lies in."
