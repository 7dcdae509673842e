"""Tables people have: image and tags (Kaggle's form), one column a class, class sub-folders, raster legends."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import SchemeError, TableError
from geolabel.labels.rules import Rules
from geolabel.labels.scheme import LabelClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.labels.scheme import Scheme

_IMAGE_COLUMNS = ("image_name", "image", "image_id", "filename", "file", "chip", "name")
_TAG_COLUMNS = ("tags", "labels")
_PLACE_COLUMNS = ("lon", "lat")
_MOST_DEGREES = {"lon": 360.0, "lat": 90.0}
"""East of Greenwich may be counted up to 360."""
_NEVER_CLASSES = {*_PLACE_COLUMNS, "set", "split", "fold", "part", "id"}
_CODE_COLUMNS = ("code", "value", "class_id", "grid_code")
_NAME_COLUMNS = ("name", "class", "description")
_MISSING = {"", "nan", "na", "n/a", "null", "none", "?"}

_REST = "\0"
"""Key of cells beyond the header: no column is named so."""
_UNNAMED = "\0column "
"""What a column without a name is called here, before its number."""
_MOST_COLUMNS = 10_000

_KNOWN_COLUMNS = {
    *_IMAGE_COLUMNS,
    *_TAG_COLUMNS,
    *_PLACE_COLUMNS,
    *_CODE_COLUMNS,
    *_NAME_COLUMNS,
    "title",
    "color",
    "r",
    "g",
    "b",
}
"""Recognised in any case; other columns keep theirs: they may be class names."""


@dataclass(frozen=True, slots=True)
class TagTable:
    """What a table says of n images."""

    images: tuple[str, ...]
    """Image names as written, with or without their ending."""
    classes: tuple[str, ...]
    labels: NDArray[np.float32]
    """(n, classes): 1 present, 0 absent, between: a share; NaN = unknown."""
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Other columns, by name: (n,) strings."""
    lon_lat: NDArray[np.float64] | None = None
    """(n, 2) degrees, NaN where unknown; None where the table has no lon and lat columns."""


def read_tags(path: Path) -> TagTable:
    """Read a CSV of image names with tags, or with one column a class.

    A missing value stays missing (unknown), it is never absence. Raises TableError.
    """
    header, rows = _read(path)
    image_column = next((name for name in _IMAGE_COLUMNS if name in header), header[0])
    images = [row[image_column].strip() for row in rows]
    if "" in images:
        raise TableError(f"{path}: row {images.index('') + 1} names no image; name it, or delete the row")
    twice = sorted(name for name, count in Counter(images).items() if count > 1)
    if twice:
        raise TableError(
            f"{path}: {len(twice)} images stand in several rows ({', '.join(twice[:3])}); keep one row each"
        )
    rest = [name for name in header if name != image_column]
    tag_column = next((name for name in _TAG_COLUMNS if name in rest), None)
    if tag_column:
        classes, labels = _from_tags([row[tag_column] for row in rows])
        used = {tag_column}
    else:
        classes = [name for name in rest if name not in _NEVER_CLASSES and _is_class(rows, name)]
        columns = [_numbers(rows, name) for name in classes]
        labels = np.column_stack(columns).astype(np.float32) if classes else np.zeros((len(rows), 0), np.float32)
        used = set(classes)
    if not classes:
        raise TableError(f"{path}: no tags: a column 'tags', or one column of 0 and 1 a class, was expected")
    _check_names(path, classes)
    placed = all(name in rest for name in _PLACE_COLUMNS)
    return TagTable(
        images=tuple(images),
        classes=tuple(classes),
        labels=labels,
        attributes={
            name: np.array([row[name].strip() for row in rows], dtype=object)
            for name in rest
            if name not in used and name not in _PLACE_COLUMNS
        },
        lon_lat=np.column_stack([_degrees(path, rows, name) for name in _PLACE_COLUMNS]) if placed else None,
    )


def _check_names(path: Path, classes: Sequence[str]) -> None:
    for name in classes:
        try:
            LabelClass(name)
        except SchemeError as error:
            raise TableError(f"{path}: names no class ({error}); rename it in the table") from error


def to_scheme(table: TagTable, scheme: Scheme, path: Path) -> TagTable:
    """The table in the classes of a scheme: by their names, and by their `tags` rules.

    Several names of one class: present where one is, unknown where none is and one is not known. Raises TableError
    where the table has none of the classes.
    """
    columns: dict[str, list[int]] = {}
    for found in scheme.classes:
        at = [at for at, name in enumerate(table.classes) if name == found.name or name in found.rules.tags]
        if at:
            columns[found.name] = at
    if not columns:
        raise TableError(f"{path}: none of its classes ({', '.join(table.classes[:5])}) is in the scheme")
    # the largest share; NaN only wins where nothing above 0 is known
    labels = np.column_stack(
        [
            np.where(
                np.isnan(part := table.labels[:, at]).any(axis=1) & (np.nan_to_num(part).max(axis=1) == 0),
                np.nan,
                np.nan_to_num(part).max(axis=1),
            )
            for at in columns.values()
        ]
    ).astype(np.float32)
    return replace(table, classes=tuple(columns), labels=labels)


def match_images(images: Sequence[str], paths: Sequence[str]) -> NDArray[np.int64]:
    """Row of `paths` for each image of a table, by name with or without ending and folder: (n,), -1 = no such file.

    Raises TableError where a name fits several files equally well.
    """
    by_name: dict[str, list[int]] = {}
    for position, path in enumerate(paths):
        base = path.rsplit("/", 1)[-1]
        for key in {path, path.rsplit(".", 1)[0], base, base.rsplit(".", 1)[0]}:
            by_name.setdefault(key, []).append(position)
    found = [by_name.get(name, [-1]) for name in images]
    for name, rows in zip(images, found, strict=True):
        if len(rows) > 1:
            raise TableError(
                f"image {name}: fits {paths[rows[0]]} and {paths[rows[1]]}; write its folder and ending too"
            )
    return np.array([rows[0] for rows in found], dtype=np.int64)


def folder_tags(paths: Sequence[str]) -> TagTable | None:
    """Class sub-folders (`mine/0001.png`) as a table, the classes excluding each other; None where there are none."""
    parents = [path.split("/")[-2] if "/" in path else "" for path in paths]
    classes = sorted(set(parents))
    if "" in classes or len(classes) < 2:  # noqa: PLR2004 - one folder is no choice
        return None
    labels = np.array([[name == parent for name in classes] for parent in parents], dtype=np.float32)
    return TagTable(tuple(paths), tuple(classes), labels)


def read_legend(path: Path) -> dict[int, LabelClass]:
    """Read the legend of a class raster: CSV with a code, a name, and where wanted a title and a colour.

    The code may be called code, value, class_id or grid_code; the name name, class or description; the colour is
    `color` (#rrggbb) or three columns r, g, b. Raises TableError.
    """
    header, rows = _read(path)
    code_column, name_column = (_one_of(path, header, names) for names in (_CODE_COLUMNS, _NAME_COLUMNS))
    legend: dict[int, LabelClass] = {}
    for number, row in enumerate(rows, start=2):
        try:
            code = int(row[code_column])
            color = row.get("color", "").strip().lower() or _hex([row.get(channel, "") for channel in "rgb"])
            title, rules = row.get("title", "").strip(), Rules(raster=(code,))
            found = LabelClass(row[name_column].strip(), title, color, rules=rules)
        except ValueError as error:
            raise TableError(f"{path}, line {number}: code and colour must be whole numbers ({error})") from error
        except SchemeError as error:
            raise TableError(f"{path}, line {number}: {error}") from error
        if code in legend:
            raise TableError(f"{path}, line {number}: the code {code} stands twice")
        legend[code] = found
    return legend


def _one_of(path: Path, header: Sequence[str], names: Sequence[str]) -> str:
    for name in names:
        if name in header:
            return name
    raise TableError(f"{path}: no column {names[0]} (nor {', '.join(names[1:])}); it has {', '.join(header)}")


def _hex(channels: Sequence[str]) -> str:
    return "#" + "".join(f"{int(channel):02x}" for channel in channels) if all(channels) else ""


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    files.check_readable(path, "a table (CSV)")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: is not UTF-8 text; save it as CSV UTF-8") from error
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey=_REST, restval="", strict=True)
    try:
        header = [name.strip() or f"{_UNNAMED}{at}" for at, name in enumerate(reader.fieldnames or [], start=1)]
        header = [name.lower() if name.lower() in _KNOWN_COLUMNS else name for name in header]
        reader.fieldnames = header
        rows = list(reader)
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: {error}; is a quote opened and never closed?") from error
    if len(header) > _MOST_COLUMNS:
        raise TableError(f"{path}: has {len(header):,} columns; {_MOST_COLUMNS:,} are the most, leave some out")
    header = _named(path, header, rows)
    if len(header) < 2 or not rows:  # noqa: PLR2004 - a name and something said of it
        raise TableError(f"{path}: a header and at least one row with two columns were expected")
    if len(set(header)) < len(header):
        raise TableError(f"{path}: two columns have the same name; rename one")
    for number, row in enumerate(rows, start=2):
        if any(row.pop(_REST, "")):
            raise TableError(
                f"{path}, line {number}: more cells than the header's {len(header)}; a {delimiter!r} in a cell needs "
                'quotes around the cell: "forest, water"'
            )
    return header, rows


def _named(path: Path, header: Sequence[str], rows: Sequence[dict[str, str]]) -> list[str]:
    """The header without columns that have neither a name nor content, as spreadsheets leave them."""
    for name in header:
        if name.startswith(_UNNAMED) and any(row.pop(name).strip() for row in rows):
            raise TableError(f"{path}: column {name.removeprefix(_UNNAMED)} has no name; give it one in the first line")
    return [name for name in header if not name.startswith(_UNNAMED)]


def _from_tags(cells: Sequence[str]) -> tuple[list[str], NDArray[np.float32]]:
    tags = [[] if cell.strip().lower() in _MISSING else cell.replace(",", " ").split() for cell in cells]
    classes = sorted({tag for row in tags for tag in row})
    column = {name: position for position, name in enumerate(classes)}
    labels = np.zeros((len(cells), len(classes)), dtype=np.float32)
    for position, row in enumerate(tags):
        if row:
            labels[position, [column[tag] for tag in row]] = 1.0
        else:
            labels[position] = np.nan  # nobody tagged it: unknown, not empty
    return classes, labels


def _is_class(rows: Sequence[Mapping[str, str]], name: str) -> bool:
    try:
        numbers = _numbers(rows, name)
    except ValueError:
        return False
    known = numbers[~np.isnan(numbers)]
    return bool(len(known) and ((known >= 0) & (known <= 1)).all())


def _numbers(rows: Sequence[Mapping[str, str]], name: str) -> NDArray[np.float64]:
    cells = (row[name].strip() for row in rows)
    return np.array([np.nan if cell.lower() in _MISSING else float(cell) for cell in cells])


def _degrees(path: Path, rows: Sequence[Mapping[str, str]], name: str) -> NDArray[np.float64]:
    try:
        found = _numbers(rows, name)
    except ValueError as error:
        raise TableError(f"{path}: {name} must be numbers of degrees with a decimal point ({error})") from error
    strange = np.flatnonzero(np.abs(found) > _MOST_DEGREES[name])
    if len(strange):
        raise TableError(
            f"{path}, row {strange[0] + 1}: {name} must be degrees, at most {_MOST_DEGREES[name]:g}, "
            f"got {found[strange[0]]:g}; are lon and lat swapped, or metres?"
        )
    return found
