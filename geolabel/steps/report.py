"""`geolabel report`: several runs side by side, and which of their scores compare."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.errors import OptionError
from geolabel.steps.making import makes
from geolabel.steps.reporting.folders import TRAININGS, Folder, read_folders
from geolabel.steps.reporting.runs_page import CHARTS, charts_of, differences, lettered, page_of
from geolabel.views.charts import picture_file
from geolabel.views.run_report import runs_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run, or an evaluation."""

    name: str
    command: str
    model: str
    differs: str
    """Options in which it differs from the other runs of its kind."""
    epochs: int | None
    best_epoch: int | None
    minutes: float | None
    of: str
    """Of an evaluation: the run here whose model it scored; "" where that is not among them."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Scores of a run, or a way of training, on some tiles: means over the classes."""

    name: str
    part: str
    tiles: int | None
    measured_by: str
    """A letter: scores of one letter were measured by the same tiles with the same labels, and compare."""
    average_precision: float | None
    auc: float | None
    f1: float | None
    f2: float | None
    score: float | None
    """Of embedders: what they are judged by."""


@dataclass(frozen=True, slots=True)
class RunsReport:
    """Runs side by side."""

    output: Path
    pictures: tuple[Path, ...]
    """A chart for each measure."""
    runs: tuple[RunRow, ...]
    scores: tuple[ScoreRow, ...]
    doubts: tuple[str, ...]
    """Why scores do not compare; () where they do."""


@makes("report", "runs")
def report(runs: Sequence[Path], *, output: Path = Path("report.html"), overwrite: bool = False) -> RunsReport:
    """Write a page of runs side by side: folders of train, embed train, tune, compare and evaluate.

    The charts lie beside it as SVG; those of a page that is replaced go where the new one has none. Raises InputError
    (no run folder, damaged), OptionError, OutputError.
    """
    if not runs:
        raise OptionError("give a run folder at least: geolabel report run")
    if output.suffix.lower() != ".html":
        raise OptionError(f"{output}: is a page; name it with .html")
    files.check_new(output, overwrite=overwrite, inputs=_pages(runs))
    beside = {name: output.with_name(f"{output.stem}.{name}.svg") for name in CHARTS}
    for path in beside.values():  # also those that are not drawn this time: they would seem to belong to this page
        files.check_new(path, overwrite=overwrite)
    found = read_folders(runs)
    charts = charts_of(found)
    pictures = {beside[name]: chart for name, chart in charts.items()}
    letters = lettered(found)
    page = page_of(found, letters, charts, output, [path.name for path in pictures])
    with ExitStack() as stack:
        drafts = {path: stack.enter_context(files.new_file(path, overwrite=overwrite)) for path in (output, *pictures)}
        drafts[output].write_text(runs_page(page), encoding="utf-8")
        for path, chart in pictures.items():
            drafts[path].write_text(picture_file(chart), encoding="utf-8")
    for path in set(beside.values()) - set(pictures):
        path.unlink(missing_ok=True)
    differs = differences(found)
    return RunsReport(
        output=output,
        pictures=tuple(pictures),
        runs=tuple(_row(one, differs[one.path], found) for one in found),
        scores=tuple(
            ScoreRow(
                name=measured.name,
                part=measured.part,
                tiles=measured.tiles,
                measured_by=letter,
                **{name: _known(measured.averages.get(name)) for name in ("average_precision", "auc", "f1", "f2")},
                score=_known(next(iter(measured.averages.values()))) if one.command == "embed train" else None,
            )
            for one, measured, letter in letters
        ),
        doubts=(page.warning,) if page.warning else (),
    )


def _pages(runs: Sequence[Path]) -> Iterator[Path]:
    """The pages that the runs wrote themselves."""
    for run in runs:
        if run.is_dir():
            yield from run.rglob("report.html")


def _row(one: Folder, differs: str, found: Sequence[Folder]) -> RunRow:
    history = one.history
    of = next((run.name for run in found if run.command in TRAININGS and run.model and run.model == one.model), "")
    return RunRow(
        name=one.name,
        command=one.command,
        model=str(one.options.get("model", "")),
        differs=differs,
        epochs=history.epoch[-1] if history else None,
        best_epoch=history.best if history else None,
        minutes=one.minutes,
        of=of if one.command == "evaluate" else "",
    )


def _known(value: Any) -> float | None:
    return files.to_json(value) if isinstance(value, float) else None
