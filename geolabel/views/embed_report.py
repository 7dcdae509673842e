"""The page of an embedder's training: its course, the recipe, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views.page import document, facts, paragraph
from geolabel.views.train_report import charts_section, files_section, next_section, recipe_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geolabel.views.charts import Chart


@dataclass(frozen=True, slots=True)
class EmbedPage:
    """What the page tells."""

    subject: str
    about: str
    facts: tuple[tuple[str, str], ...]
    """Value, what it is."""
    next: tuple[tuple[str, str], ...]
    """What to do next: a sentence, and a command or ""."""
    charts: Mapping[str, Chart]
    """By name: loss, scores, rate."""
    course: str
    """How it went, in a sentence or two."""
    recipe: tuple[tuple[str, str, str], ...]
    """Options that are not as by default: name, value, default."""
    files: tuple[tuple[str, str], ...]
    """Files beside the page: name, what it is."""


def embed_page(page: EmbedPage) -> str:
    """The page as HTML."""
    return document(
        f"Training of {page.subject}",
        f"<h1>Training of {escape(page.subject)}</h1>\n",
        paragraph(page.about, soft=True),
        facts(page.facts),
        next_section(page.next),
        charts_section("Learning curves", page.course, page.charts.values()),
        recipe_section(page.recipe),
        files_section(page.files),
    )
