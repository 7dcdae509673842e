"""Layers that are read place by place, so that memory holds a part of them.

A file with a spatial index is read as it is; another through a temporary copy that has one.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel import files, geodesy
from geolabel.errors import InputError, OutputError
from geolabel.vector.asides import unheard
from geolabel.vector.placed import Placed
from geolabel.vector.read import look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_BATCH = 20_000
"""Features that are copied at a time."""
_READ = 4_096
"""Features that GDAL reads at a time: it fetches several batches ahead, in as many threads."""
_HARDLY_ANY_BYTES = 1 << 20
_NO_ROOM = ("failure: writing", "temp feature")
"""GDAL's words for it."""
_EMPTY_BYTES = 9
"""A geometry without any vertex has no more, as WKB."""
_GEOMETRY = "wkb_geometry"
"""Where a format does not name its geometry, GDAL does."""
_TRUNCATED = "the file is truncated or damaged, get it again"
_LISTED = {"ESRI Shapefile", "GeoJSON", "GML", "KML", "CSV"}
"""Formats of which a reader only notices that a file breaks off when it reads to the end."""


@dataclass(frozen=True, slots=True)
class IndexedLayer:
    """A layer of a vector file."""

    path: Path
    """The file that the user gave."""
    store: Path
    """The file that is read: the same, or a copy with an index."""
    layer: str
    crs: str
    fields: tuple[str, ...]
    """Attributes that are read."""

    def read(self, bounds: tuple[float, float, float, float], crs: str) -> Placed:
        """Features that touch a box (west, south, east, north) of `crs`, for use in `crs`. Raises InputError."""
        import pyarrow.compute as pc
        import pyogrio

        region = geodesy.project_bounds(bounds, crs, self.crs)
        try:
            meta, table = pyogrio.raw.read_arrow(
                self.store, layer=self.layer, columns=list(self.fields), bbox=region, batch_size=_READ
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError) as error:
            raise InputError(f"{self.path}: cannot be read ({error}); {_TRUNCATED}") from error
        column = meta["geometry_name"] or _GEOMETRY
        # GDAL's FlatGeobuf driver answers a box without features with a full batch of empty rows
        table = table.filter(pc.greater(pc.binary_length(table[column]), _EMPTY_BYTES))
        return Placed.of(self.path, table, column, (self.crs, crs), region)


@contextmanager
def open_layer(path: Path, layer: str | None, fields: Sequence[str]) -> Iterator[IndexedLayer]:
    """A layer ready to be read place by place, with some of its attributes.

    Raises InputError (missing, unreadable, no such layer or field), CRSError (no CRS), EmptyError (no features).
    """
    name, info = look(path, None, layer)
    if info["capabilities"]["fast_spatial_filter"] and info["driver"] not in _LISTED:
        yield IndexedLayer(path, path, name, info["crs"], tuple(fields))
        return
    with files.scratch() as work:
        store = work / "layer.fgb"
        count = copy_indexed(path, name, fields, store)
        if count < info["features"]:
            raise InputError(f"{path}: {count} of {info['features']} features can be read; {_TRUNCATED}")
        yield IndexedLayer(path, store, "layer", info["crs"], tuple(fields))


@unheard()
def copy_indexed(
    path: Path,
    layer: str,
    fields: Sequence[str],
    store: Path,
    *,
    where: str | None = None,
    keep: Callable[[pa.Table], NDArray[np.bool_]] | None = None,
    bounds: tuple[float, float, float, float] | None = None,
    options: Mapping[str, str] | None = None,
) -> int:
    """Copy a layer, batch by batch, into a FlatGeobuf with an index; how many features it had.

    Of them those are written that `keep` chooses by their attributes. Raises InputError, OutputError (disk full).
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyogrio

    read, full = 0, False
    try:
        with pyogrio.raw.open_arrow(
            path,
            layer=layer,
            columns=list(fields),
            where=where,
            bbox=bounds,
            batch_size=_BATCH,
            use_pyarrow=True,
            **(options or {}),
        ) as (meta, reader):
            column = meta["geometry_name"] or _GEOMETRY

            def batches() -> Iterator[pa.RecordBatch]:
                nonlocal read, full
                for batch in reader:
                    read += batch.num_rows
                    # an index has no room for features without a place
                    placed = batch.filter(pc.greater(pc.binary_length(batch[column]), _EMPTY_BYTES))
                    yield placed if keep is None else placed.filter(pa.array(keep(pa.table(placed))))
                # GDAL takes the end of its own room, in which an extract's nodes lie, for the end of the file
                full = shutil.disk_usage(store.parent).free < _HARDLY_ANY_BYTES

            pyogrio.write_arrow(
                pa.RecordBatchReader.from_batches(reader.schema, batches()),
                store,
                driver="FlatGeobuf",
                layer="layer",
                geometry_type="Unknown",
                geometry_name=column,
                crs=meta["crs"],
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowInvalid, OSError) as error:
        if full or str(store) in str(error) or any(words in str(error) for words in _NO_ROOM):
            raise _no_room(path, store) from error
        raise InputError(f"{path}: cannot be read ({error}); {_TRUNCATED}") from error
    if full:
        raise _no_room(path, store)
    return read


def _no_room(path: Path, store: Path) -> OutputError:
    return OutputError(
        f"{store.parent.parent}: a copy of {path} cannot be written there; is the disk full? Free some, or "
        "name another folder: TMPDIR=FOLDER geolabel label …"
    )
