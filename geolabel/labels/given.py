"""Vector files and class rasters that say in their own words what is where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, vector
from geolabel.checked import MAX_CLASSES
from geolabel.errors import EmptyError, InputError, OptionError, SchemeError, listed
from geolabel.labels.classify import ByValue
from geolabel.labels.raster_source import RasterSource, check_codes
from geolabel.labels.scheme import RESERVED, LabelClass, Scheme, legend_scheme
from geolabel.labels.sources import Findings
from geolabel.labels.table import read_legend
from geolabel.labels.vector_source import VectorSource, one_layer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.labels.classify import Classifier


def vector_source(path: Path, field: str | None, layer: str | None, wanted: Scheme | None) -> VectorSource:
    """Polygons whose attribute names their class; `wanted`: the scheme that the user names.

    Raises OptionError, and what reading the file raises.
    """
    if not field:
        raise OptionError(f"{path}: say which attribute names the class, with --field NAME")
    name, _ = vector.look(path, field, layer)

    def own_scheme() -> Scheme:
        return _scheme_of(path, field, vector.read_values(path, field, name))

    def can_name(scheme: Scheme) -> NDArray[np.bool_]:
        # a scheme of the user's: its words are the file's; else the file knows no class but its own
        own = None if wanted else set(vector.read_values(path, field, name))
        return np.array([own is None or found.name in own for found in scheme.classes])

    def classifier(scheme: Scheme) -> Classifier:
        return ByValue.of(field, scheme)

    def opener(grid: Grid, classifier: Classifier) -> AbstractContextManager[list[vector.IndexedLayer]]:  # noqa: ARG001
        return one_layer(path, name, field)

    def about(index_path: Path) -> dict[str, Any]:
        return {
            "kind": "vector",
            "path": files.relative_to(path, index_path),
            "field": field,
            "layer": layer,
            "fingerprint": files.fingerprint(path),
        }

    return VectorSource(path.stem, path, own_scheme, can_name, classifier, opener, about, Findings(path))


def _scheme_of(path: Path, field: str, values: list[str]) -> Scheme:
    """The values of a field as classes."""
    if not values:
        raise EmptyError(f"{path}: the field {field!r} is empty everywhere; choose another with --field")
    if len(values) > MAX_CLASSES:
        raise InputError(f"{path}: {field!r} has {len(values)} values; choose the field that names classes")
    reserved = [value for value in RESERVED if value in values]
    if reserved:
        raise InputError(
            f"{path}: {field!r} has the value {reserved[0]!r}, and no class can be called so; name its class in a "
            f'scheme, with vector = ["{reserved[0]}"], and give that with --scheme'
        )
    try:
        return Scheme(path.stem, tuple(LabelClass(value) for value in values))
    except SchemeError as error:
        raise InputError(f"{path}: {field!r} does not name classes ({error}); choose another with --field") from error


def raster_source(path: Path, legend: Path | None, scheme: Scheme | None) -> RasterSource:
    """A class raster, its codes explained by a legend, or by the `raster` rules of a scheme.

    Raises OptionError where nobody explains them, InputError, TableError, SchemeError.
    """
    check_codes(path)
    names = read_legend(legend) if legend else {}
    _check_explained(path, legend, names, scheme)

    def own_scheme() -> Scheme:
        return legend_scheme(path.stem, names)

    def numbers(wanted: Scheme) -> dict[int, tuple[int, ...]]:
        found: dict[int, list[int]] = {}
        groups = wanted.groups()
        for group, members in enumerate(groups.values()):
            by_name = {wanted.classes[at].name: at + 1 for at in members}
            by_code = {code: at + 1 for at in members for code in wanted.classes[at].rules.raster}
            if legend:
                by_code = {code: by_name[entry.name] for code, entry in names.items() if entry.name in by_name}
            for code in wanted.background.raster if by_code else ():
                by_code.setdefault(code, len(wanted.classes) + 1)
            for code, number in by_code.items():
                found.setdefault(code, [0] * len(groups))[group] = number
        return {code: tuple(by_group) for code, by_group in found.items()}

    def about(index_path: Path) -> dict[str, Any]:
        return {
            "kind": "raster",
            "path": files.relative_to(path, index_path),
            "legend": files.relative_to(legend, index_path) if legend else None,
            "attribution": (scheme.attribution or None) if scheme and not legend else None,
            "fingerprint": files.fingerprint(path),
        }

    titles = {code: entry.name for code, entry in names.items()}
    return RasterSource(path.stem, path, own_scheme, numbers, about, Findings(path), titles=titles)


def _check_explained(path: Path, legend: Path | None, names: Mapping[int, LabelClass], scheme: Scheme | None) -> None:
    if not legend and scheme is None:
        raise OptionError(f"{path}: say what its codes mean, with --legend CSV (columns code, name), or with --scheme")
    if not legend and scheme and not any(found.rules.raster for found in scheme.classes):
        raise SchemeError(
            f"scheme {scheme.name!r} has no class with a raster rule; write raster = [3], or give --legend"
        )
    if scheme and legend and not {entry.name for entry in names.values()} & set(scheme.names):
        raise SchemeError(
            f"{legend}: none of its names is a class of the scheme {scheme.name!r}: "
            f"{listed(entry.name for entry in names.values())}; the classes are {listed(scheme.names)}"
        )
