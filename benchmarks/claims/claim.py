"""A claim: one figure of a benchmark, and what it must hold to."""

from __future__ import annotations

from dataclasses import dataclass

HALF_HOUR_S = 1_800.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure, in words."""

    result: str
    """Name under which the benchmark gives it."""
    says: str
    """What is measured, in one line."""
    unit: str
    """How it is written: one of `figures.WRITTEN`."""
    at_least: float | None = None
    at_most: float | None = None
    """What was promised; neither: nothing was, the figure is only told."""
    beside: str = ""
    """Which program or limit it is compared with."""

    def __post_init__(self) -> None:
        if self.at_least is not None and self.at_most is not None:
            raise ValueError(f"{self.result}: a promise has one end")

    def held(self, value: float) -> bool | None:
        """Whether a value is what was promised; None where nothing was."""
        if self.at_least is not None:
            return value >= self.at_least
        return None if self.at_most is None else value <= self.at_most


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A script of benchmarks/, at the size of `make bench`, and the claims it settles."""

    name: str
    """Of its file in benchmarks/results."""
    section: str
    """Heading of the page that it stands under; those of one section follow each other."""
    command: tuple[str, ...]
    """Script and options."""
    limit_s: float
    """It is stopped after so many seconds, its inputs included; after more where all may take more than HALF_HOUR_S."""
    about: str
    """What is measured on what, in a sentence or two."""
    claims: tuple[Claim, ...]
    data: tuple[str, ...] = ()
    """Folders of the shared data that it needs."""
