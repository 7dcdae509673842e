"""What the tiles of a shard answered, as a file: small, written whole, and all that a map is made of."""

from __future__ import annotations

import io
import os
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import InputError
from geolabel.inference.refine import UNSEEN

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.inference.plan import Plan
    from geolabel.inference.refine import Places
    from geolabel.inference.shards import Shard

_NAMES = ("probabilities", "shares", "shown", "local")
_STAMP = "stamp"
_LONGEST_STAMP = 1 << 10
"""Bytes."""
_DAMAGED = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError, SyntaxError),
)
"""What reading a damaged file may raise."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Of the tiles that begin in a shard."""

    probabilities: NDArray[np.float32]
    """(rows, cols, classes); 0 where a tile was not predicted."""
    shares: NDArray[np.float32]
    """(rows, cols): valid part of each tile, 0 where it was not predicted."""
    shown: NDArray[np.uint8]
    """(height, ceil(width / 8)): which of the shard's pixels are valid and asked for, eight to a byte."""
    local: NDArray[np.uint8]
    """(classes, rows, cols): level of each place of the network's map that begins in the shard, UNSEEN where it was not
    looked at; without rows and columns where outlines are not refined."""

    @classmethod
    def none(cls, plan: Plan, shard: Shard, classes: int, places: Places | None) -> Answers:
        """Nothing is answered yet."""
        rows, cols = (part.stop - part.start for part in (shard.rows, shard.cols))
        down, across = places_of(plan, shard, places)
        return cls(
            np.zeros((rows, cols, classes), np.float32),
            np.zeros((rows, cols), np.float32),
            np.zeros((shard.core.height, -(-shard.core.width // 8)), np.uint8),
            np.full((classes, down.stop - down.start, across.stop - across.start), UNSEEN, np.uint8),
        )

    @property
    def predicted(self) -> int:
        """Number of tiles that answered."""
        return int((self.shares > 0).sum())

    def shown_rows(self, first: int, end: int, width: int) -> NDArray[np.bool_]:
        """Some rows of `shown`: (rows, width)."""
        return np.unpackbits(self.shown[first:end], axis=1, count=width).view(bool)


def dump_answers(answers: Answers, stamp: str) -> bytes:
    """A shard's file, to be sent; the same answers give the same bytes. `stamp` tells of which prediction it is."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {name: getattr(answers, name) for name in _NAMES}
    np.savez_compressed(stream, **arrays | {_STAMP: np.array(stamp)})
    return stream.getvalue()


def places_of(plan: Plan, shard: Shard, places: Places | None) -> tuple[slice, slice]:
    """Rows and columns of the places that begin in a shard; none where outlines are not refined."""
    if places is None:
        return slice(0, 0), slice(0, 0)
    core = shard.core
    return (
        places.within(core.row_off, core.row_off + core.height, plan.height),
        places.within(core.col_off, core.col_off + core.width, plan.width),
    )


def write_answers(path: Path, content: bytes) -> None:
    """Write a shard's file, whole or not at all, over what was there. Raises OutputError."""
    with files.new_file(path, overwrite=True) as draft, draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())  # its name is not to be there before its content is


def read_answers(
    path: Path, plan: Plan, shard: Shard, classes: int, stamp: str, places: Places | None = None
) -> Answers:
    """Read a shard's file. Raises InputError where it is missing, damaged, another shard's or another prediction's."""
    files.check_readable(path, "a shard of a prediction")
    wanted = Answers.none(plan, shard, classes, places)
    try:
        with zipfile.ZipFile(path) as archive:
            of = str(_read(archive, _STAMP, (), None))
            if of != stamp:
                raise InputError(f"{path}: is of another prediction; predict the shard again")
            found = [_read(archive, name, getattr(wanted, name).shape, getattr(wanted, name).dtype) for name in _NAMES]
    except _OtherError as error:
        raise InputError(
            f"{path}: holds other {error} than shard {shard.number} of {plan.width} × {plan.height} px has; predict "
            "the shard again"
        ) from error
    except _DAMAGED as error:
        raise InputError(f"{path}: is damaged ({error}); predict the shard again") from error
    return Answers(*found)


class _OtherError(Exception):
    """An array of another shape or type than a shard has."""


def _read(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any] | None) -> NDArray[Any]:
    """An array of an npz file, of a shape, and a type (None: a text).

    It is not unpacked where its own header says otherwise: some kilobytes can promise many gigabytes. Raises
    _OtherError, and what numpy and zipfile raise.
    """
    with archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        have, fortran, kind = read(stream)
        fits = kind == dtype if dtype is not None else kind.kind == "U" and kind.itemsize <= _LONGEST_STAMP
        if have != shape or not fits or (fortran and len(shape) > 1):
            raise _OtherError(name)
        count = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        content = stream.read(count)
        if len(content) < count or stream.read(1):  # the latter checks its sum, too
            raise ValueError(f"{name} has another length than it says")
        return np.frombuffer(content, kind).reshape(shape).copy()
