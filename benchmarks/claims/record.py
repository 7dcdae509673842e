"""What is kept of a benchmark's run: benchmarks/results/NAME.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"
DONE = "done"


@dataclass(frozen=True, slots=True)
class Figure:
    """A result of a script, as read from its JSON."""

    name: str
    turns: tuple[float, ...]
    why: str = ""

    @property
    def median(self) -> float | None:
        """Of the turns; None where there are none."""
        return median(self.turns) if self.turns else None


@dataclass(frozen=True, slots=True)
class Record:
    """One run."""

    name: str
    command: str
    date: str
    """ISO, day only."""
    outcome: str
    """`done`, or why it was not."""
    seconds: float
    """By the clock."""
    processor_s: float
    """Of processors, all that it started included: what a busy machine changes little."""
    load: tuple[float, float]
    """Processes that wanted to run, mean of a minute, before and after."""
    machine: dict[str, Any]
    versions: dict[str, str]
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure | None:
        """By its name."""
        return next((one for one in self.figures if one.name == name), None)

    def save(self, folder: Path = RESULTS) -> Path:
        """Write it."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def load(name: str, folder: Path = RESULTS) -> Record | None:
    """The last run of a benchmark; None where it has not run."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    figures = tuple(Figure(one["name"], tuple(one["turns"]), one["why"]) for one in kept.pop("figures"))
    return Record(**kept | {"load": tuple(kept["load"]), "figures": figures})
