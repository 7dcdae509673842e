"""Commands that show: the demo, the installation."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import EXIT_INTERRUPTED, app, command
from geolabel.errors import GeolabelError

if TYPE_CHECKING:
    from collections.abc import Sequence


@command("demo", "geolabel demo")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to make.")] = Path("geolabel-demo"),
    size: Annotated[int, typer.Option("--size", help="Side of the world, pixels of 10 m.")] = 1536,
    epochs: Annotated[int, typer.Option("--epochs", help="Of training.")] = 16,
    seed: o.Seed = 7,
    overwrite: o.Overwrite = False,
) -> Any:
    """The whole way on a made-up world whose truth is known, in a few minutes."""
    from geolabel.steps.demo import demo as step

    def run(words: Sequence[str]) -> None:
        typer.secho(f"\n$ geolabel {shlex.join(words)}", bold=True, err=True)
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the demo's own report
            code = app([*words], standalone_mode=False)
        if code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        if code:
            raise GeolabelError(f"the demo stops here: geolabel {words[0]} ended with exit code {code}")

    return step(folder, size=size, seed=seed, epochs=epochs, overwrite=overwrite, run=run)


@command("doctor", "geolabel doctor")
def doctor() -> Any:
    """What this installation can do, and the cure for what it cannot."""
    from geolabel.steps.doctor import doctor as step

    return step()
