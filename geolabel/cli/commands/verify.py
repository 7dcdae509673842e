"""`geolabel verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli.app import command


@command("verify", "geolabel verify region.geolabel tiles.parquet")
def verify(
    outputs: Annotated[list[Path], typer.Argument(metavar="OUTPUT...", help="Folders or files that geolabel made.")],
) -> Any:
    """Whether outputs, and what they were made of, are still what they were.

    Compares outputs with the digests written down when they were made, and inputs with their fingerprints, where these
    are found. Exit code 1 where something is changed, or an output is missing. Nothing is written.
    """
    from geolabel.steps.verify import verify as step

    return step(outputs)
