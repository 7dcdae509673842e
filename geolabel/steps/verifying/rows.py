"""One line of what `verify` found: a file, what was written down of it, and what it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from geolabel import provenance

if TYPE_CHECKING:
    from pathlib import Path

State = Literal["same", "changed", "missing", "not here", "not recorded", "new"]
_SHOWN = 12
_DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that was read or written."""

    file: str
    """As seen from the output's folder; of several outputs, from the working folder."""
    role: str
    """output, or what it was to the command: raster, model, tiles …"""
    recorded: str
    """First digits of the digest that was written down; empty where none was."""
    found: str
    """First digits of that of the file as it is; empty where there is none."""
    state: State
    """`missing` is an output that is gone; `not here` an input that is not where it was, which is no fault."""


def row_of(file: str, role: str, recorded: str | None, found: str | None, absent: State) -> FileRow:
    """A row; `absent` is the state where nothing was found."""
    if recorded is None:
        state: State = "not recorded" if found else absent
    elif found is None:
        state = absent
    else:
        state = "same" if found == recorded else "changed"
    return FileRow(_printable(file), _printable(role), short(recorded), short(found), state)


def _printable(name: str) -> str:
    """A name out of a file, which may be a stranger's, as it can be shown in one line."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name)


def digest_of(path: Path) -> str | None:
    """Digest of an output as it is; None where it is gone."""
    try:
        return provenance.content_digest(path) if path.is_file() else None
    except OSError:
        return _DAMAGED


def short(digest: str | None) -> str:
    """A digest to be read by people."""
    return (digest or "")[:_SHOWN]
