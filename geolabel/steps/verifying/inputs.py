"""What an output was made of: where it is now, and whether it is still the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files, raster
from geolabel.errors import GeolabelError
from geolabel.steps.inspection.prediction import MODELS
from geolabel.steps.verifying.rows import FileRow, row_of, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDING = "_fingerprint"
_LONGEST_NAME = 255
"""Bytes of a name, on most disks."""


def input_rows(told: Mapping[str, Any], home: Path) -> tuple[FileRow, ...]:
    """Rows of all inputs that a record or a file tells of, as it names them from the folder `home`.

    A file of a name without a folder is looked for beside that folder, too. Where neither is there, what is merely
    called like it, in the working folder, in a folder beside or among the models that come with geolabel, counts if it
    is the same.
    """
    return tuple(_row(role, path, stamp, home) for role, path, stamp in dict.fromkeys(_told(told)))


def _told(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Role, path and fingerprint of each, also as geolabel wrote them down before it had one shape for them."""
    made = told.get("made")
    inputs = (made if isinstance(made, dict) else told).get("inputs")
    yield from _entries("input", inputs)
    for name, value in told.items():
        if not made and name.endswith(_ENDING) and isinstance(value, str):
            yield name.removesuffix(_ENDING), "", value


def _entries(role: str, found: Any) -> Iterator[tuple[str, str, str | None]]:
    if isinstance(found, list):
        for one in found:
            yield from _entries(role, one)
    elif isinstance(found, dict) and any(isinstance(found.get(key), str) for key in ("path", "fingerprint")):
        yield role, str(found.get("path") or found.get("name") or ""), _stamp(found.get("fingerprint"))
    elif isinstance(found, dict):
        for name, value in found.items():
            if isinstance(value, dict | list):
                yield from _entries(str(name), value)
            elif isinstance(value, str) and f"{name}{_ENDING}" in found:
                yield str(name), value, _stamp(found[f"{name}{_ENDING}"])
            elif isinstance(value, str) and not str(name).endswith(_ENDING):
                yield role, str(name), value


def _stamp(found: Any) -> str | None:
    """A fingerprint as it was written down; None where none was."""
    return str(found) if found else None


def _row(role: str, path: str, stamp: str | None, home: Path) -> FileRow:
    if not path or "://" in path:
        return row_of(path or role, role, stamp, None, "not here")
    near = [home / path] if "/" in path else [home / path, home.resolve().parent / path]
    named = [found for place in near if (found := _fingerprints(place))]
    if named:
        return row_of(path, role, stamp, stamp if any(stamp in found for found in named) else named[0][0], "not here")
    known = (Path(path), MODELS / path, *(home.resolve().parent.glob(f"*/{_plain(path)}") if _is_name(path) else ()))
    alike = any(stamp in _fingerprints(place) for place in known)
    return row_of(path, role, stamp, stamp if alike else None, "not here")


def _is_name(path: str) -> bool:
    """Whether it is a file's name alone, and one that a disk takes."""
    return "/" not in path and "\0" not in path and len(path.encode(errors="surrogatepass")) <= _LONGEST_NAME


def _plain(name: str) -> str:
    """A name as a pattern that means only itself."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _fingerprints(path: Path) -> tuple[str, ...]:
    """Of a file or folder that is there, as commands may have recorded it; a VRT also by what it is made of."""
    try:
        if not path.exists():
            return ()
        plain = files.fingerprint(path)
        return (raster.fingerprint(path), plain) if path.suffix.lower() == ".vrt" else (plain,)
    except (GeolabelError, OSError, ValueError):
        return (short("unreadable"),)
