"""Commands about class schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli.app import command, group

schemes = group("schemes", "The class schemes that come with geolabel, and your own.")


@command("show", "geolabel schemes show forest", into=schemes)
def schemes_show(
    scheme: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|FILE]", help="A built-in scheme, or a file of your own.  [default: list them]"),
    ] = None,
) -> Any:
    """List the built-in schemes, or show one: its classes, colours and rules."""
    from geolabel.steps.schemes import list_schemes, show_scheme

    return show_scheme(scheme) if scheme else list_schemes()


@command("check", "geolabel schemes check classes.toml", into=schemes)
def schemes_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scheme files (TOML).")],
) -> Any:
    """Check scheme files of your own: what is wrong, and what is allowed but hardly meant."""
    from geolabel.steps.schemes import check_schemes

    return check_schemes(files)
