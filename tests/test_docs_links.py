"""README, docs and the pages beside them: links to files and to headings lead somewhere; every page is in the menu."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MADE = {"cli.md", "models.md"}  # written by `make docs`, not kept
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def headings(page: Path) -> frozenset[str]:
    """What links may name in a page, as Python-Markdown makes it of its headings."""
    text = FENCE.sub("", page.read_text("utf-8"))
    return frozenset(
        re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower())
        for title in re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    )


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    found = []
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if re.match(r"[a-z]+:", link) or target.name in MADE:
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in headings(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert not broken(page)


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One, two\n[a](#one-two) [b](#three) [c](gone.md) [d](https://example.org/#x) [e](page.md#one-two)\n"
    )
    assert broken(page) == ["#three", "gone.md"]


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("nav:")[2]
    docs = ROOT / "docs"
    named = set(re.findall(r": (\S+\.md)$", menu, re.MULTILINE))
    kept = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")} | MADE
    assert named == kept
