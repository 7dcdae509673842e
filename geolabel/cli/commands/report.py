"""`geolabel report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geolabel.cli import options as o
from geolabel.cli.app import command


@command("report", "geolabel report run-a run-b evaluation-a evaluation-b -o runs.html")
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of train, embed train, tune, compare or evaluate."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The page.")] = Path("report.html"),
    overwrite: o.Overwrite = False,
) -> Any:
    """Set runs side by side: learning curves, in what they differ, scores, and what the errors have in common.

    Writes a page that opens anywhere, and each chart as SVG beside it. Scores that were measured by different tiles
    are not ranked.
    """
    from geolabel.steps.report import report as step

    return step(runs, output=output, overwrite=overwrite)
