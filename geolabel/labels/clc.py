"""CORINE Land Cover as a label source: rasters of codes or of grid codes, vectors by their code field.

Nomenclature: 44 classes on level 3, whose first two digits are the class of level 2, and the first that of level 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster, vector
from geolabel.errors import InputError, SchemeError, listed
from geolabel.labels.classify import ByValue
from geolabel.labels.raster_source import RasterSource, check_codes
from geolabel.labels.scheme_file import find_scheme
from geolabel.labels.sources import Findings
from geolabel.labels.vector_source import VectorSource, one_layer
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.grid import Grid
    from geolabel.labels.classify import Classifier
    from geolabel.labels.scheme import Scheme

CODES = (
    *(111, 112, 121, 122, 123, 124, 131, 132, 133, 141, 142),
    *(211, 212, 213, 221, 222, 223, 231, 241, 242, 243, 244),
    *(311, 312, 313, 321, 322, 323, 324, 331, 332, 333, 334, 335),
    *(411, 412, 421, 422, 423, 511, 512, 521, 522, 523),
)
"""Codes of level 3; a grid code is a code's place in this row, from 1."""
_NODATA = (0, 48, 128, 255, 990, 995, 999)
"""What the published rasters have where there is no data, or beyond the border; neither a code nor a grid code."""
_FIELD = re.compile(r"(?:code|clc|clc_code|code_clc|clccode|class)_?(\d{2}|\d{4})?", re.IGNORECASE)
_YEAR = re.compile(r"(?:clc|cha)_?((?:19|20)\d\d)|(?:^|_)u?((?:19|20)\d\d)_", re.IGNORECASE)
_CENTURY, _FIRST_YEAR = 100, 90


@dataclass(frozen=True, slots=True)
class _Look:
    """What a CLC file turned out to be."""

    coding: str
    """In words."""
    year: int | None


def clc_source(path: Path, *, is_raster: bool) -> RasterSource | VectorSource:
    """A CLC raster or vector; how its classes are written is recognised, and said.

    Raises InputError where neither codes nor grid codes are found, and what reading the file raises.
    """
    if is_raster:
        info = check_codes(path)
        of_value, coding = _coding(path, raster.codes(info).tolist())
        look = _Look(coding, _year(path.stem))
        log.info("%s: %s", path, coding)

        def numbers(scheme: Scheme) -> dict[int, tuple[int, ...]]:
            by_code = code_numbers(scheme)
            return {value: by_code[code] for value, code in of_value.items()}

        return RasterSource("clc", path, _default, numbers, _describe(path, "raster", look), Findings(path), _NODATA)
    name, field = _field(path)
    year = _FIELD.fullmatch(field)
    look = _Look(f"codes of level 3 in {field}", _full_year(year[1] if year else None) or _year(path.stem))
    log.info("%s: %s", path, look.coding)

    def classifier(scheme: Scheme) -> Classifier:
        by_code = code_numbers(scheme)
        return ByValue(field, {str(code): by_code[code] for code in CODES}, (0,) * len(scheme.groups()))

    def opener(grid: Grid, classifier: Classifier) -> AbstractContextManager[list[vector.IndexedLayer]]:  # noqa: ARG001
        return one_layer(path, name, field)

    return VectorSource(
        "clc", path, _default, clc_names, classifier, opener, _describe(path, "vector", look), Findings(path)
    )


def code_numbers(scheme: Scheme) -> dict[int, tuple[int, ...]]:
    """Class number in each group by CORINE code of level 3; the rule with the longest code decides.

    Raises SchemeError where no class has a CLC rule.
    """
    if not clc_names(scheme).any():
        raise SchemeError(
            f"scheme {scheme.name!r} has no class with a clc rule; choose another, such as clc-3, or write clc = [131] "
            "in a [[class]] of your own"
        )
    return {code: tuple(_number(code, scheme, members) for members in scheme.groups().values()) for code in CODES}


def clc_names(scheme: Scheme) -> NDArray[np.bool_]:
    """Which classes of a scheme have a CLC rule: (classes,)."""
    return np.array([bool(found.rules.clc) for found in scheme.classes])


@lru_cache(maxsize=256)
def below(code: int) -> tuple[int, ...]:
    """Codes of level 3 that a code of any level stands for."""
    return tuple(one for one in CODES if str(one).startswith(str(code)))


def _number(code: int, scheme: Scheme, members: Sequence[int]) -> int:
    if not any(scheme.classes[at].rules.clc for at in members):
        return 0  # CLC cannot speak of this group
    rules = [(len(str(rule)), at + 1) for at in members for rule in scheme.classes[at].rules.clc if code in below(rule)]
    rules += [(len(str(rule)), len(scheme.classes) + 1) for rule in scheme.background.clc if code in below(rule)]
    return max(rules, key=lambda rule: (rule[0], -rule[1]), default=(0, 0))[1]


def _coding(path: Path, values: Sequence[int]) -> tuple[dict[int, int], str]:
    """CORINE code by value of a raster, and how they are written."""
    seen = [value for value in values if value not in _NODATA]
    for of_value, words in (
        ({code: code for code in CODES}, "codes of level 3 (111–523)"),
        (dict(enumerate(CODES, start=1)), "grid codes (1–44)"),
    ):
        fitting = sum(value in of_value for value in seen)
        if seen and fitting >= max(1, len(seen) // 2) and (_too_large(seen) == (max(of_value) > len(CODES))):
            return of_value, words
    raise InputError(
        f"{path}: neither CORINE codes (111–523) nor grid codes (1–44): its codes are {listed(seen)}. "
        "For another class raster give --raster FILE --legend CSV"
    )


def _too_large(values: Sequence[int]) -> bool:
    """Whether most values are too large for grid codes."""
    return 2 * sum(value > len(CODES) for value in values) > len(values)


def _field(path: Path) -> tuple[str, str]:
    """The layer and the field that hold CORINE codes: of several years the latest."""
    tried: list[str] = []
    for layer in vector.list_layers(path):
        fields = vector.field_names(path, layer)
        tried += fields
        for field in sorted(filter(_FIELD.fullmatch, fields), key=_age, reverse=True):
            values = vector.read_values(path, field, layer)
            if values and 2 * sum(value in _TEXTS for value in values) >= len(values):
                return layer, field
    raise InputError(
        f"{path}: no field with CORINE codes (Code_18, CODE_12, clc_code …); it has {listed(tried)}. "
        "Name it: --vector FILE --field NAME --scheme clc-3"
    )


def _age(field: str) -> int:
    match = _FIELD.fullmatch(field)
    return _full_year(match[1] if match else None) or 0


def _full_year(digits: str | None) -> int | None:
    if not digits:
        return None
    year = int(digits)
    return year if year >= _CENTURY else year + (1900 if year >= _FIRST_YEAR else 2000)


def _year(stem: str) -> int | None:
    match = _YEAR.search(stem)
    return int(match[1] or match[2]) if match else None


def _default() -> Scheme:
    return find_scheme("clc-3")


def _describe(path: Path, kind: str, look: _Look) -> Callable[[Path], dict[str, Any]]:
    year = f" {look.year}" if look.year else ""

    def about(index_path: Path) -> dict[str, Any]:
        return {
            "kind": f"clc {kind}",
            "path": files.relative_to(path, index_path),
            "coding": look.coding,
            "date": str(look.year) if look.year else None,
            "attribution": "Generated using European Union's Copernicus Land Monitoring Service information; "
            f"CORINE Land Cover{year}, European Environment Agency (EEA)",
            "fingerprint": files.fingerprint(path),
        }

    return about


_TEXTS = {str(code) for code in CODES}
