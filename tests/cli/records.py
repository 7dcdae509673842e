"""The run.json of folders of different names, compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geolabel import files

_NAMED = ("report.html", "project.qgz", "item.json")
"""They are titled after their folder."""


def untitled(folder: Path) -> dict[str, Any]:
    """A folder's record without the digests of files that are titled after it."""
    record: dict[str, Any] = json.loads((folder / files.RECORD).read_text(encoding="utf-8"))
    record["outputs"] = {name: digest for name, digest in record["outputs"].items() if name not in _NAMED}
    return record
