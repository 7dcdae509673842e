"""What a VRT leads to: the files and addresses that it names, and what else in it could lead elsewhere.

GDAL's parser is forgiving: tags in any case, attributes for elements. Here a text is either XML by the book, and then
read as GDAL reads it, or refused.

Source: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from geolabel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAMES = {"sourcefilename", "sourcedataset"}
_RELATIVE = "relativetovrt"
_KINDS = {"vrtdataset", "vrtrasterband", "vrtsourcedrasterband", "vrtderivedrasterband", "vrtwarpeddataset"}
_KINDS |= {"vrtwarpedrasterband", "vrtpansharpeneddataset", "vrtpansharpenedrasterband", "vrtrawrasterband"}
"""Subclasses of which every name of a file stands in one of `_NAMES`."""
_LEADING = {"geoloctransformer", "srcgeoloctransformer", "dstgeoloctransformer", "dempath", "processingsteps"}
_LEADING |= {"pixelfunctioncode", "group", "sourcevrt"}
"""Elements below which files are named in other ways, or code stands."""
_KEYS = {"overview_file", "x_dataset", "y_dataset", "rpc_dem", "cutline_ds", "ct_dataset"}
"""Names of items that hold the name of a file."""
_OPTION = "NUM_THREADS"
"""The only option of opening a source that leads nowhere for any driver, and the one that geolabel writes."""
_MOST_BYTES = 128 << 20
"""Of a VRT: some 200,000 sources."""
_PART_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Cited:
    """One file or address that a VRT names."""

    name: str
    beside: bool
    """Whether it is one from the folder of the VRT; else from the working directory, where it is no whole path."""


def cited(path: Path, shown: Path) -> tuple[Cited, ...]:
    """All that a VRT names; errors call it `shown`.

    Raises InputError where it is no XML, has entities, or leads elsewhere in other ways.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(f"{shown}: is a VRT of {path.stat().st_size / 1e6:,.0f} MB; make it of fewer sources")
    found = _Found(shown)
    parser = expat.ParserCreate("utf-8")  # whatever it says of itself: GDAL takes it for that, too
    parser.buffer_text = True
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    parser.StartDoctypeDeclHandler = found.doctype
    try:
        with path.open("rb") as stream:
            while part := stream.read(_PART_BYTES):
                parser.Parse(part, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise InputError(f"{shown}: is a VRT that is not XML ({error}); write it again with gdalbuildvrt") from error
    return tuple(dict.fromkeys(found.all))


class _Found:
    """What has been met so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: list[Cited] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        own = {name.lower(): value for name, value in attributes.items()}
        name = tag.lower()
        kinds = {own.get("subclass", "").lower(), name if name.startswith("vrt") else ""} - {""}
        if name in _LEADING or own.get("key", own.get("name", "")).lower() in _KEYS or not kinds <= _KINDS:
            raise self._odd(own.get("subclass") or own.get("key") or tag)
        if _NAMES & own.keys():
            raise self._odd(f"an attribute {min(_NAMES & own.keys())}")
        if name == "ooi" and own.get("key") != _OPTION:
            raise self._odd(f"an option {own.get('key', '')!r} of opening")
        if self._open and self._open[-1][0] in (*_NAMES, "ooi"):
            raise self._odd(f"{tag} within {self._open[-1][0]}")
        self._open.append((name, own, []))

    def text(self, text: str) -> None:
        if self._open and self._open[-1][0] in _NAMES:
            self._open[-1][2].append(text)

    def end(self, _: str) -> None:
        name, attributes, texts = self._open.pop()
        if name in _NAMES:
            beside = attributes.get(_RELATIVE, "0").strip()
            if beside not in ("0", "1"):
                raise self._odd(f"relativeToVRT={beside!r}")
            self.all.append(Cited(self._whole("".join(texts)), beside == "1"))

    def _whole(self, name: str) -> str:
        """A name as GDAL reads it, too, which takes white space for a part of it, or not."""
        if name != name.strip() or any(unicodedata.category(letter) == "Cc" for letter in name):
            raise InputError(
                f"{self.path}: names {name[:80]!r}, with white space around it or control characters in it; take them "
                "out, there and of the file's name"
            )
        return name

    def doctype(self, *_: object) -> None:
        raise InputError(f"{self.path}: defines XML entities, which no VRT needs; take that out, or write it again")

    def _odd(self, what: str) -> InputError:
        return InputError(
            f"{self.path}: says by {what} where other data are, which geolabel does not follow; give --allow-remote if "
            "you trust it, or make a plain file: gdal_translate"
        )
