"""JSON, and what manifests say of versions."""

from __future__ import annotations

import json
import math
import platform
import sys
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from geolabel import checked
from geolabel.errors import DamagedError, InputError
from geolabel.files.outputs import new_file
from geolabel.files.reading import check_readable


def to_json(value: Any) -> Any:
    """Plain JSON values of dataclasses, paths, numpy scalars and arrays; NaN and infinity become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_json(asdict(value))
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return to_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all, over what was there."""
    with new_file(path, overwrite=True) as draft:
        draft.write_text(json.dumps(to_json(value), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path, what: str) -> Any:
    """Read JSON. Raises InputError where the file is missing, empty, no JSON, or holds what no file can hold."""
    check_readable(path, what)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        checked.check(value)
    except (DamagedError, ValueError, RecursionError) as error:  # numbers and nesting without end nobody wrote
        raise InputError(f"{path}: is not JSON ({error}); {what} was expected") from error
    return value


def versions() -> dict[str, str]:
    """Versions of what a result depends on, for manifests."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for package in ("geolabel", "torch", "timm", "rasterio", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
