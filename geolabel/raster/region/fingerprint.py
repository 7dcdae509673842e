"""What tells one state of a region from another: the files that a VRT is made of, and how."""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path

from geolabel import files
from geolabel.raster import remote

_SOURCE = re.compile(r"<(Source(?:Filename|Dataset))([^>]*)>([^<]*)</")


def fingerprint(path: Path) -> str:
    """Short hash of a raster; of a VRT, that of its text with the fingerprint of each source in the place of its name.

    Sources on this machine are sampled as `files.fingerprint` does; by HTTP, size, date and ETag tell; in an object
    store no more than the name does.
    """
    if path.suffix.lower() != ".vrt":
        return files.fingerprint(path)
    known: dict[str, str] = {}

    def of_source(found: re.Match[str]) -> str:
        tag, attributes, text = found.groups()
        name = html.unescape(text)
        if 'relativeToVRT="1"' in attributes:
            name = str(path.parent / name)
        if name not in known:
            known[name] = _of_name(name)
        return f"<{tag}>{known[name]}</"

    content = _SOURCE.sub(of_source, path.read_text(encoding="utf-8"))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _of_name(name: str) -> str:
    if remote.is_remote(name):
        return remote.identity(name)
    archive = re.match(r"/vsizip/(.*?\.zip)/", name, re.IGNORECASE)
    file = Path(archive[1] if archive else name)
    inside = name[archive.end() :] if archive else ""
    return f"{fingerprint(file)} {inside}" if file.is_file() else name
