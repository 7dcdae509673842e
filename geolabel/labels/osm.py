"""OpenStreetMap as a label source: extracts, vector files with OSM tags as columns, or a raster of osmlanduse.org."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, geodesy, raster, vector
from geolabel.errors import EmptyError, InputError, SchemeError, listed
from geolabel.grid import Window
from geolabel.labels.areas import reached
from geolabel.labels.classify import ONE_COLUMN, OTHER_TAGS, ByTags
from geolabel.labels.clc import below, code_numbers
from geolabel.labels.raster_source import RasterSource, check_codes
from geolabel.labels.scheme_file import find_scheme
from geolabel.labels.sources import Findings
from geolabel.labels.vector_source import VectorSource
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.labels.classify import Classifier
    from geolabel.labels.scheme import Scheme

ATTRIBUTION = "© OpenStreetMap contributors, Open Database License (ODbL) 1.0, openstreetmap.org/copyright"
_LANDUSE_CODES = (21, 33, 31, 23, 32, 41, 22, 11, 12, 14, 5, 13, 42)
"""osmlanduse.org's classes as CORINE codes of level 2 (5: water, level 1), in the order of its numbers from 0."""
_WATER = (51, 52)
_NODATA = (255,)
"""What a raster of bytes has where there is no data, also where it does not say so."""
_WGS84 = "EPSG:4326"


def osm_source(path: Path, *, is_raster: bool) -> RasterSource | VectorSource:
    """OSM features by the `osm` rules of a scheme, or an osmlanduse raster by its `clc` rules.

    Raises InputError where the file has no OSM tags, or is damaged.
    """
    if is_raster:
        return _landuse_raster(path)
    files.check_readable(path, "an OSM extract or a vector file")
    date = vector.osm_date(path) if vector.is_osm(path) else None

    def opener(grid: Grid, classifier: Classifier) -> AbstractContextManager[list[vector.IndexedLayer]]:
        assert isinstance(classifier, ByTags)
        return _open_extract(path, classifier, grid) if vector.is_osm(path) else _open_file(path, classifier)

    def about(index_path: Path) -> dict[str, Any]:
        return {
            "kind": "osm",
            "path": files.relative_to(path, index_path),
            "date": date,
            "attribution": ATTRIBUTION,
            "fingerprint": files.fingerprint(path),
        }

    return VectorSource("osm", path, _default, osm_names, _classifier, opener, about, Findings(path))


def osm_names(scheme: Scheme) -> NDArray[np.bool_]:
    """Which classes of a scheme have an OSM rule: (classes,)."""
    return np.array([bool(found.rules.osm) for found in scheme.classes])


def _classifier(scheme: Scheme) -> ByTags:
    if not osm_names(scheme).any():
        raise SchemeError(
            f"scheme {scheme.name!r} has no class with an osm rule; choose another, such as osm-landuse, or write "
            'osm = ["landuse=quarry"] in a [[class]] of your own'
        )
    return ByTags.of(scheme)


def _default() -> Scheme:
    return find_scheme("osm-landuse")


def _open_extract(path: Path, rules: ByTags, grid: Grid) -> AbstractContextManager[list[vector.IndexedLayer]]:
    def chosen(*, thin: bool) -> Callable[[pa.Table], NDArray[np.bool_]]:
        return lambda table: np.asarray(rules.classify(table, np.full(table.num_rows, thin)).number.any(axis=0))

    region = reached(grid, Window(0, 0, grid.width, grid.height), rules.reach_m)
    bounds = geodesy.project_bounds(region, grid.crs, _WGS84)
    lines = chosen(thin=True) if rules.reach_m else None
    return vector.open_osm(path, rules.keys(), rules.areas(), chosen(thin=False), lines=lines, bounds=bounds)


@contextmanager
def _open_file(path: Path, rules: ByTags) -> Iterator[list[vector.IndexedLayer]]:
    """Every layer that has a column of tags that a rule looks at."""
    keys = [*rules.keys(), OTHER_TAGS, ONE_COLUMN]
    with ExitStack() as stack:
        layers, tried, empty = [], [], 0
        for layer in vector.list_layers(path):
            fields = vector.field_names(path, layer)
            tried += fields
            wanted = [key for key in keys if key in fields]
            try:
                layers += [stack.enter_context(vector.open_layer(path, layer, wanted))] if wanted else []
            except EmptyError:
                empty += 1  # a converted extract has a layer of lines also where there are none
        if empty and not layers:
            raise EmptyError(f"{path}: holds no features; check its region with ogrinfo")
        if not layers:
            raise InputError(
                f"{path}: no column is an OSM key ({', '.join(keys[:3])} …); it has {listed(tried)}. "
                "For another vector file give --vector FILE --field NAME"
            )
        yield layers


def _landuse_raster(path: Path) -> RasterSource:
    values = [value for value in raster.codes(check_codes(path)).tolist() if value not in _NODATA]
    of_value = dict(enumerate(_LANDUSE_CODES))
    coding = "osmlanduse.org's numbers (0–12)"
    if any(value not in of_value for value in values):
        of_value = {code: code for code in (*_LANDUSE_CODES, *_WATER)}
        coding = "CORINE codes of level 2 (11–42, 5)"
    if 2 * sum(value in of_value for value in values) <= len(values):
        raise InputError(
            f"{path}: is no raster of osmlanduse.org: its codes are {listed(values)}. "
            "For another class raster give --raster FILE --legend CSV"
        )
    log.info("%s: %s", path, coding)

    def numbers(scheme: Scheme) -> dict[int, tuple[int, ...]]:
        by_code = code_numbers(scheme)
        return {value: _together([by_code[one] for one in below(code)]) for value, code in of_value.items()}

    def about(index_path: Path) -> dict[str, Any]:
        return {
            "kind": "osm raster",
            "path": files.relative_to(path, index_path),
            "coding": coding,
            "date": None,
            "attribution": f"osmlanduse.org; {ATTRIBUTION}",
            "fingerprint": files.fingerprint(path),
        }

    return RasterSource("osm", path, _default, numbers, about, Findings(path), _NODATA)


def _together(numbers: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """What all codes below a coarser one are, group by group; unknown (0) where they are not the same."""
    return tuple(of_group[0] if len(set(of_group)) == 1 else 0 for of_group in zip(*numbers, strict=True))
