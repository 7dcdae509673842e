"""What docs/troubleshooting.md quotes is what geolabel says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "troubleshooting.md"
OTHERS = ("operator torchvision", "cannot cache function", "PROJ:", "Killed", "database is locked")
"""Beginnings of what other programs say."""


def text_of(node: ast.expr) -> str:
    """A string as it is written, with `…` for what is put in at run time."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) for value in values)
        case _:
            return "…"


@cache
def said() -> tuple[str, ...]:
    """Every string of the package."""
    found: list[str] = []
    for path in (ROOT / "geolabel").rglob("*.py"):
        found += [
            " ".join(text_of(node).split())
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, (ast.Constant, ast.JoinedStr))
        ]
    return tuple(found)


def quotes() -> list[str]:
    """What stands in backticks in the first column, and is a sentence rather than a name."""
    rows = re.findall(r"^\| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    spans = [span for row in rows for span in re.findall(r"`([^`]+)`", row)]
    return [span for span in spans if " " in span and not span.startswith(OTHERS)]


@pytest.mark.parametrize("quote", quotes())
def test_it_says_so(quote: str) -> None:
    pieces = [piece.strip() for piece in quote.split("…") if piece.strip(" ;:,.")]
    in_order = re.compile(".*".join(re.escape(piece) for piece in pieces))

    assert any(in_order.search(text) for text in said())


def test_the_page_quotes_enough_to_be_found() -> None:
    assert len(quotes()) > 25
