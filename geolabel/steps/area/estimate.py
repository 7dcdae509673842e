"""`geolabel area estimate`: from a person's answers to accuracies and areas, with 95 % intervals."""

from __future__ import annotations

import csv
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import EmptyError, listed
from geolabel.progress import log
from geolabel.scoring.area import UNDECIDED, AreaEstimates, Points, Stratum, estimate, too_few
from geolabel.steps.area.file import Sample, read_sample
from geolabel.steps.area.report import AreaReport, accuracy_rows, area_rows, matrix_rows, sentences
from geolabel.steps.making import makes
from geolabel.steps.record import write_record

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COMMAND = "area"


@makes("area estimate", "sample")
def estimate_areas(sample: Path, *, output: Path | None = None, overwrite: bool = False) -> AreaReport:
    """Estimate accuracy and areas from an answered sample; with `output`, write area.json and the tables as CSV.

    Raises InputError (no sample, changed by hand), EmptyError (too few answers), OutputError.
    """
    if output is not None:
        files.check_new(output, overwrite=overwrite, folder=COMMAND, inputs=(sample,))
    read = read_sample(sample)
    answered = np.array([bool(one) for one in read.reference])
    _warn(sample, read, answered)
    open_ids = _to_answer(read, answered)
    if open_ids:
        # which class they are of is not told: who answers is not to be led
        raise EmptyError(
            f"{sample}: of one stratum fewer than two points are answered, which tells nothing of its variance; "
            f"answer point {listed(open_ids)}"
        )
    found, sure = _estimate(read, answered), answered & read.sure
    without = None
    if _to_answer(read, sure):
        log.warning("%s: fewer than two answers of one stratum are sure; there are no areas without the unsure", sample)
    elif sure.sum() < answered.sum():
        without = _estimate(read, sure)
    undecided = next((one.name for one in read.strata if one.pixels and not one.decided), "")
    report = AreaReport(
        sample=sample,
        answered=int(answered.sum()),
        unanswered=int((~answered).sum()),
        unsure=int((answered & ~read.sure).sum()),
        total_ha=sum(one.area_ha for one in read.strata),
        undecided_ha=sum(one.area_ha for one in read.strata if not one.decided),
        overall_accuracy=found.overall_accuracy.value,
        overall_pm=found.overall_accuracy.half_width,
        areas=area_rows(read.classes, found),
        areas_by_sure_answers=area_rows(read.classes, without) if without is not None else (),
        accuracies=accuracy_rows(read.classes, found),
        matrix=matrix_rows(read.classes, undecided, found),
        in_words=sentences(read.classes, found),
        output=output,
    )
    if output is not None:
        _write(output, report, overwrite=overwrite)
    return report


def _warn(path: Path, read: Sample, answered: NDArray[np.bool_]) -> None:
    if read.lost:
        log.warning("%s: rows of the layer are gone, and count as unanswered: point %s", path, listed(read.lost))
    if not answered.all():
        log.warning(
            "%s: %d of %d points are unanswered and left out, as if the answered ones were a random part of them; "
            "where the hard ones were skipped, the estimates are too good",
            path,
            int((~answered).sum()),
            len(answered),
        )


def _design(read: Sample, chosen: NDArray[np.bool_]) -> tuple[list[Stratum], Points]:
    """Strata that have pixels, and what is known of the chosen points (n,)."""
    there = np.array([one.pixels > 0 for one in read.strata])
    strata = [Stratum(one.area_ha, one.pixels) for one in read.strata if one.pixels]
    position = {name: at for at, name in enumerate(read.classes)}
    shown = np.array([position[one.name] if one.decided else UNDECIDED for one in read.strata])
    seen = np.array([position.get(name, UNDECIDED) for name in read.reference])
    number = (np.cumsum(there) - 1)[read.stratum]
    return strata, Points(number, shown[read.stratum], seen, read.pixel_ha).take(chosen)


def _to_answer(read: Sample, chosen: NDArray[np.bool_]) -> list[int]:
    """Points not chosen of the first stratum of which too few are."""
    short = too_few(*_design(read, chosen))
    _, points = _design(read, np.ones_like(chosen))
    return [int(one) for one in read.id[np.isin(points.stratum, short[:1]) & ~chosen]]


def _estimate(read: Sample, chosen: NDArray[np.bool_]) -> AreaEstimates:
    return estimate(*_design(read, chosen), len(read.classes))


def _write(folder: Path, report: AreaReport, *, overwrite: bool) -> None:
    with files.new_directory(folder, COMMAND, overwrite=overwrite) as draft:
        files.write_json(draft / "area.json", report)
        for name, rows in (("areas.csv", report.areas), ("accuracies.csv", report.accuracies)):
            lines = [["" if value != value else value for value in astuple(row)] for row in rows]  # noqa: PLR0124 - NaN
            _write_csv(draft / name, [[column.name for column in fields(rows[0])], *lines])
        names = [one.reference for one in report.matrix[0].seen]
        shares = [[row.mapped, *(one.share for one in row.seen)] for row in report.matrix]
        _write_csv(draft / "matrix.csv", [["mapped", *names], *shares])
        record = {
            "command": COMMAND,
            "inputs": {"sample": report.sample, "sample_fingerprint": files.fingerprint(report.sample)},
            "versions": files.versions(),
        }
        write_record(draft, record)


def _write_csv(path: Path, lines: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)
