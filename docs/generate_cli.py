"""Write docs/cli.md from the commands themselves, and docs/models.md from the cards that lie beside the models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from geolabel.cli import commands
from geolabel.cli.app import app

SHARED = {"json", "quiet", "verbose", "debug", "config", "help"}


def main() -> None:
    """Write the pages."""
    assert commands  # importing it registers the commands
    group: Any = typer.main.get_command(app)
    lines = [
        "# Command line",
        "",
        "`geolabel COMMAND INPUT… [options]`. Every command also takes:",
        "",
        "| option | |",
        "|---|---|",
        "| `--json` | print the result as one JSON object on stdout; progress is always on stderr |",
        "| `-q`, `--quiet` | no progress, no warnings |",
        "| `-v`, `--verbose` | say more on stderr |",
        "| `--config FILE.toml` | options by command, in TOML; the command line wins |",
        "| `--debug` | show the traceback of an error |",
        "| `--help` | options and an example |",
        "",
        "Exit codes: 0 done, 1 a problem you can mend (one line says how), 2 a wrong option, 130 interrupted.",
        "",
    ]
    for name, command in group.commands.items():
        for words, each in commands_of(name, command):
            lines += describe(words, each)
    here = Path(__file__)
    here.with_name("cli.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    cards = sorted((here.parents[1] / "geolabel" / "models").glob("*.md"))
    here.with_name("models.md").write_text("\n".join(card.read_text("utf-8") for card in cards), encoding="utf-8")


def commands_of(name: str, command: Any) -> list[tuple[str, Any]]:
    """A command, or the commands of a group under both words."""
    inner = getattr(command, "commands", None)
    return [(name, command)] if inner is None else [(f"{name} {word}", each) for word, each in inner.items()]


def describe(name: str, command: Any) -> list[str]:
    """One command as a section."""
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option" and item.name not in SHARED]
    usage = " ".join(["geolabel", name, *(item.metavar for item in arguments), "[options]"])
    lines = [f"## {name}", "", f"`{usage}`", "", command.help or "", ""]
    if options:
        lines += ["| option | default | |", "|---|---|---|"]
    for item in options:
        flags = ", ".join(f"`{flag}`" for flag in [*item.opts, *item.secondary_opts])
        default = item.default
        shown = "" if default is None or default is False or default == () else f"`{default}`"
        lines.append(f"| {flags} | {shown} | {(item.help or '').replace('|', chr(92) + '|')} |")
    return [*lines, "", command.epilog or "", ""]


if __name__ == "__main__":
    main()
