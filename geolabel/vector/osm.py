"""OpenStreetMap extracts (.osm.pbf, .osm): areas, lines and points with the tags that are asked for, place by place.

GDAL's driver makes areas of closed ways and of multipolygon relations with their holes. Which keys make a closed way an
area is its own question (a roundabout is a line): the rules for areas say so.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from geolabel import files
from geolabel.errors import InputError
from geolabel.vector import trust
from geolabel.vector.indexed import IndexedLayer, copy_indexed
from geolabel.vector.pbf import pbf_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_CRS = "EPSG:4326"
_MEMORY_MB = "20"
"""What the driver holds of node places before it writes them to disk: more is no faster."""
_LAYERS = ("points", "lines", "multilinestrings", "multipolygons", "other_relations")
_XML_DATE = re.compile(rb'(?:osm_base|timestamp)="(\d{4}-\d\d-\d\d)')


def is_osm(path: Path) -> bool:
    """Whether the name is that of an OSM extract."""
    return path.name.lower().endswith((".pbf", ".osm"))


def osm_date(path: Path) -> str | None:
    """The day up to which the data of an extract reach (ISO), None where it does not say.

    Goes through the whole file: GDAL takes one that breaks off for one that ends. Raises InputError where it does.
    """
    files.check_readable(path, "an OSM extract")
    if path.suffix.lower() == ".pbf":
        return pbf_date(path)

    def refuse(*_: object) -> None:
        raise trust.entities_refused(path)

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    with path.open("rb") as stream:
        head = stream.read(2_000).split(b"<node", 1)[0]
        stream.seek(0)
        try:
            parser.ParseFile(stream)
        except expat.ExpatError as error:
            raise InputError(f"{path}: breaks off, or is damaged, in line {error.lineno:,}; get it again") from error
    match = _XML_DATE.search(head)
    return match[1].decode() if match else None


@contextmanager
def open_osm(
    path: Path,
    keys: Sequence[str],
    areas: Sequence[str],
    keep: Callable[[pa.Table], NDArray[np.bool_]],
    *,
    lines: Callable[[pa.Table], NDArray[np.bool_]] | None = None,
    bounds: tuple[float, float, float, float] | None = None,
) -> Iterator[list[IndexedLayer]]:
    """The layers of an extract, with the tags `keys` as attributes: areas that `keep` chooses by them.

    `areas`: keys, or key=value, that make a closed way an area. `lines`: chooses lines and points, None where they are
    not asked for. `bounds` (west, south, east, north), degrees: the part to be read. The file is taken to be whole:
    `osm_date` tells.
    """
    with files.scratch() as work, _driver_settings(work):
        config = work / "osm.ini"
        config.write_text(_config(keys, areas), encoding="utf-8")
        where = " OR ".join(f'"{key}" IS NOT NULL' for key in keys)
        layers = []
        for name, chosen in (("multipolygons", keep), ("lines", lines), ("points", lines)):
            if not chosen:
                continue
            store = work / f"{name}.fgb"
            options = {"CONFIG_FILE": str(config)}
            copy_indexed(path, name, keys, store, where=where, keep=chosen, bounds=bounds, options=options)
            layers.append(IndexedLayer(path, store, "layer", _CRS, tuple(keys)))
        yield layers


def _config(keys: Sequence[str], areas: Sequence[str]) -> str:
    bad = [key for key in keys if not re.fullmatch(r"[\w:.\-]+", key)]
    if bad:
        raise InputError(f"{bad[0]!r} cannot be a key of an OSM tag")
    part = f"osm_id=no\nattributes={','.join(keys)}\nother_tags=no\nall_tags=no"
    head = f"closed_ways_are_polygons={','.join(areas)}\nattribute_name_laundering=no"
    return "\n".join([head, *(f"[{name}]\n{part}" for name in _LAYERS)]) + "\n"


@contextmanager
def _driver_settings(work: Path) -> Iterator[None]:
    import pyogrio

    wanted: dict[str, Any] = {"OSM_MAX_TMPFILE_SIZE": _MEMORY_MB, "CPL_TMPDIR": work}
    wanted = {name: value for name, value in wanted.items() if name not in os.environ}
    before = {name: pyogrio.get_gdal_config_option(name) for name in wanted}
    pyogrio.set_gdal_config_options(wanted)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
