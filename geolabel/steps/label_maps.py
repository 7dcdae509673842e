"""Labels from maps: sources laid over each raster of an index, measured, and merged."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from geolabel import raster
from geolabel.errors import TileIndexError, listed
from geolabel.labels.clc import clc_source
from geolabel.labels.given import raster_source, vector_source
from geolabel.labels.osm import osm_source
from geolabel.labels.scheme import LabelClass, Scheme, complete, merge
from geolabel.labels.shares import Known, Shares, measure
from geolabel.progress import log, track
from geolabel.tiling.index import LABEL_PREFIX
from geolabel.tiling.sources import describe_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.labels.sources import LabelSource
    from geolabel.tiling.described import Source
    from geolabel.tiling.index import TileIndex


_M2_PER_HA = 10_000.0
_PREFIXES = ("label", "present", "weak", "distance")
"""What other columns begin with: a file label.gpkg is no source of that name."""


@dataclass(frozen=True, slots=True)
class Given:
    """Label sources as the command names them, those that win first."""

    vector: tuple[Path, ...]
    osm: tuple[Path, ...]
    raster: tuple[Path, ...]
    clc: tuple[Path, ...]
    field: str | None
    layer: str | None
    legend: Path | None

    def paths(self) -> tuple[Path, ...]:
        """All files with labels."""
        return (*self.vector, *self.osm, *self.raster, *self.clc)

    def open(self, scheme: Scheme | None) -> list[LabelSource]:
        """Look at each file. Raises OptionError, InputError, CRSError, EmptyError, TableError, SchemeError."""
        sources: list[LabelSource] = [vector_source(path, self.field, self.layer, scheme) for path in self.vector]
        sources += [osm_source(path, is_raster=raster.is_raster(path)) for path in self.osm]
        sources += [raster_source(path, self.legend, scheme) for path in self.raster]
        sources += [clc_source(path, is_raster=raster.is_raster(path)) for path in self.clc]
        names = _unique([source.name for source in sources])
        return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]  # type: ignore[type-var]


def _unique(names: Sequence[str]) -> list[str]:
    """Names such that no column `NAME.class` of one is a column of another; numbered where they are not."""
    taken: list[str] = list(_PREFIXES)
    for name in names:
        more = (f"{name.replace('.', '_')}_{number}" for number in count(2))
        taken.append(
            next(
                found
                for found in chain([name], more)
                if not any(f"{found}.".startswith(f"{one}.") or f"{one}.".startswith(f"{found}.") for one in taken)
            )
        )
    return taken[len(_PREFIXES) :]


def label_by_maps(
    index: TileIndex,
    tiles: Path,
    given: Given,
    wanted: Scheme | None,
    *,
    merge: Literal["priority", "agreement", "separate"],
    exact: bool,
    min_known: float,
    target: Path,
) -> tuple[TileIndex, dict[str, int], dict[str, NDArray[np.int64]]]:
    """The index with the shares that the sources give, and values that no class stands for.

    And by class the rows that have some of it, although too little of them is known for a share.
    """
    sources = given.open(wanted)
    scheme = complete(wanted or _own_scheme(sources))
    can_name = np.array([source.names(scheme) for source in sources])
    shares = _measured(index, tiles, sources, scheme, can_name, merge, exact=exact, min_known=min_known)
    silent = np.array(scheme.names)[~can_name.any(axis=0)].tolist()
    if silent:
        log.warning("no source can tell %s: unknown everywhere", listed(silent))
    unknown: dict[str, int] = {}
    for source in sources:
        source.findings.close()
        unknown |= source.findings.unknown
    names = [source.name for source in sources]
    columns: dict[str, pa.Array] = {}
    confusion = [] if exact else _confusion(names, scheme, shares.joint)
    if merge == "separate":
        scheme, apart = _apart(scheme, names, can_name, shares, single=len(sources) == 1)
        columns |= {"known": _float(shares.merged.known), **apart}
    else:
        columns |= _columns("known", LABEL_PREFIX, scheme, shares.merged, can_name=None)
        for name, one, able in zip(names, shares.by_source, can_name, strict=False):
            columns |= _columns(f"{name}.known", f"{name}.", scheme, one, able)
    if shares.by_source and not exact:  # which measures each source, but not pairs of them
        columns |= {"agree": _float(shares.agree), "disagree": _float(shares.disagree)}
    bare = index.unlabelled()
    made = [name for name in columns if name != "known" and not name.startswith(LABEL_PREFIX)]
    labelled = bare.with_columns(
        columns,
        scheme=scheme.to_json(),
        label_sources=tuple(source.describe(target) for source in sources),
        labelling={
            "merge": merge if len(sources) > 1 else None,
            "exact": exact,
            "min_known": min_known,
            "columns": made,
            "confusion": confusion,
            "unknown_values": dict(sorted(unknown.items(), key=lambda item: -item[1])[:100]),
        },
        history=(*index.history, "label"),
    )
    told = [shares.merged] if merge != "separate" or not shares.by_source else shares.by_source
    traces = dict(zip(labelled.class_names, _traces(told, can_name, apart=merge == "separate"), strict=True))
    return labelled, unknown, traces


def _traces(told: Sequence[Known], can_name: NDArray[np.bool_], *, apart: bool) -> list[NDArray[np.int64]]:
    """In the order of the label columns."""
    if not apart:
        return list(told[0].traces)
    return [one.traces[at] for one, able in zip(told, can_name, strict=True) for at in np.flatnonzero(able).tolist()]


def _confusion(names: Sequence[str], scheme: Scheme, joint_ha: NDArray[np.float64]) -> list[dict[str, Any]]:
    """What each two sources say of the same places, hectares; unknown first, then the classes, "none" of them last."""
    pairs = [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
    classes = ["", *scheme.names, "none"]
    found = []
    for (one, other), area in zip(pairs, joint_ha, strict=True):
        cells = [
            {"classes": [classes[row], classes[column]], "ha": round(float(area[row, column]), 4)}
            for row, column in np.argwhere(area > 0).tolist()
        ]
        found.append({"sources": [one, other], "cells": cells})
    return found


def _own_scheme(sources: Sequence[LabelSource]) -> Scheme:
    """The classes of all sources where nobody names a scheme; OSM's for CLC too, where both are given."""
    own = [source.scheme() for source in sources]
    if any(scheme.name == "osm-landuse" for scheme in own):  # it has the CORINE codes of its classes
        own = [scheme for scheme in own if scheme.name != "clc-3"]
    found = own[0]
    for scheme in own[1:]:
        found = merge(found, scheme)
    return found


def _measured(
    index: TileIndex,
    tiles: Path,
    sources: Sequence[LabelSource],
    scheme: Scheme,
    can_name: NDArray[np.bool_],
    merge: str,
    *,
    exact: bool,
    min_known: float,
) -> Shares:
    """Raster by raster of the index; what two sources say together in hectares."""
    parts: list[tuple[NDArray[np.int64], Shares]] = []
    paths = index.column("source").astype(str) if len(index.sources) > 1 else None
    for entry in index.sources:
        grid = _grid(entry, tiles)
        rows = np.arange(len(index)) if paths is None else np.flatnonzero(paths == entry.path)
        if not len(rows):
            continue
        col_off, row_off, width, height = (
            index.column(name)[rows] for name in ("col_off", "row_off", "width", "height")
        )
        with ExitStack() as stack:
            laid = [stack.enter_context(source.lay(grid, scheme, int(row_off.min()))) for source in sources]
            found = measure(
                laid,
                can_name,
                (col_off, row_off, width, height),
                list(scheme.groups().values()),
                min_known=min_known,
                merging="agreement" if merge == "agreement" else "priority",
                exact=exact,
                track=_bar,
            )
        pixel_ha = grid.gsd_m[0] * grid.gsd_m[1] / _M2_PER_HA
        parts.append((rows, replace(found, joint=found.joint * pixel_ha)))
    return parts[0][1] if len(parts) == 1 else _joined(parts, len(index))


def _bar(items: Iterable[Any], total: int) -> Iterable[Any]:
    return track(items, total=total, what="labelling", unit="bands")


def _joined(parts: Sequence[tuple[NDArray[np.int64], Shares]], count: int) -> Shares:
    """The shares of several rasters, in the order of the index's rows."""
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))

    def join(pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.ascontiguousarray(np.concatenate(pieces, axis=-1)[..., order])

    def known(pieces: Sequence[Known]) -> Known:
        each = zip(
            *([rows[trace] for trace in one.traces] for (rows, _), one in zip(parts, pieces, strict=True)), strict=True
        )
        traces = tuple(np.concatenate(of_class) for of_class in each)
        return Known(join([one.share for one in pieces]), join([one.known for one in pieces]), traces)

    assert len(order) == count
    found = [shares for _, shares in parts]
    return Shares(
        known([one.merged for one in found]),
        tuple(known(list(pieces)) for pieces in zip(*(one.by_source for one in found), strict=True)),
        join([one.agree for one in found]),
        join([one.disagree for one in found]),
        np.sum([one.joint for one in found], axis=0),
    )


def _grid(source: Source, tiles: Path) -> Grid:
    if source.crs is None:
        raise TileIndexError(f"{tiles}: its chips have no place on a map; label them with --tags")
    return describe_source(source, tiles.parent).place


def _columns(
    known: str, prefix: str, scheme: Scheme, found: Known, can_name: NDArray[np.bool_] | None
) -> dict[str, pa.Array]:
    return {
        known: _float(found.known),
        **{
            prefix + name: _float(found.share[at])
            for at, name in enumerate(scheme.names)
            if can_name is None or can_name[at]
        },
    }


def _apart(
    scheme: Scheme, names: Sequence[str], can_name: NDArray[np.bool_], shares: Shares, *, single: bool
) -> tuple[Scheme, dict[str, pa.Array]]:
    """Each source's classes as classes of their own."""
    parts = (shares.merged,) if single else shares.by_source
    classes, columns = [], {}
    for name, able, one in zip(names, can_name, parts, strict=True):
        for at in np.flatnonzero(able).tolist():
            found = scheme.classes[at]
            group = f"{name}.{found.group}" if found.group else ""
            title = f"{found.title} ({name})"
            classes.append(LabelClass(f"{name}.{found.name}", title, found.color, group, presence=found.presence))
            columns[f"{LABEL_PREFIX}{name}.{found.name}"] = _float(one.share[at])
    return Scheme(f"{scheme.name} by source", tuple(classes), scheme.version), columns


def _float(values: NDArray[np.float32]) -> pa.Array:
    return pa.array(values, pa.float32())
