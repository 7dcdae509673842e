"""docs/benchmarks.md from what was measured; the same records give the same page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.claims.figures import WRITTEN
from benchmarks.claims.record import DONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.claims.claim import Benchmark, Claim
    from benchmarks.claims.record import Record

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HELD, MISSED, UNMEASURED, TOLD = "held", "**missed**", "*not measured*", ""
_BUSY = 0.75
"""Of the cores: a load that was there before a benchmark began, from which on the machine counts as busy."""

_HEAD = """# Benchmarks

Every claim of this documentation that a program can check within half an hour, checked: `make bench` runs the scripts,
keeps what they found in `benchmarks/results`, and writes this page from it; nothing here is typed by hand. *Measured*
is the median of the turns, beside it stand the least and the largest. What takes turns with another program is divided
by that of the same turn, so read ratios: machines are noisy. *Aim* is what was asked for before anything was measured.
Inputs are smaller than in the [studies](studies.md), which take hours, were run once, and tell more: also what did not
work.
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim."""

    claim: Claim
    median: float | None
    turns: tuple[float, ...]
    why: str
    """Why it was not measured."""

    @property
    def word(self) -> str:
        """In the last column."""
        if self.median is None:
            return UNMEASURED
        held = self.claim.held(self.median)
        return TOLD if held is None else HELD if held else MISSED


def verdicts(benchmark: Benchmark, record: Record | None) -> Iterator[Verdict]:
    """Of each claim, also where nothing was measured."""
    for claim in benchmark.claims:
        figure = record.figure(claim.result) if record else None
        if figure is None or figure.median is None:
            why = "has not run" if record is None else figure.why if figure and figure.why else record.outcome
            yield Verdict(claim, None, (), "gave no such figure" if why == DONE else why)
        else:
            yield Verdict(claim, figure.median, figure.turns, "")


def page(benchmarks: Sequence[Benchmark], records: Mapping[str, Record]) -> str:
    """The whole page."""
    all_of = {one.name: list(verdicts(one, records.get(one.name))) for one in benchmarks}
    every = [verdict for found in all_of.values() for verdict in found]
    lines = [_HEAD, *_summary(every, benchmarks, all_of), "", *_machine(list(records.values()))]
    for section, members in groupby(benchmarks, lambda one: one.section):
        lines += ["", f"## {section}"]
        for one in members:
            lines += ["", *_benchmark(one, records.get(one.name), all_of[one.name])]
    return "\n".join(lines) + "\n"


def anchor(section: str) -> str:
    """Of a heading, as mkdocs makes it."""
    kept = "".join(letter for letter in section.lower() if letter.isalnum() or letter in " -")
    return "-".join(kept.split())


def _summary(
    every: Sequence[Verdict], benchmarks: Sequence[Benchmark], all_of: Mapping[str, Sequence[Verdict]]
) -> Iterator[str]:
    count = {word: sum(one.word == word for one in every) for word in (HELD, MISSED, UNMEASURED, TOLD)}
    told = (
        f"**{len(every)} figures: {count[HELD]} aims are held, {count[MISSED]} missed, {count[UNMEASURED]} not measured"
    )
    yield f"{told}; {count[TOLD]} had no aim and are told.**"
    if count[MISSED]:
        yield "\nMissed:\n"
    for one in benchmarks:
        for verdict in all_of[one.name]:
            if verdict.word == MISSED:
                beside = f", beside {verdict.claim.beside}" if verdict.claim.beside else ""
                told = f"{verdict.claim.says}{beside}: {_written(verdict)}, asked for {_promise(verdict.claim)}"
                yield f"- [{one.section}](#{anchor(one.section)}): {told}"
    if count[UNMEASURED]:
        yield "\nNot measured:\n"
    for one in benchmarks:
        for why, number in Counter(verdict.why for verdict in all_of[one.name] if verdict.word == UNMEASURED).items():
            figures = "1 figure" if number == 1 else f"{number} figures"
            yield f"- [{one.section}](#{anchor(one.section)}), {figures} of `{one.command[0]}`: {why}"


def _machine(records: Sequence[Record]) -> Iterator[str]:
    """Machines and versions: one line each where they differ."""
    if not records:
        return
    yield "## The machine"
    yield ""
    for told in dict.fromkeys(_machine_in_words(one) for one in records):
        yield f"- {told}"
    days = sorted({one.date for one in records})
    total, worked = sum(one.seconds for one in records) / 60, sum(one.processor_s for one in records) / 60
    span = f"{days[0]} to {days[-1]}" if len(days) > 1 else days[0]
    yield f"- {span}; all of it took {total:.0f} minutes, {worked:.0f} of processors"
    for told in dict.fromkeys(", ".join(f"{name} {of}" for name, of in one.versions.items()) for one in records):
        yield f"- {told}"
    cores = min(int(one.machine["cores"]) for one in records)
    busy = [one for one in records if one.load[0] > _BUSY * cores]
    if busy:
        least, most = (pick(one.load[0] for one in busy) for pick in (min, max))
        yield (
            f"- **The machine was busy otherwise**: as {len(busy)} of {len(records)} benchmarks began, "
            f"{least:.1f} to {most:.1f} processes wanted its {cores} cores (the last benchmark among them). Seconds "
            "say little then, ratios something."
        )


def _machine_in_words(record: Record) -> str:
    of = record.machine
    gpu = "no GPU" if of["gpu"] == "none" else "a GPU"
    return f"{of['cores']} cores of {of['processor']}, {of['memory_gib']:.0f} GiB, {gpu}; {of['system']}"


def _benchmark(benchmark: Benchmark, record: Record | None, found: Sequence[Verdict]) -> Iterator[str]:
    yield f"{benchmark.about}"
    yield ""
    yield "| | measured | turns | aim | beside | |"
    yield "|---|---|---|---|---|---|"
    for one in found:
        claim = one.claim
        spread = " – ".join(WRITTEN[claim.unit](end) for end in (min(one.turns), max(one.turns))) if one.turns else ""
        cells = (claim.says, _written(one), spread if len(one.turns) > 1 else "one run" if one.turns else one.why)
        yield f"| {' | '.join((*cells, _promise(claim), claim.beside, one.word))} |"
    yield ""
    yield f"`python benchmarks/{' '.join(benchmark.command)}`{_how(record)}"


def _how(record: Record | None) -> str:
    if record is None:
        return " has not run."
    told = f": {record.date}, {record.seconds:.0f} s ({record.processor_s:.0f} s of processors), "
    told += f"load {record.load[0]:.1f} before and {record.load[1]:.1f} after."
    return told if record.outcome == DONE else f"{told} **{record.outcome}**"


def _written(verdict: Verdict) -> str:
    return "" if verdict.median is None else WRITTEN[verdict.claim.unit](verdict.median)


def _promise(claim: Claim) -> str:
    ends = (("at least", claim.at_least), ("at most", claim.at_most))
    return "".join(f"{word} {WRITTEN[claim.unit](end)}" for word, end in ends if end is not None)
