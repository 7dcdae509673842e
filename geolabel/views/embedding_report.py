"""The page of an embedding's evaluation: its scores beside those of the baselines."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views.page import Cell, bar, document, facts, number, paragraph, section, table, text

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Scores of all encoders on one mix of classes, or by one probe."""

    title: str
    words: str
    """What it shows, a sentence or two."""
    scores: tuple[str, ...]
    """What the columns are; the first is drawn as a bar."""
    rows: tuple[tuple[str, float, tuple[str, ...]], ...]
    """Name, the length of its bar (0–1), and its scores as written."""


@dataclass(frozen=True, slots=True)
class EmbeddingPage:
    """What the page tells."""

    subject: str
    """The model in a few words."""
    about: str
    """What was scored, and how."""
    facts: tuple[tuple[str, str], ...]
    """Large numbers: value, what it is."""
    verdicts: tuple[str, ...]
    """What does better than the model."""
    tables: tuple[ScoreTable, ...]
    doubts: tuple[str, ...]
    """What is uncertain, a sentence each."""


def embedding_page(page: EmbeddingPage) -> str:
    """The page as HTML."""
    return document(
        f"Embedding of {page.subject}",
        f"<h1>Embedding of {escape(page.subject)}</h1>\n",
        paragraph(page.about, soft=True),
        facts(page.facts),
        section("Against the baselines", _list(page.verdicts)),
        *(section(one.title, paragraph(one.words, soft=True), _table(one)) for one in page.tables),
        section("What is uncertain", _list(page.doubts)),
    )


def _table(found: ScoreTable) -> str:
    head = [text("Encoder"), Cell(""), *map(number, found.scores)]
    rows = [[text(name), bar(share, "var(--accent)"), *map(number, scores)] for name, share, scores in found.rows]
    return table(head, rows)


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>\n"
