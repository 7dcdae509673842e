"""What the page of several runs shows: in what they differ, which of their scores compare, and their charts."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from geolabel import files
from geolabel.learn.metric.recipe import EmbedRecipe
from geolabel.learn.recipe import Recipe, flag_of
from geolabel.steps.reporting.folders import TRAININGS, Folder, Ground, Measured
from geolabel.views.error_grids import sentence
from geolabel.views.history_charts import MEASURES, side_by_side, trials_chart
from geolabel.views.run_report import RunShown, RunsPage, ScoreShown
from geolabel.views.words import Legend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geolabel.views.charts import Chart

_TRIALS = "trials"
CHARTS = (*MEASURES, _TRIALS)
"""Names of all charts that a page may have."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NAMES = Legend({}, {})
"""Metrics hold classes by their names."""


def differences(found: Sequence[Folder]) -> dict[Path, str]:
    """Options of each run, by its folder, in which runs of its kind here differ, where it is not as by default."""
    told = {one.path: "" for one in found}
    for commands, recipe in ((("train", "tune"), Recipe), (("embed train",), EmbedRecipe)):
        some = [one for one in found if one.command in commands]
        apart = [
            (item.name, item.default)
            for item in fields(recipe)
            if item.name != "model" and len({str(one.options.get(item.name)) for one in some}) > 1
        ]
        for one in some:
            words = (
                f"{flag_of(name)} {_value(one.options.get(name))}"
                for name, usual in apart
                if one.options.get(name) != usual
            )
            told[one.path] = " ".join(words) or ("all as by default" if apart else "")
    return told


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "default" if value is None else f"{value:g}" if isinstance(value, float) else str(value) or "–"


def lettered(found: Sequence[Folder]) -> list[tuple[Folder, Measured, str]]:
    """All scores, each with a letter for what it was measured by."""
    grounds: list[Ground] = []
    rows = []
    for one in found:
        for measured in one.measured:
            at = next((at for at, ground in enumerate(grounds) if ground.same(measured.ground)), len(grounds))
            grounds += [measured.ground] * (at == len(grounds))
            rows.append((one, measured, _LETTERS[at] if at < len(_LETTERS) else str(at + 1)))
    return rows


def charts_of(found: Sequence[Folder]) -> dict[str, Chart]:
    """A chart for each measure with a line for each run, and one of the trials of searches."""
    charts = side_by_side([(one.name, one.history) for one in found if one.history])
    searches = [(one.name, one.trials) for one in found if any(map(math.isfinite, one.trials))]
    return charts | ({_TRIALS: trials_chart(searches)} if searches else {})


def _or_less(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def page_of(
    found: Sequence[Folder],
    letters: Sequence[tuple[Folder, Measured, str]],
    charts: Mapping[str, Chart],
    output: Path,
    pictures: Sequence[str],
) -> RunsPage:
    """The page that is to be written to `output`; `pictures` are the names of the charts beside it."""
    differs = differences(found)
    links = {one.path: _link(one, output) for one in found}
    warning = _warning(letters)
    best = _best(letters)
    of_model = {one.model: one.name for one in found if one.command in TRAININGS and one.model}
    return RunsPage(
        title=_title(found),
        runs=tuple(
            RunShown(
                name=one.name,
                link=links[one.path],
                command=one.command,
                model=str(one.options.get("model", "")),
                differs=differs[one.path],
                epochs=one.history.epoch[-1] if one.history else None,
                best_epoch=one.history.best if one.history else None,
                minutes=one.minutes,
                note=_note(one, of_model),
            )
            for one in found
        ),
        charts=charts,
        course=_course(found),
        warning=warning,
        scores=tuple(
            ScoreShown(
                name=measured.name,
                link=links[one.path],
                part=measured.part,
                tiles=measured.tiles,
                averages=measured.averages,
                interval=measured.interval,
                ground=letter,
                best=any(measured is one for one in best),
            )
            for one, measured, letter in letters
        ),
        classes=_classes([measured for _, measured, _ in letters]),
        confusions=tuple(
            (one.name, links[one.path], tuple(sentence(pair, _NAMES) for pair in one.confusions))
            for one in found
            if one.command == "evaluate"
        ),
        files=tuple((name, "a chart of this page, as a picture") for name in pictures),
    )


def _title(found: Sequence[Folder]) -> str:
    if len(found) == 1:
        return found[0].name
    scored = sum(one.command == "evaluate" for one in found)
    told = [(len(found) - scored, "run"), (scored, "evaluation")]
    return " and ".join(f"{many} {what}{'s' * (many > 1)}" for many, what in told if many) + " side by side"


def _link(one: Folder, output: Path) -> str:
    page = one.path / "report.html"
    return files.relative_to(page, output) if page.exists() else ""


def _note(one: Folder, of_model: Mapping[str, str]) -> str:
    if one.command == "evaluate":
        scored = of_model.get(one.model)
        return f"scores {scored}" if scored else "scores a model that is not among these"
    return "" if one.done else "not at its end"


def _parts(letters: Sequence[tuple[Folder, Measured, str]]) -> dict[str, list[tuple[Measured, str]]]:
    found: dict[str, list[tuple[Measured, str]]] = {}
    for _, one, letter in letters:
        found.setdefault(one.part, []).append((one, letter))
    return found


def _compare(rows: Sequence[tuple[Measured, str]]) -> bool:
    """Whether scores of a part were measured by the same tiles, in the same measure."""
    return len({letter for _, letter in rows}) == len({next(iter(one.averages)) for one, _ in rows}) == 1


def _warning(letters: Sequence[tuple[Folder, Measured, str]]) -> str:
    """Of which parts scores must not be compared; "" where all may."""
    apart = [part for part, rows in _parts(letters).items() if not _compare(rows)]
    if not apart:
        return ""
    return (
        f"Scores on {' and '.join(apart)} were measured by different tiles, labels or measures, as the letters say. "
        "Scores of different letters must not be compared, so none of them is ranked here."
    )


def _best(letters: Sequence[tuple[Folder, Measured, str]]) -> list[Measured]:
    """Of each part whose scores compare the one whose first average is the highest; none where two share it."""
    found = []
    for rows in _parts(letters).values():
        values = [_or_less(next(iter(one.averages.values()))) for one, _ in rows]
        top = max(values)
        if len(rows) > 1 and _compare(rows) and values.count(top) == 1 and math.isfinite(top):
            found.append(rows[values.index(top)][0])
    return found


def _classes(rows: Sequence[Measured]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    names = [tuple(one.classes) for one in rows]
    if not rows or len({frozenset(one) for one in names}) > 1 or not names[0]:
        return ()
    return tuple((name, tuple(one.classes[name] for one in rows)) for name in names[0])


def _course(found: Sequence[Folder]) -> str:
    without = [one.name for one in found if one.command in ("train", "embed train") and one.history is None]
    words = (
        "A line for each run, marked at the epoch whose weights were kept. Losses of different kinds do not compare."
    )
    if not any(one.history for one in found):
        words = "No run here has a history by epochs."
    return words + (f" Without curves: {', '.join(without)}." if without else "")
