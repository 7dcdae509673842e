"""What an animal of the zoo is, and the den in which it is met."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REST = "…"
"""Stands for any text in a message."""


@dataclass(frozen=True, slots=True)
class Den:
    """An empty folder, which is the working directory, and good files to spoil or to go with what is bad."""

    folder: Path
    good: Path
    """Folder of one run over the whole way: region.tif (320 px, 4 bands), places.gpkg (field `landuse`), tiles.parquet
    (labelled and split), run/, region.geolabel/. Not to be written to."""
    patch: Callable[..., None] = field(default=setattr)
    """Sets an attribute (target, name, value) until the command is done: for what happens while it works."""

    def take(self, name: str, to: str = "") -> Path:
        """A copy of a good file or folder in the den."""
        source, target = self.good / name, self.folder / (to or name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
        return target


@dataclass(frozen=True, slots=True)
class Animal:
    """One input, the command that meets it, and what must come of it."""

    room: str
    """What it is in general: "Rasters", "Vectors" …; a heading in docs/robustness.md."""
    name: str
    """What is odd about it, in a few words; unique."""
    bring: Callable[[Den], Sequence[object]]
    """Makes it in the den, and gives the words of the command that meets it (paths relative to the den)."""
    then: str
    """Where it works: what is made of it, in a few words. Where it is refused: the whole line, `…` for any text."""
    makes: tuple[str, ...] = ()
    """Where it works: files and folders that are there afterwards, and were not before. Empty: it is refused."""
    command: str = ""
    """The command that meets it, for the page; its words begin so. Empty where the name says enough."""
    slow: bool = False
    """Takes more than some eight seconds."""
    shows: Callable[[Path], Any] | None = None
    """Where it works: from the den to whether what was made is what `then` says."""
    loses: tuple[str, ...] = ()
    """Inputs that go or change while they are read, by the animal's own doing."""
    disk: str = ""
    """Options of a file system of its own that is mounted in the den as `disk`: "size=1m,ro"; empty for none."""

    @property
    def works(self) -> bool:
        """Whether it is put up with."""
        return bool(self.makes)

    def is_said_in(self, line: str) -> bool:
        """Whether a line on stderr is the one that refuses it."""
        pattern = ".*".join(map(re.escape, self.then.split(REST)))
        return re.fullmatch(f"geolabel: {pattern}", line) is not None
