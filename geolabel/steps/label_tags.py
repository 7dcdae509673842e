"""Labels from tables of tags, and labels that are there already in the classes of a coarser scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel import files
from geolabel.errors import SchemeError, TableError
from geolabel.labels.bigearthnet import read_patches
from geolabel.labels.levels import ancestors, left_out, regroup
from geolabel.labels.scheme import Scheme
from geolabel.labels.table import match_images, read_tags, to_scheme
from geolabel.progress import log
from geolabel.steps.tags import tag_columns, tag_scheme
from geolabel.tiling.index import LABEL_PREFIX, RESERVED, TileIndex

if TYPE_CHECKING:
    from pathlib import Path


_KEPT = ("merge", "exact", "min_known", "weak_negatives_m")
"""What is still true of labels that are summed up."""


def label_by_tags(index: TileIndex, tags: Path, scheme: Scheme | None, target: Path) -> TileIndex:
    """The index with the labels that a table, or a folder of BigEarthNet patches, gives its chips.

    Raises TableError where the table names none of them.
    """
    table = read_patches(tags) if tags.is_dir() else read_tags(tags)
    names = [str(name) for name in index.column("source")]
    if len(set(names)) < len(names):
        raise TableError(
            f"{tags}: --tags names chips, but this index has several tiles a file; use --osm, --clc, --vector, --raster"
        )
    row_of = match_images(table.images, names)
    if (row_of < 0).all():
        raise TableError(f"{tags}: none of its {len(row_of)} images is in the index, {table.images[0]} for one")
    if (row_of < 0).any():
        log.warning("%s: %d images are not in the index and are skipped", tags, int((row_of < 0).sum()))
    if scheme:
        table = to_scheme(table, scheme, tags)
    columns, _ = tag_columns(table, row_of, len(index))
    if index.crs:
        columns.pop("geometry", None)  # tiles have a place already
    found = scheme.subset(table.classes) if scheme else tag_scheme(table, tags)
    made = [name for name in columns if name not in RESERVED and not name.startswith(LABEL_PREFIX)]
    return index.unlabelled().with_columns(
        columns,
        scheme=found.to_json(),
        label_sources=({"kind": "tags", "path": files.relative_to(tags, target)},),
        labelling={"columns": made},
        history=(*index.history, "label --tags"),
        crs=index.crs or ("EPSG:4326" if "geometry" in columns else None),
    )


def regrouped(index: TileIndex, scheme: Scheme, tiles: Path) -> TileIndex:
    """The index with its labels summed up to the classes of a coarser scheme. Raises SchemeError, TableError."""
    if not index.scheme or not index.class_names:
        raise SchemeError(
            f"{tiles}: has no labels that --scheme could regroup; give --osm, --clc, --vector, --raster …"
        )
    have = Scheme.from_json(index.scheme)
    membership = ancestors(have, scheme)
    dropped = left_out(have, membership)
    if dropped:
        log.warning("%s: %d classes belong to none of %s: %s", tiles, len(dropped), scheme.name, ", ".join(dropped))
    shares = regroup(index.shares, membership)
    columns = {
        LABEL_PREFIX + name: pa.array(np.ascontiguousarray(shares[:, at]), pa.float32())
        for at, name in enumerate(scheme.names)
    }
    made = {str(name) for name in index.labelling.get("columns", ())}
    bare = index.without([*made, *(LABEL_PREFIX + name for name in index.class_names)])
    return bare.with_columns(
        columns,
        scheme=scheme.to_json(),
        labelling={
            **{key: index.labelling[key] for key in _KEPT if key in index.labelling},
            "columns": [],
            "regrouped_from": have.name,
        },
        history=(*index.history, f"label --scheme {scheme.name}"),
    )
