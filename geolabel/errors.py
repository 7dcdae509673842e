"""The tree of what can go wrong for a user.

    GeolabelError
    ├── OptionError      an option's value makes no sense, alone or with the others
    ├── InputError       a file is missing, empty, truncated or not what it should be
    │   ├── CRSError     a raster or vector has no place on Earth, or a rotated one
    │   ├── BandError    bands that are not there, or have no names
    │   ├── TableError   a CSV that does not say what it should
    │   ├── SchemeError  a class scheme that contradicts itself
    │   ├── TileIndexError  a tile index that is none, or lacks a column the step needs
    │   ├── ModelError   a model file that is none
    │   └── DamagedError a value in a file of geolabel's own that is not what it should be
    ├── ContractError    the raster and the model do not fit each other
    ├── EmptyError       nothing is left to work on
    ├── OutputError      the output exists, cannot be written, or the disk is full
    ├── InstallError     this installation lacks or breaks something
    └── InterruptedRunError  the user stopped a run; the message says how to go on

Every message says where, what and how to mend it, in one line. `cli/app.py` prints it and exits with 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def listed(names: Iterable[object], most: int = 8) -> str:
    """Different names for a message: the first few, and how many more there are; "none" where there are none."""
    texts = list(dict.fromkeys(map(str, names)))
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more or "none"


class GeolabelError(Exception):
    """A problem that the user can mend."""

    def __str__(self) -> str:
        """One line, whatever the library below wrote."""
        return " ".join(super().__str__().split())


class OptionError(GeolabelError):
    """An option's value makes no sense, alone or with the others."""


class InputError(GeolabelError):
    """A file is missing, empty, truncated or not what it should be."""


class CRSError(InputError):
    """A raster or vector has no place on Earth, or a rotated one."""


class BandError(InputError):
    """Bands that are not there, or have no names."""


class TableError(InputError):
    """A CSV that does not say what it should."""


class SchemeError(InputError):
    """A class scheme that contradicts itself."""


class TileIndexError(InputError):
    """A tile index that is none, or lacks what the step needs."""


class ModelError(InputError):
    """A model file that is none."""


class DamagedError(InputError):
    """A value in a file of geolabel's own that is not what it should be; whoever reads the file adds its name."""


class ContractError(GeolabelError):
    """The raster and the model do not fit each other."""


class EmptyError(GeolabelError):
    """Nothing is left to work on."""


class OutputError(GeolabelError):
    """The output exists, cannot be written, or the disk is full."""


class InstallError(GeolabelError):
    """This installation lacks or breaks something."""


class InterruptedRunError(GeolabelError):
    """The user stopped a run (exit code 130); the message is the command that goes on with it.

    Where it ends with a colon, the command that was given is what goes on.
    """
