"""VRTs over the network, opened so that GDAL forgets what failed before.

GDAL keeps a pool of the sources of all VRTs, by their names and options of opening. What did not open once stays in it,
and is left blank without a word from then on, for as long as any VRT is open. So once anything has failed, all VRTs
with sources in a network are opened with these options spelled in another way.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from geolabel.errors import listed
from geolabel.raster import remote

_SOURCE = re.compile(r"(<Source(?:Filename|Dataset)[^>]*>)([^<]*)(</)")
_OPTION = '<OOI key="NUM_THREADS">'
_ONE = re.compile(_OPTION + "0*1<")
_SPELLED = re.compile(r"<Source(?:Filename|Dataset)[^>]*>([^<]*)</\w+>(\s*<OpenOptions>\s*" + _OPTION + ")?")


class Failures:
    """How often a server failed in this process."""

    count = 0


def name(path: Path | str) -> Path | str:
    """What to open for `path`: itself, or, once a server failed, its text, spelled as it never was before."""
    if not Failures.count or not isinstance(path, Path) or not any(map(remote.is_remote, sources(str(path)))):
        return path
    return _text(path)


def _text(path: Path) -> str:
    def inlined(found: re.Match[str]) -> str:
        below = path.parent / html.unescape(found[2])
        if below.suffix.lower() != ".vrt" or not any(map(remote.is_remote, sources(str(below)))):
            return found[0]
        return found[1] + html.escape(_text(below), quote=False) + found[3]

    own = _ONE.sub(f"{_OPTION}{'0' * Failures.count}1<", path.read_text(encoding="utf-8"))
    return _SOURCE.sub(inlined, own)


def can_be_asked_again(path: Path) -> bool:
    """Whether all that a VRT takes from a network can be spelled in another way; it takes something from there."""
    files = [path, *_vrts(path)] if _is_vrt(path) else []
    parts = [found for file in files for found in _SPELLED.findall(file.read_text(encoding="utf-8"))]
    spelled = [bool(option) for text, option in parts if remote.is_remote(html.unescape(text))]
    return bool(spelled) and all(spelled)


def blamed(error: BaseException, path: Path) -> str | None:
    """Address of the remote source of `path` that an error of GDAL is about; None where it is about none.

    GDAL often says no more than that a block does not decode: then all sources of a VRT in a network may be meant.
    """
    found = list(filter(remote.is_remote, sources(str(path))))
    return remote.named(error, found) or (listed(map(remote.shown, found), most=3) if found else None)


def stands_alone(source: str) -> bool:
    """Whether all that a raster is read from lies in a network, where no files beside it are looked for."""
    return all(map(remote.is_remote, sources(source)))


def sources(source: str, above: tuple[Path, ...] = ()) -> list[str]:
    """What a raster is read from: itself, or, where it is a VRT on this machine, the sources of that.

    `above` are the VRTs that are made of it: one in a circle has no sources.
    """
    path = Path(source)
    if remote.is_remote(source) or not _is_vrt(path):
        return [source]
    if path.resolve() in above:
        return []
    passed = (*above, path.resolve())
    named = [each if remote.is_remote(each) else str(path.parent / each) for each in _names(path)]
    return [below for each in named for below in sources(each, passed)]


def _vrts(path: Path) -> list[Path]:
    """The VRTs on this machine that a VRT is made of."""
    own = [path.parent / each for each in _names(path) if not remote.is_remote(each)] if _is_vrt(path) else []
    return [below for each in own if _is_vrt(each) for below in (each, *_vrts(each))]


def _names(path: Path) -> list[str]:
    texts = [found[1] for found in _SOURCE.findall(path.read_text(encoding="utf-8", errors="replace"))]
    return [html.unescape(text) for text in dict.fromkeys(texts)]


def _is_vrt(path: Path) -> bool:
    return path.suffix.lower() == ".vrt" and path.is_file()
