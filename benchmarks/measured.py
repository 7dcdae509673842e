"""What a benchmark hands to benchmarks/claims: figures by name, turn by turn, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

PEER_NOT_INSTALLED = "peer not installed"


@dataclass(frozen=True, slots=True)
class Result:
    """A figure, as often as it was taken."""

    name: str
    turns: tuple[float, ...]
    """One a repeat; what takes turns with another is divided by the other's of the same turn. Empty: not measured."""
    why: str = ""
    """Why it was not measured."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that all benchmarks have."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too (benchmarks/claims)")


def write_json(path: Path | None, results: Iterable[Result]) -> None:
    """Write them where a file was named."""
    if path is not None:
        path.write_text(json.dumps([asdict(one) for one in results], indent=1), encoding="utf-8")


def over(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """Turn by turn, one divided by the other."""
    return tuple(a / b for a, b in zip(one, other, strict=True))
