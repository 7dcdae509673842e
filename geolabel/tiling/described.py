"""What a tile index says of itself, out of JSON: each value is checked here, so that no step meets a wrong one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from geolabel.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geolabel.checked import Told

_MOST_PX = 1 << 16
"""A tile's side."""
_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Source:
    """A raster, or a folder of chips, that tiles were cut from."""

    path: str
    """Relative to the index. Rows name the raster itself, or a chip inside the folder."""
    kind: str
    """"raster" or "chips"."""
    bands: tuple[str, ...]
    dtype: str
    scale: tuple[float, ...]
    """Physical value = stored value × scale + offset, one a band."""
    offset: tuple[float, ...]
    nodata: float | None
    crs: str | None
    transform: tuple[float, ...] | None
    """Affine coefficients a, b, c, d, e, f."""
    gsd_m: float | None
    """Ground sample distance, metres; None where nobody said."""
    fingerprint: str

    def holds(self, path: str) -> bool:
        """Whether a row that names `path` is of this source: the raster, or a chip in the folder and not outside."""
        if self.path == path:
            return True
        return (
            self.kind == "chips"
            and path.startswith(f"{self.path}/")
            and ".." not in PurePosixPath(path[len(self.path) :]).parts
        )


@dataclass(frozen=True, slots=True)
class Described:
    """All of it, as `TileIndex` has it."""

    sources: tuple[Source, ...]
    crs: str | None
    tiling: Mapping[str, Any]
    scheme: Mapping[str, Any] | None
    label_sources: tuple[Mapping[str, Any], ...]
    labelling: Mapping[str, Any]
    split: Mapping[str, Any] | None
    history: tuple[str, ...]

    @classmethod
    def of(cls, told: Told) -> Described:
        """Raises DamagedError, which names what is wrong."""
        scheme, split, history = told.get("scheme"), told.get("split"), told.get("history")
        return cls(
            sources=tuple(_source(entry) for entry in told["sources"].items()),
            crs=_text(told, "crs"),
            tiling=_tiling(told),
            scheme=None if scheme is None else _scheme(scheme),
            label_sources=_label_sources(told),
            labelling=_labelling(told),
            split=None if split is None else _split(split),
            history=() if history is None else history.texts(),
        )


def _source(told: Told) -> Source:
    told.only({item.name for item in fields(Source)})
    bands = told["bands"].texts()
    transform, nodata, gsd_m = (told.get(key) for key in ("transform", "nodata", "gsd_m"))
    kind = told["kind"].one_of(("raster", "chips"))
    path = told["path"].text()
    if path.startswith("/vsi") or "\0" in path:
        raise DamagedError(f"{told['path'].name!r} must be a file, got {path[:40]!r}")
    if not bands or len(set(bands)) < len(bands):
        raise DamagedError(f"{told['bands'].name!r} must be different names, got {', '.join(bands)[:80] or 'none'}")
    return Source(
        path=path,
        kind=kind,
        bands=bands,
        dtype=told["dtype"].one_of(_DTYPES),
        scale=told["scale"].numbers(len(bands)),
        offset=told["offset"].numbers(len(bands)),
        nodata=None if nodata is None else nodata.number(),
        crs=_text(told, "crs"),
        transform=transform.numbers(6) if transform is not None and transform.value else None,
        gsd_m=None if gsd_m is None else gsd_m.number(above=0),
        fingerprint=told["fingerprint"].text(),
    )


def _text(told: Told, key: str) -> str | None:
    found = told.get(key)
    return None if found is None else found.text()


def _tiling(told: Told) -> Mapping[str, Any]:
    found = told.get("tiling")
    if found is None:
        return {}
    if (size := found.get("size")) is not None:
        for side in size.items(2):
            side.whole(least=1, most=_MOST_PX)
    return found.table()


def _scheme(told: Told) -> Mapping[str, Any]:
    """Classes and their names; the rest is checked by whoever makes a scheme of it."""
    for entry in told["classes"].items():
        entry["name"].text()
    return told.table()


def _label_sources(told: Told) -> tuple[Mapping[str, Any], ...]:
    found = told.get("label_sources")
    items = () if found is None else found.items()
    for item in items:
        for key in ("path", "kind", "name", "date", "attribution"):
            _text(item, key)
    return tuple(item.table() for item in items)


def _labelling(told: Told) -> Mapping[str, Any]:
    found = told.get("labelling")
    if found is None:
        return {}
    if (columns := found.get("columns")) is not None:
        columns.texts()
    if (presence := found.get("presence")) is not None:
        for share in presence.entries().values():
            share.number(least=0, most=1)
    for entry in () if (confusion := found.get("confusion")) is None else confusion.items():
        entry["sources"].items(2)
        for cell in entry["cells"].items():
            _ = [name.text() for name in cell["classes"].items(2)], cell["ha"].number(least=0)
    return found.table()


def _split(told: Told) -> Mapping[str, Any]:
    for key in ("method", "by"):
        _text(told, key)
    for key in ("block_m", "buffer_m", "folds", "seed"):
        if (number := told.get(key)) is not None:
            number.number(least=0)
    return told.table()
