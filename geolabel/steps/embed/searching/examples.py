"""What a search is to be like: tiles by number or by place, and pictures, as vectors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geolabel import files, geodesy, vector
from geolabel.embeddings import place_of, rows_numbered, rows_touching, vectors_of
from geolabel.errors import EmptyError, InputError, OptionError, listed
from geolabel.steps.embed.searching.picture import PICTURES, encode_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.embeddings import EmbeddingsHeader

MOST = 1000
"""Examples of a kind: each is compared with every tile."""
_NUMBER = re.compile(r"\d{1,18}")
_POINT = re.compile(r"\s*(-?\d+(?:\.\d*)?)\s*,\s*(-?\d+(?:\.\d*)?)\s*")
_WGS84 = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples of one kind, alike or unlike."""

    vectors: NDArray[np.float32]
    """(n, size): of the tiles, then of the pictures."""
    rows: NDArray[np.int64]
    """Rows of the tiles among them, in order, each once."""


def read_examples(
    path: Path, header: EmbeddingsHeader, words: Sequence[str], option: str, model: Path | None, device: str
) -> Examples:
    """The examples that `--like` or `--unlike` (`option`) names: tile numbers, points `lon,lat`, vectors, pictures.

    Raises OptionError, InputError, EmptyError (no tile there), ContractError and ModelError (pictures).
    """
    numbers = [word for word in words if _NUMBER.fullmatch(word)]
    points = [word for word in words if _POINT.fullmatch(word)]
    named = [Path(word) for word in words if word not in {*numbers, *points}]
    pictures = [one for one in named if one.suffix.lower() in PICTURES]
    drawn = [one for one in named if one.suffix.lower() not in PICTURES]
    rows = np.unique(
        np.concatenate(
            [
                _numbered(path, numbers, option),
                *(_at(path, word, option) for word in points),
                *(_within(path, one, option) for one in drawn),
            ]
        )
    )
    if len(rows) + len(pictures) > MOST:
        raise OptionError(f"{option}: {len(rows) + len(pictures):,} examples, {MOST:,} at most; give a smaller area")
    return Examples(
        np.concatenate(
            [vectors_of(path, rows).astype(np.float32), encode_pictures(pictures, path, header, option, model, device)]
        ),
        rows,
    )


def _numbered(path: Path, words: Sequence[str], option: str) -> NDArray[np.int64]:
    if not words:
        return np.zeros(0, np.int64)
    rows = rows_numbered(path, np.array(words, np.int64))
    gone = [word for word, row in zip(words, rows.tolist(), strict=True) if row < 0]
    if gone:
        raise OptionError(f"{option} {listed(gone)}: no such tile in {path}; look them up in its column `tile`")
    return rows


def _at(path: Path, word: str, option: str) -> NDArray[np.int64]:
    found = _POINT.fullmatch(word)
    assert found
    lon, lat = float(found[1]), float(found[2])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - degrees
        raise OptionError(f"{option} {word}: is no longitude, latitude in degrees; write it as lon,lat")
    crs, _ = _place(path, f"{option} {word}")
    point = geodesy.project_geometries(np.array([shapely.Point(lon, lat)], dtype=object), _WGS84, crs)
    return _touched(path, point, f"{option} {word}", "lon,lat, in this order,")


def _within(path: Path, drawn: Path, option: str) -> NDArray[np.int64]:
    files.check_readable(drawn, "a tile number, lon,lat, a picture or a vector file")
    crs, bounds = _place(path, f"{option} {drawn}")
    return _touched(path, vector.read_features(drawn, crs, within=bounds).geometries, f"{option} {drawn}", "a place")


def _place(path: Path, what: str) -> tuple[str, tuple[float, float, float, float]]:
    place = place_of(path)
    if place is None:
        raise InputError(f"{what}: the tiles of {path} have no place; give tile numbers or pictures")
    return place


def _touched(path: Path, shapes: NDArray[Any], what: str, wanted: str) -> NDArray[np.int64]:
    rows = rows_touching(path, shapes) if len(shapes) else np.zeros(0, np.int64)
    if not len(rows):
        raise EmptyError(f"{what}: no tile of {path} lies there; give {wanted} within the region that was encoded")
    return rows
