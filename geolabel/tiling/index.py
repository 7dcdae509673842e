"""TileIndex: tiles.parquet, GeoParquet 1.1 with one row a tile (docs/formats.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import checked, files, geodesy, provenance
from geolabel.errors import DamagedError, OutputError, TileIndexError
from geolabel.tiling.columns import check_columns
from geolabel.tiling.described import Described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from geolabel.tiling.described import Source

FORMAT = 1
_ROWS = 1 << 15
"""Geometries that are looked at together."""
_GROUP = 1 << 17
"""Rows that are written together."""
LABEL_PREFIX = "label."
REQUIRED = ("tile", "source", "col_off", "row_off", "width", "height", "valid", "geometry")
VECTOR = "vector"
"""Column of an embeddings file (geolabel.embeddings), which is a tile index otherwise."""
_NOT_READ = ("bbox", VECTOR)
"""Boxes are made anew where the index is written; vectors are read where they are asked for."""
RESERVED = (*REQUIRED, "bbox", VECTOR, "fold", "split", "known", "agree", "disagree", "dominant", "haze")
"""Columns with a meaning; attributes of a table of tags must not be named so."""


@dataclass(frozen=True, slots=True)
class TileIndex:
    """Tiles with their labels, in memory."""

    table: pa.Table
    """The columns of docs/formats.md; `geometry` as WKB."""
    sources: tuple[Source, ...]
    crs: str | None
    """CRS of `geometry`: the sources' own where they share one, else EPSG:4326; None without places."""
    tiling: Mapping[str, Any] = field(default_factory=dict)
    scheme: Mapping[str, Any] | None = None
    label_sources: tuple[Mapping[str, Any], ...] = ()
    split: Mapping[str, Any] | None = None
    history: tuple[str, ...] = ()
    """The commands that made this index."""
    labelling: Mapping[str, Any] = field(default_factory=dict)
    """How labels were made of what the sources say, and by "columns" which columns came of it."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> NDArray[Any]:
        """A column as a numpy array (n,); dictionaries are decoded. Raises TileIndexError where there is none."""
        if name not in self.table.column_names:
            raise TileIndexError(f"the tile index has no column {name!r}; it has {', '.join(self.table.column_names)}")
        column = self.table[name]
        import pyarrow as pa

        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return np.asarray(column.to_numpy(zero_copy_only=False))

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the tiles. Raises TileIndexError where the index does not say."""
        size = self.tiling.get("size")
        if size is None:
            raise TileIndexError("the index does not say how large its tiles are; make it again with geolabel tile")
        return int(size[0]), int(size[1])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that have a label column, in order."""
        return tuple(
            name.removeprefix(LABEL_PREFIX) for name in self.table.column_names if name.startswith(LABEL_PREFIX)
        )

    def unlabelled(self) -> TileIndex:
        """A copy without labels, and without what was made of them."""
        made = [str(name) for name in self.labelling.get("columns", ())]
        bare = self.without(["known", *(LABEL_PREFIX + name for name in self.class_names), *made])
        return replace(bare, scheme=None, label_sources=(), labelling={})

    def share(self, name: str) -> NDArray[np.float32]:
        """Share of one class in each tile: (n,), 0–1; NaN = unknown. Raises TileIndexError where there is no such."""
        return self.column(LABEL_PREFIX + name).astype(np.float32, copy=False)

    @property
    def shares(self) -> NDArray[np.float32]:
        """Share of each class in each tile: (n, classes), 0–1; NaN = unknown."""
        columns = [self.column(LABEL_PREFIX + name) for name in self.class_names]
        return np.column_stack(columns).astype(np.float32) if columns else np.zeros((len(self), 0), np.float32)

    def has_place(self) -> NDArray[np.bool_]:
        """Which tiles have a geometry: (n,)."""
        return np.asarray(self.table["geometry"].is_valid().to_numpy())

    def centres_m(self) -> NDArray[np.float64]:
        """Tile centres on one metric plane: (n, 2), metres; NaN where a tile has no place."""
        return self._centres(geodesy.metric_points)

    def lonlat(self) -> NDArray[np.float64]:
        """Longitude and latitude of the tiles' centres, degrees: (n, 2); NaN where a tile has no place."""
        return self._centres(lambda x, y, crs: geodesy.reproject_where_possible(x, y, crs, "EPSG:4326"))

    def _centres(self, project: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
        """Centres (n, 2) of the tiles, by what takes x, y and a CRS; NaN where a tile has no place."""
        import shapely

        centres = np.full((len(self), 2), np.nan)
        placed = self.has_place()
        if placed.any() and self.crs:
            west, south, east, north = shapely.bounds(shapes_of(self.column("geometry")[placed])).T
            centres[placed] = project((west + east) / 2, (south + north) / 2, self.crs)
        return centres

    def with_columns(self, columns: Mapping[str, pa.Array], **changes: Any) -> TileIndex:
        """A copy with columns added or replaced, and other fields changed."""
        table = self.table
        for name, values in columns.items():
            at = table.column_names.index(name) if name in table.column_names else -1
            table = table.append_column(name, values) if at < 0 else table.set_column(at, name, values)
        return replace(self, table=table, **changes)

    def moved(self, old: Path, new: Path) -> TileIndex:
        """The index at another place: its sources named from there."""
        if old.parent.resolve() == new.parent.resolve():
            return self

        def rename(path: str) -> str:
            return files.relative_to(old.parent / path, new)

        import pyarrow as pa

        # each different name once: there are few rasters and many tiles
        named = self.table["source"].combine_chunks()
        named = named if pa.types.is_dictionary(named.type) else named.dictionary_encode()
        new_names = pa.array([rename(path) for path in named.dictionary.to_pylist()], pa.string())
        names = pa.DictionaryArray.from_arrays(named.indices, new_names)
        sources = tuple(replace(source, path=rename(source.path)) for source in self.sources)
        labels = tuple(
            {**entry, "path": rename(str(entry["path"]))} if "path" in entry else entry for entry in self.label_sources
        )
        return self.with_columns({"source": names}, sources=sources, label_sources=labels)

    def without(self, names: Sequence[str]) -> TileIndex:
        """A copy without some columns."""
        return replace(self, table=self.table.drop_columns([n for n in names if n in self.table.column_names]))

    def source_of(self, path: str) -> Source:
        """The source a row belongs to. Raises TileIndexError where the index does not describe it."""
        for source in self.sources:
            if source.holds(path):
                return source
        raise TileIndexError(f"the index does not describe its source {path}; make it again with geolabel tile")


def dictionary(values: NDArray[Any] | Sequence[str | None]) -> pa.Array:
    """Strings (n,) as a dictionary column."""
    import pyarrow as pa

    return pa.array(list(values), type=pa.string()).dictionary_encode()


def write_index(path: Path, index: TileIndex, *, overwrite: bool = False) -> None:
    """Write tiles.parquet, whole or not at all. Raises OutputError, also where vectors would be lost."""
    import pyarrow.parquet as pq

    if overwrite:
        check_replaced(path)
    bounds, kinds = outlines(index.table)
    metadata = metadata_of(index, bounds_of(bounds), kinds)
    with files.new_file(path, overwrite=overwrite) as draft:
        schema = with_bbox(index.table.slice(0, 0), bounds[:0]).schema.with_metadata(metadata)
        with pq.ParquetWriter(draft, schema, compression="zstd", use_dictionary=["source"]) as writer:
            for start in range(0, max(len(index), 1), _GROUP):
                rows = slice(start, start + _GROUP)
                part = with_bbox(index.table.slice(start, _GROUP), bounds[rows])
                writer.write_table(part.replace_schema_metadata(metadata), row_group_size=_GROUP)
            writer.add_key_value_metadata(provenance.entry(draft))


def check_replaced(path: Path) -> None:
    """Raise OutputError where `path` is an embeddings file: its vectors would be lost."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        vectors = path.is_file() and VECTOR in pq.read_schema(path).names
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return
    if vectors:
        raise OutputError(f"{path}: holds vectors, which an index does not; write elsewhere with -o")


def read_index(path: Path) -> TileIndex:
    """Read tiles.parquet. Raises InputError and TileIndexError where it is none, or of a later format."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files.check_readable(path, "a tile index (tiles.parquet)")
    try:
        with pq.ParquetFile(path) as stored:  # read_table would load the machinery for folders of files
            table = stored.read([name for name in stored.schema_arrow.names if name not in _NOT_READ])
            metadata = stored.metadata.metadata
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # names of columns are decoded late
        raise TileIndexError(f"{path}: is no tile index, or it is truncated; make one with geolabel tile") from error
    pa.default_memory_pool().release_unused()  # what decoding took is as much as the table itself
    return index_of(path, table, metadata)


def index_of(path: Path, table: pa.Table, metadata: Mapping[bytes, bytes] | None) -> TileIndex:
    """The index that a table is which was read from `path`, some of its rows or all, with the file's own metadata.

    Raises TileIndexError.
    """
    missing = [name for name in REQUIRED if name not in table.column_names]
    try:
        told = checked.parse((metadata or {}).get(b"geolabel", b"null"))
        if told.value is None or told.get("format") is None:
            raise TileIndexError(f"{path}: a Parquet file, but no tile index; make one with geolabel tile")
        if told["format"].value != FORMAT:
            found = str(told["format"].value)[:40]
            raise TileIndexError(f"{path}: format {found}, this geolabel reads {FORMAT}; upgrade geolabel")
        if missing:
            raise TileIndexError(f"{path}: lacks the columns {', '.join(missing)}; make it again with geolabel tile")
        described = Described.of(told)
    except DamagedError as error:
        raise TileIndexError(
            f"{path}: its description is damaged ({error}); make it again with geolabel tile"
        ) from error
    try:
        check_columns(table)
    except DamagedError as error:
        raise TileIndexError(f"{path}: its tiles are damaged ({error}); make it again with geolabel tile") from error
    return TileIndex(
        table=table,
        sources=described.sources,
        crs=described.crs,
        tiling=described.tiling,
        scheme=described.scheme,
        label_sources=described.label_sources,
        labelling=described.labelling,
        split=described.split,
        history=described.history,
    )


def metadata_of(index: TileIndex, bounds: tuple[float, ...] | None, kinds: set[int], **more: Any) -> dict[bytes, bytes]:
    """What the file says of itself: `geo` for GeoParquet, `geolabel` for us; `more` is said there, too.

    `bounds` (west, south, east, north) is of all tiles, None where none has a place; `kinds` as `outlines` gives them.
    """
    described = {
        "format": FORMAT,
        "sources": files.to_json(list(index.sources)),
        "crs": index.crs,
        "tiling": files.to_json(dict(index.tiling)),
        "scheme": files.to_json(index.scheme),
        "label_sources": files.to_json(list(index.label_sources)),
        "labelling": files.to_json(dict(index.labelling)),
        "split": files.to_json(index.split),
        "history": list(index.history),
        **more,
    }
    return {b"geo": json.dumps(_geo(index.crs, bounds, kinds)).encode(), b"geolabel": json.dumps(described).encode()}


def shapes_of(wkb: NDArray[Any]) -> NDArray[Any]:
    """Outlines of tiles (n,), as shapely has them, None where one has no place. Raises TileIndexError."""
    import shapely

    try:
        return np.asarray(shapely.from_wkb(wkb), dtype=object)
    except shapely.errors.GEOSException as error:
        raise TileIndexError(
            f"the outlines of the index's tiles cannot be read ({error}); make it again with geolabel tile"
        ) from error


def outlines(table: pa.Table) -> tuple[NDArray[np.float64], set[int]]:
    """Bounds of each tile (n, 4), NaN where it has no place, and shapely's numbers of the types there are.

    Some rows at a time: geometry objects are far larger than the bytes they are made of.
    """
    import shapely

    bounds, kinds = np.empty((table.num_rows, 4)), set()
    for start in range(0, table.num_rows, _ROWS):
        shapes = shapes_of(table["geometry"].slice(start, _ROWS).to_numpy(zero_copy_only=False))
        bounds[start : start + _ROWS] = shapely.bounds(shapes)
        kinds |= set(np.unique(shapely.get_type_id(shapes)).tolist())
    return bounds, kinds - {-1}


def with_bbox(table: pa.Table, bounds: NDArray[np.float64]) -> pa.Table:
    """The table with GeoParquet's covering column: a box beside each geometry, so that readers can skip rows."""
    import pyarrow as pa

    missing = pa.array(np.isnan(bounds).any(axis=1))
    names = ("xmin", "ymin", "xmax", "ymax")
    edges = [pa.array(np.ascontiguousarray(bounds[:, at])) for at in range(len(names))]
    return table.append_column("bbox", pa.StructArray.from_arrays(edges, names=list(names), mask=missing))


def bounds_of(bounds: NDArray[np.float64]) -> tuple[float, ...] | None:
    """What bounds (n, 4) of tiles have in common, NaN where one has no place; None where none has."""
    placed = bounds[~np.isnan(bounds).any(axis=1)]
    return (*placed[:, :2].min(axis=0).tolist(), *placed[:, 2:].max(axis=0).tolist()) if len(placed) else None


def _geo(crs: str | None, bounds: tuple[float, ...] | None, kinds: set[int]) -> dict[str, Any]:
    """GeoParquet 1.1 file metadata."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [{0: "Point", 3: "Polygon"}[kind] for kind in sorted(kinds)],
        "crs": geodesy.projjson(crs) if crs else None,
        "covering": {"bbox": {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if bounds:
        column["bbox"] = list(bounds)
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
