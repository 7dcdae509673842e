"""The page of several runs side by side: what differs, how they went, and what they score, where that compares."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views.evaluation_report import score
from geolabel.views.page import Cell, document, number, paragraph, section, table, text
from geolabel.views.train_report import charts_section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geolabel.views.charts import Chart

_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class RunShown:
    """A run, and what it was told to do."""

    name: str
    link: str
    """Its own page, as this page names it; "" where it has none."""
    command: str
    model: str
    differs: str
    """Options in which it differs from the others here."""
    epochs: int | None
    best_epoch: int | None
    minutes: float | None
    note: str
    """What is to be known of it: that it was stopped, say."""


@dataclass(frozen=True, slots=True)
class ScoreShown:
    """Scores on some tiles."""

    name: str
    link: str
    part: str
    tiles: int | None
    averages: Mapping[str, float]
    """average_precision, auc, f1, f2; or what an embedder is judged by."""
    interval: tuple[float, float] | None
    ground: str
    """A letter for the tiles and labels by which it was measured: the same letter, comparable scores."""
    best: bool
    """Whether it is the highest of its part, where all scores of that part compare."""


@dataclass(frozen=True, slots=True)
class RunsPage:
    """What the page tells."""

    title: str
    runs: tuple[RunShown, ...]
    charts: Mapping[str, Chart]
    course: str
    warning: str
    """Where scores of a part were measured by different tiles; "" where they compare."""
    scores: tuple[ScoreShown, ...]
    classes: tuple[tuple[str, tuple[float, ...]], ...]
    """Name, and average precision in each of `scores`; () where these are of different classes."""
    confusions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Evaluation, its page, and what its errors have in common."""
    files: tuple[tuple[str, str], ...]


def runs_page(page: RunsPage) -> str:
    """The page as HTML."""
    return document(
        page.title,
        f"<h1>{escape(page.title)}</h1>\n",
        _runs(page.runs),
        _scores(page),
        _classes(page),
        charts_section("Learning curves", page.course, page.charts.values()),
        _confusions(page),
        section("Files", _files(page.files)) if page.files else "",
    )


def _runs(runs: Sequence[RunShown]) -> str:
    names = ("Epochs", "Kept", "Minutes")
    head = [text("Run"), text("Command"), text("Model"), text("Differs in"), *map(number, names), text("Note")]
    rows = [
        [
            _named(one.name, one.link),
            text(one.command),
            text(one.model),
            text(one.differs),
            number("–" if one.epochs is None else f"{one.epochs:,}"),
            number("–" if not one.best_epoch else f"{one.best_epoch:,}"),
            number("–" if one.minutes is None else f"{one.minutes:,.1f}"),
            text(one.note),
        ]
        for one in runs
    ]
    return section("Runs", table(head, rows))


def _scores(page: RunsPage) -> str:
    if not page.scores:
        return section("Scores", paragraph("None of these runs has scores yet.", soft=True))
    names = list(dict.fromkeys(name for one in page.scores for name in one.averages))
    head = [text("Of"), text("Part"), Cell("Measured by"), number("Tiles"), *(number(_title(name)) for name in names)]
    rows = [
        [
            _named(one.name, one.link),
            text(one.part),
            text(f"tiles {one.ground}"),
            number("–" if one.tiles is None else f"{one.tiles:,}"),
            *(_score(one, name) for name in names),
        ]
        for one in page.scores
    ]
    warned = f"<p><strong>{escape(page.warning)}</strong></p>\n" if page.warning else ""
    words = (
        "Means over the classes. Scores on val chose epoch and thresholds (of tune, the recipe), so they flatter. The "
        "same letter means the same tiles with the same labels; the highest of a part is bold where all of that part "
        "compare. Where there is an interval, 95 % of the resamples lie there; whether two runs really differ, "
        "geolabel compare tells."
    )
    return section("Scores", warned, table(head, rows), paragraph(words, soft=True))


def _score(one: ScoreShown, name: str) -> Cell:
    if name not in one.averages:
        return number("")
    told = score(one.averages[name])
    first = name == next(iter(one.averages))
    marked = f'<strong title="the highest here">{told}</strong>' if one.best and first else told
    if one.interval and first:
        marked += f'<br><span class="soft small">{one.interval[0]:.2f}–{one.interval[1]:.2f}</span>'
    return Cell(marked, number=True)


def _classes(page: RunsPage) -> str:
    if not page.classes:
        return ""
    head = [text("Class"), *(number(f"{one.name}, {one.part}, tiles {one.ground}") for one in page.scores)]
    rows = [[text(name), *(number(score(value)) for value in values)] for name, values in page.classes]
    return section("Average precision by class", table(head, rows, kind="matrix"))


def _confusions(page: RunsPage) -> str:
    if not page.confusions:
        return ""
    parts = []
    for name, link, sentences in page.confusions:
        told = "".join(f"<li>{escape(one)}</li>" for one in sentences[:_SENTENCES])
        nothing = paragraph("Nothing that chance could not have done.", soft=True)
        more = f'<p class="soft"><a href="{escape(link)}">Its surest errors, as pictures</a></p>\n' if link else ""
        parts.append(f"<h3>{escape(name)}</h3>\n" + (f"<ul>{told}</ul>\n" if told else nothing) + more)
    return section("What errors have in common", *parts)


def _files(found: Sequence[tuple[str, str]]) -> str:
    rows = [[_named(name, name), text(what)] for name, what in found]
    return table([text("File"), text("What it is")], rows)


def _named(name: str, link: str) -> Cell:
    return Cell(f'<a href="{escape(link)}">{escape(name)}</a>') if link else text(name)


def _title(name: str) -> str:
    return {"average_precision": "Average precision", "auc": "AUC", "f1": "F1", "f2": "F2"}.get(name, name)
