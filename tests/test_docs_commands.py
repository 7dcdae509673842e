"""What README and docs tell people to type: each `geolabel …` is a command that exists, with options that exist."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from geolabel.cli import commands
from geolabel.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
GENERATED = {"cli.md", "models.md", "robustness.md"}
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.name not in GENERATED)]
FENCE = re.compile(r"^ *```([\w-]*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHELLS = {"", "sh", "bash", "console"}
SPAN = re.compile(r"`(geolabel [^`\n]+)`")
ENDS = {"|", "||", "&&", ";", ">", ">>", "2>", "(", ")"}
"""What ends a command in a shell, or begins where its output goes."""


def told(text: str) -> Iterator[list[str]]:
    """The words after `geolabel` of each command in the blocks and the lines of a page."""
    spans = "\n".join(SPAN.findall(FENCE.sub("", text)))
    for block in (*(each for language, each in FENCE.findall(text) if language in SHELLS), spans):
        for line in block.replace("\\\n", " ").splitlines():
            words = split(line)
            for start, word in enumerate(words):
                if word == "geolabel" and (start == 0 or words[start - 1] in {"$", "&&", "|", ";", "-m"}):
                    rest = words[start + 1 :]
                    yield rest[: next((at for at, each in enumerate(rest) if each in ENDS), len(rest))]


def split(line: str) -> list[str]:
    """The words of a line of shell, without its comment; of what is no shell, none."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []


@cache
def group() -> Any:
    """All commands."""
    assert commands  # importing it registers them
    return typer.main.get_command(app)


def wrong(words: list[str]) -> str:
    """What is wrong with a command, or nothing."""
    here: Any = group()
    rest = list(words)
    while rest and (inner := getattr(here, "commands", None)):
        name = rest.pop(0)
        if name.startswith(("-", "…")):
            return "" if name in {"…", *flags(here)} else f"geolabel has no option {name}"
        if name not in inner:
            return f"there is no command {name}"
        here = inner[name]
    known = flags(here)
    given = [word.partition("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)]
    unknown = [flag for flag in given if flag not in known]
    return f"{' '.join(unknown)}: not an option of geolabel {here.name}" if unknown else ""


def flags(command: Any) -> set[str]:
    """The options of a command."""
    found = {flag for item in command.params for flag in (*item.opts, *item.secondary_opts)}
    return found | {"--help", "-h"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_tells_to_type_exists(page):
    problems = [
        f"geolabel {shlex.join(words)}: {why}" for words in told(page.read_text("utf-8")) if (why := wrong(words))
    ]
    assert not problems, "\n".join(problems)


def test_commands_are_found_where_they_stand():
    page = "```sh\n. v/bin/activate && geolabel tile a.tif --size 32   # geolabel nothing\npip install geolabel\n```\n"
    page += "```sh\ngeolabel label t.parquet \\\n    --osm x.pbf | head\n```\n```python\ngeolabel --wrong\n```\n"
    assert list(told(page)) == [["tile", "a.tif", "--size", "32"], ["label", "t.parquet", "--osm", "x.pbf"]]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("tile a.tif --size 32", ""),
        ("embed search x --like=-74.5,-8.4 -o y", ""),
        ("explain m r --aoi=-70.34,-12.8,-70.3,-12.7", ""),
        ("--version", ""),
        ("tile a.tif --sise 32", "--sise: not an option of geolabel tile"),
        ("embed serch x", "there is no command serch"),
        ("paint a.tif", "there is no command paint"),
    ],
)
def test_a_wrong_command_is_told(words, why):
    assert wrong(words.split()) == why


def test_every_command_is_on_some_page():
    pages = [page.read_text("utf-8") for page in PAGES]
    named = {tuple(words[:2]) for page in pages for words in told(page)} | {
        (word,) for page in pages for word, *_ in told(page)
    }
    every = {
        (name, *word)
        for name, command in group().commands.items()
        for word in ([(inner,) for inner in command.commands] if hasattr(command, "commands") else [()])
    }
    assert not {" ".join(words) for words in every if words not in named}
