"""The page of a training: its course, scores by class on the validation tiles, the recipe, errors, what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views.charts import key, picture
from geolabel.views.error_grids import confusions_section, errors_section
from geolabel.views.evaluation_report import score
from geolabel.views.page import Cell, bar, document, facts, number, paragraph, section, table, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geolabel.scoring.multilabel import Scores
    from geolabel.views.charts import Chart, Line
    from geolabel.views.error_grids import ErrorsShown
    from geolabel.views.words import Legend


@dataclass(frozen=True, slots=True)
class ShownClass:
    """How many tiles of a part show a class."""

    present: int
    known: int


@dataclass(frozen=True, slots=True)
class WayRow:
    """What a way with unknown labels gave on the validation tiles (--missing self-train)."""

    name: str
    tiles: int
    labels: int
    average_precision: float
    auc: float
    f1: float


@dataclass(frozen=True, slots=True)
class TrainPage:
    """What the page tells."""

    subject: str
    about: str
    next: tuple[tuple[str, str], ...]
    """What to do next: a sentence, and a command or ""."""
    scores: Scores
    """On the validation tiles, at the thresholds chosen on them."""
    train: tuple[ShownClass, ...]
    """By class, in the order of the scores."""
    train_tiles: int
    legend: Legend
    charts: Mapping[str, Chart]
    """By name: loss, scores, gap, rate; none of a model without epochs."""
    course: str
    """How it went, in a sentence or two."""
    recipe: tuple[tuple[str, str, str], ...]
    """Options that are not as by default: name, value, default."""
    ways: tuple[WayRow, ...]
    errors: ErrorsShown
    files: tuple[tuple[str, str], ...]
    """Files beside the page: name, what it is."""


def train_page(page: TrainPage) -> str:
    """The page as HTML."""
    return document(
        f"Training of {page.subject}",
        f"<h1>Training of {escape(page.subject)}</h1>\n",
        paragraph(page.about, soft=True),
        _facts(page),
        next_section(page.next),
        charts_section("Learning curves", page.course, page.charts.values()),
        _classes(page),
        _ways(page.ways),
        recipe_section(page.recipe),
        confusions_section(page.errors, page.legend),
        errors_section(page.errors, page.legend),
        files_section(page.files),
    )


def charts_section(title: str, told: str, charts: Iterable[Chart]) -> str:
    """Charts side by side, each with its own legend."""
    figures = "".join(
        f"<figure><h3>{escape(chart.title)}</h3>{picture(chart)}"
        f'<figcaption class="soft">{" ".join(map(_key, chart.lines))}</figcaption></figure>\n'
        for chart in charts
    )
    grid = f'<div class="charts">{figures}</div>\n' if figures else ""
    return section(title, paragraph(told, soft=True), grid)


def _key(line: Line) -> str:
    note = f' <span class="small">{escape(line.note)}</span>' if line.note else ""
    return f"<span>{key(line)}{note}</span>"


def _facts(page: TrainPage) -> str:
    found = page.scores
    return facts(
        [
            (score(found.macro_average_precision), "average precision on val, mean of classes"),
            (score(found.macro_auc), "AUC on val"),
            (score(found.macro_f1), "F1 on val"),
            (f"{page.train_tiles:,}", "tiles that train"),
            (f"{found.samples.tiles:,}", "tiles that validate"),
        ]
    )


def next_section(lines: Iterable[tuple[str, str]]) -> str:
    """What to do next: sentences, each with a command or ""."""
    told = "".join(
        f"<li>{escape(words)}{f' <code>{escape(command)}</code>' if command else ''}</li>" for words, command in lines
    )
    return section("What to do next", f"<ul>{told}</ul>\n")


def _classes(page: TrainPage) -> str:
    head = [text("Class"), Cell("Present in train"), number(""), number("Present in val")]
    head += [*map(number, ("Average precision", "By chance", "AUC", "Threshold", "Precision", "Recall", "F1"))]
    rows = [
        [
            Cell(page.legend.swatch(one.name)),
            bar(shown.present / shown.known if shown.known else 0.0, page.legend.color(one.name)),
            number(f"{shown.present:,} of {shown.known:,}"),
            number(f"{one.positives:,} of {one.tiles:,}"),
            number(score(one.average_precision)),
            number(score(one.positives / one.tiles if one.tiles else float("nan"))),
            *map(number, map(score, (one.auc, one.threshold, one.precision, one.recall, one.f1))),
        ]
        for one, shown in zip(page.scores.classes, page.train, strict=True)
    ]
    words = (
        "Class balance (tiles that show a class, of those in which it is known), and scores on the validation tiles. "
        "Epoch and thresholds were chosen on these, so they flatter."
    )
    return section("Classes", paragraph(words, soft=True), table(head, rows))


def _ways(ways: tuple[WayRow, ...]) -> str:
    if not ways:
        return ""
    head = [text("Unknown labels"), *map(number, ("Tiles", "Labels", "Average precision", "AUC", "F1"))]
    rows = [
        [
            text(one.name),
            number(f"{one.tiles:,}"),
            number(f"{one.labels:,}"),
            *map(number, map(score, (one.average_precision, one.auc, one.f1))),
        ]
        for one in ways
    ]
    words = "Judged by the known labels of the validation tiles."
    return section("Ways with unknown labels", paragraph(words, soft=True), table(head, rows))


def recipe_section(lines: tuple[tuple[str, str, str], ...]) -> str:
    """Options that are not as by default: name, value, default."""
    if not lines:
        return section("Recipe", paragraph("All options are as by default.", soft=True))
    rows = [[text(name), text(value), text(default)] for name, value, default in lines]
    words = "Options that are not as by default; run.json has all."
    return section("Recipe", paragraph(words, soft=True), table([text("Option"), text("Here"), text("Default")], rows))


def files_section(files: Iterable[tuple[str, str]]) -> str:
    """Files beside a page: name, what it is."""
    rows = [[Cell(f'<a href="{escape(name)}">{escape(name)}</a>'), text(what)] for name, what in files]
    return section("Files", table([text("File"), text("What it is")], rows))
