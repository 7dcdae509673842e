"""Write docs/robustness.md from the table of the zoo (tests/zoo.py)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # called as a script, from anywhere

from tests.zoo import ZOO  # noqa: E402

if TYPE_CHECKING:
    from tests.zoo_rooms.animal import Animal

INTRODUCTION = """\
# Robustness

Files come from strangers, disks fill up, servers send an error page under the name of a raster. This page lists what
geolabel does with {count} inputs that are odd, broken or hostile. Each is made in code and met through the command
line by one test (`tests/cli/test_zoo.py`), on every change; the tables below are made of that test's own table.

What the test asks of every one of them:

- It **works**: exit code 0, what is named is written, and nothing else; or
- it is **refused**: exit code 1 and exactly one line, which says where, what, and how to mend it. Nothing is written,
  nothing is left half-written, no input is changed. Warnings may stand before that line; a traceback never does.
- Memory grows by less than 1 GiB, whatever a header claims.

Lines are given as they are printed, without `geolabel: ` before them; `…` stands for any text.

What no reader can see, geolabel cannot tell either: values that were changed in an uncompressed file, in a JPEG stream
within a TIFF, or in a format without check sums are read as they are. Damage that GDAL hides by
default (a PNG that is cut off, a JPEG that its decoder mends) is an error here.

## Killed, and fed with noise

Two more tests take longer, and were run by hand; a part of each is in the suite.

`make faults` kills each command with `kill -9` at 50 random moments, from its start to its last byte, then gives the
same command again (`train --resume`). The results have to be those of a run that nobody disturbed, byte for byte, and
no file of the killed run may stay. On 2026-11-21, `train` on 2026-11-22, two cores:

| command | moments | killed with work begun | equal in the end | files that stayed |
|---|---:|---:|---:|---:|
| `tile` | 50 | 37 | 50 | 0 |
| `label` | 50 | 35 | 50 | 0 |
| `predict` | 50 | 43 | 50 | 0 |
| `change` | 50 | 46 | 50 | 0 |
| `export` | 50 | 43 | 50 | 0 |
| `train` | 50 | 49 | 50 | 0 |

`make fuzz` mutates valid files of geolabel's own formats (indexes, models, schemes, configurations, records, tables and
more: 19 readers) for ten minutes; a crash is whatever is no plain refusal, ten seconds of the processor, or a GiB of memory.
The mutations know the formats (a length here, a key there, a type changed), which random bytes under a coverage guide
rarely get past, since each format ends in a parser written in C or in the standard library. On 2026-11-21: 22,147
inputs, no crash; the eleven that were found before are mended.

"""


def main() -> None:
    """Write the page."""
    (ROOT / "docs" / "robustness.md").write_text(page(), encoding="utf-8")


def page() -> str:
    """The page, of the table alone."""
    rooms = list(dict.fromkeys(animal.room for animal in ZOO))
    return INTRODUCTION.format(count=len(ZOO)) + "\n".join(
        _section(room, [animal for animal in ZOO if animal.room == room]) for room in rooms
    )


def _section(room: str, animals: list[Animal]) -> str:
    refused = sum(not animal.works for animal in animals)
    head = [f"## {room}", "", f"{len(animals) - refused} work, {refused} are refused.", ""]
    if any(one.command for one in animals):
        title, rule = "| what is odd | met by | what becomes of it |", "|---|---|---|"
        rows = [f"| {_cell(one.name)} | {_command(one)} | {_outcome(one)} |" for one in animals]
    else:
        title, rule = "| what is odd | what becomes of it |", "|---|---|"
        rows = [f"| {_cell(one.name)} | {_outcome(one)} |" for one in animals]
    return "\n".join([*head, title, rule, *rows, ""])


def _command(animal: Animal) -> str:
    return f"`{animal.command}`" if animal.command else ""


def _outcome(animal: Animal) -> str:
    return f"works: {_cell(animal.then)}" if animal.works else f"refused: {_cell(animal.then)}"


def _cell(text: str) -> str:
    """Text within a table of Markdown: nothing in it is markup."""
    for mark in "\\`*_<>[]|":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "␤")


if __name__ == "__main__":
    main()
