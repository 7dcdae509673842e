"""Which command, options and inputs are at work, for everything that is written meanwhile.

A step says it once (`making`), and writers ask for it (`said`): a file says what made it whoever wrote it. Nothing that
differs between two runs of the same work is told: no times, no hosts, no users, no absolute paths, no worker counts.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel.provenance.landing import landed
from geolabel.provenance.mark import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAME = "geolabel"
KEY = "geolabel.made"
"""Under this name formats with named metadata keep it."""
MADE = "made"
"""Under this one JSON of geolabel's own."""


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that was read."""

    role: str
    """What it was to the command: raster, model, tiles …"""
    path: Path | str
    """A file or folder of this machine; as text what is no such: an address without what may be secret in it."""
    stamp: str | None = None
    """The fingerprint of what is told as text, where that was told, too."""


@dataclass(frozen=True, slots=True)
class Made:
    """What makes the outputs of a step."""

    command: str
    """As it is typed: "tile", "embed train"."""
    options: Mapping[str, Any]
    """Plain JSON values of those that are not the default, and decide what comes of it."""
    seed: int | None
    inputs: tuple[Input, ...]
    versions: Mapping[str, str]
    fingerprint: Callable[[Path], str | None]
    """Of a file that is read; None where it cannot be told. Asked for when the first output is written."""


_NOW: ContextVar[Made | None] = ContextVar("made", default=None)


@contextmanager
def making(made: Made) -> Iterator[None]:
    """Everything written while this lasts is made by it; a step within a step speaks for itself."""
    token = _NOW.set(made)
    try:
        yield
    finally:
        _NOW.reset(token)


def now() -> Made | None:
    """What is at work; None where a writer is called by itself."""
    return _NOW.get()


def said(path: Path) -> dict[str, Any] | None:
    """What made the file that is written at `path`, as JSON values; None where nobody says.

    Inputs are named as they are seen from the folder in which it will lie. What is both read and written over is none.
    `content` is where the digest of the whole file goes, once that is there (`finish`).
    """
    made = now()
    if made is None:
        return None
    target = landed(path)
    return {  # sorted by name, so that no table stands before the mark, by which it is found again
        "command": made.command,
        "content": MARK,
        "inputs": inputs_of(made, target.parent, target),
        "options": dict(made.options),
        "seed": made.seed,
        "version": made.versions.get(NAME, ""),
        "versions": dict(made.versions),
    }


def text(path: Path) -> str:
    """The same as JSON text in ASCII; empty where nobody says."""
    told = said(path)
    return json.dumps(told, sort_keys=True) if told else ""


def entry(path: Path) -> dict[bytes, bytes]:
    """The same as metadata by name; {} where nobody says."""
    told = text(path)
    return {KEY.encode(): told.encode()} if told else {}


def inputs_of(made: Made, folder: Path, output: Path) -> dict[str, list[dict[str, str | None]]]:
    """Role → path and fingerprint of each input, as seen from `folder`, but for what `output` replaces."""
    found: dict[str, list[dict[str, str | None]]] = {}
    for given in made.inputs:
        if isinstance(given.path, str):
            found.setdefault(given.role, []).append({"path": given.path, "fingerprint": given.stamp})
        elif given.path.resolve() != output.resolve():
            name = Path(os.path.relpath(given.path.resolve(), folder.resolve())).as_posix()
            found.setdefault(given.role, []).append({"path": name, "fingerprint": made.fingerprint(given.path)})
    return found
