"""`geolabel label`: attach label shares from polygons, class rasters or tables of tags."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from geolabel import files
from geolabel.errors import OptionError, TableError, TileIndexError
from geolabel.labels.scheme import Scheme, complete, merge
from geolabel.labels.scheme_file import read_scheme
from geolabel.labels.shares import Shares, measure
from geolabel.labels.sources import ClassMap, LabelSource, RasterLabels, VectorLabels
from geolabel.labels.table import keep_classes, match_images, read_tags
from geolabel.progress import log, track
from geolabel.steps.tags import tag_columns, tag_scheme
from geolabel.tiling.index import LABEL_PREFIX, Source, TileIndex, read_index, write_index
from geolabel.tiling.sources import describe_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What `label` attached."""

    output: Path
    tiles: int
    tiles_known: int
    """Tiles of which the sources know at least --min-known."""
    known_share: float
    """Mean share of a tile on which the sources speak."""
    class_shares: dict[str, float]
    """Mean share of each class over the known tiles."""
    class_tiles: dict[str, int]
    """Tiles in which each class has any share."""
    values_unknown: dict[str, int]
    """Values of the sources that no class stands for, with how often they came: features, or pixels."""


def label(
    tiles: Path,
    *,
    vector: Sequence[Path] = (),
    field: str | None = None,
    layer: str | None = None,
    raster: Sequence[Path] = (),
    legend: Path | None = None,
    tags: Path | None = None,
    scheme: Path | None = None,
    min_known: float = 0.5,
    output: Path | None = None,
    overwrite: bool = False,
) -> LabelReport:
    """Attach labels to a tile index; without `output`, in place.

    Where several sources speak of a pixel, polygons win over rasters, and earlier ones over later ones.
    Raises OptionError, InputError, CRSError, TableError, SchemeError, EmptyError, OutputError.
    """
    if not (vector or raster or tags):
        raise OptionError("nothing to label with: give --vector FILE --field NAME, --raster FILE, or --tags CSV")
    if tags and (vector or raster):
        raise OptionError("--tags names chips, --vector and --raster describe places: give one kind in a run")
    target = output or tiles
    if output:
        files.check_new(output, overwrite=overwrite, inputs=(*vector, *raster, legend, tags, scheme))
    index = read_index(tiles)
    known_scheme = read_scheme(scheme) if scheme else None
    if tags:
        unknown: dict[str, int] = {}
        labelled = _from_tags(index, tags, known_scheme, target)
    else:
        sources: list[LabelSource] = [VectorLabels.look(path, field, layer) for path in vector]
        sources += [RasterLabels.look(path, legend) for path in raster]
        labelled, unknown = _from_maps(index, tiles, sources, known_scheme, min_known, target)
    # the sources of the labels are named from the new place already
    moved = replace(labelled.moved(tiles, target), label_sources=labelled.label_sources)
    write_index(target, moved, overwrite=overwrite or output is None)
    return _report(labelled, target, unknown)


def _from_tags(index: TileIndex, tags: Path, scheme: Scheme | None, target: Path) -> TileIndex:
    table = read_tags(tags)
    names = [str(name) for name in index.column("source")]
    if len(set(names)) < len(names):
        raise TableError(
            f"{tags}: --tags names chips, but this index has several tiles a file; use --vector or --raster"
        )
    row_of = match_images(table.images, names)
    if (row_of < 0).all():
        raise TableError(f"{tags}: none of its {len(row_of)} images is in the index, {table.images[0]} for one")
    if (row_of < 0).any():
        log.warning("%s: %d images are not in the index and are skipped", tags, int((row_of < 0).sum()))
    if scheme:
        table = keep_classes(table, scheme.names, tags)
    columns, _ = tag_columns(table, row_of, len(index))
    if index.crs:
        columns.pop("geometry", None)  # tiles have a place already
    found = scheme.subset(table.classes) if scheme else tag_scheme(table, tags)
    crs = index.crs or ("EPSG:4326" if "geometry" in columns else None)
    return _attach(
        index, columns, found, [{"kind": "tags", "path": files.relative_to(tags, target)}], "label --tags", crs
    )


def _from_maps(
    index: TileIndex,
    tiles: Path,
    sources: Sequence[LabelSource],
    scheme: Scheme | None,
    min_known: float,
    target: Path,
) -> tuple[TileIndex, dict[str, int]]:
    found = scheme
    for source in sources:
        if scheme is None:
            found = merge(found, source.scheme()) if found else source.scheme()
    assert found is not None
    found = complete(found)
    shares = np.full((len(index), len(found.names)), np.nan, dtype=np.float32)
    known = np.zeros(len(index), dtype=np.float32)
    unknown: dict[str, int] = {}
    paths = index.column("source").astype(str)
    for entry in index.sources:
        grid = _grid(entry, tiles)
        rows = np.flatnonzero(paths == entry.path)
        with ExitStack() as stack:
            maps = [stack.enter_context(closing(source.over(grid, found, unknown))) for source in sources]
            measured = _measure(maps, index, rows, len(found.names), min_known)
        shares[rows], known[rows] = measured.share, measured.known
    for source in sources:
        source.check_touched()
    columns = {
        "known": pa.array(known, pa.float32()),
        **{LABEL_PREFIX + name: pa.array(shares[:, at], pa.float32()) for at, name in enumerate(found.names)},
    }
    described = [source.describe(target) for source in sources]
    return _attach(index, columns, found, described, "label", index.crs), unknown


def _measure(
    maps: Sequence[ClassMap], index: TileIndex, rows: NDArray[np.int64], classes: int, min_known: float
) -> Shares:
    def class_map(window: Any) -> NDArray[np.uint8]:
        found = maps[0].read(window)
        for other in maps[1:]:
            if (found == 0).any():
                found = np.where(found == 0, other.read(window), found)
        return found

    def bar(items: Iterable[Any], total: int) -> Iterable[Any]:
        return track(items, total=total, what="labelling", unit="rows")

    windows = tuple(index.column(name)[rows] for name in ("col_off", "row_off", "width", "height"))
    col_off, row_off, width, height = windows
    return measure(class_map, (col_off, row_off, width, height), classes, min_known=min_known, track=bar)


def _grid(source: Source, tiles: Path) -> Grid:
    if source.crs is None:
        raise TileIndexError(f"{tiles}: its chips have no place on a map; label them with --tags")
    return describe_source(source, tiles.parent).place


def _attach(
    index: TileIndex,
    columns: dict[str, pa.Array],
    scheme: Scheme,
    sources: Sequence[dict[str, Any]],
    command: str,
    crs: str | None,
) -> TileIndex:
    bare = index.without([LABEL_PREFIX + name for name in index.class_names])
    return bare.with_columns(
        columns,
        scheme=scheme.to_json(),
        label_sources=tuple(sources),
        history=(*index.history, command),
        crs=crs,
    )


def _report(index: TileIndex, output: Path, unknown: dict[str, int]) -> LabelReport:
    shares, known = index.shares, index.column("known")
    labelled = np.isfinite(shares).any(axis=1)
    names = index.class_names
    for value, count in sorted(unknown.items(), key=lambda item: -item[1])[:10]:
        log.warning("%s: no class stands for it (%d times): unknown there", value, count)
    return LabelReport(
        output=output,
        tiles=len(index),
        tiles_known=int(labelled.sum()),
        known_share=float(np.mean(known)),
        class_shares={
            name: round(float(np.nanmean(shares[labelled, at])), 4) if labelled.any() else 0.0
            for at, name in enumerate(names)
        },
        class_tiles={name: int((shares[:, at] > 0).sum()) for at, name in enumerate(names)},
        values_unknown=unknown,
    )
