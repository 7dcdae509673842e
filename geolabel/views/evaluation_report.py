"""The page of an evaluation: scores by class with their intervals, averages, confusion, curves, gaps, and doubts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views.charts import key, picture
from geolabel.views.confusion_table import group_table
from geolabel.views.error_grids import confusions_section, errors_section
from geolabel.views.page import Cell, bar, document, facts, number, paragraph, section, table, text
from geolabel.views.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from geolabel.scoring.abstain import SelectiveScores
    from geolabel.scoring.intervals import Interval, Intervals
    from geolabel.scoring.multilabel import Scores
    from geolabel.scoring.shares import ShareScores
    from geolabel.views.charts import Chart
    from geolabel.views.error_grids import ErrorsShown
    from geolabel.views.words import Legend

_CURVES = (
    ("pr", "Dots: where the model decides."),
    ("roc", "Dots: where the model decides."),
    ("reliability", "On the dashed line, probabilities mean what they say; the larger a dot, the more tiles."),
)


@dataclass(frozen=True, slots=True)
class PartRow:
    """Scores of a part, beside others."""

    name: str
    tiles: int
    average_precision: float
    auc: float
    f1: float


@dataclass(frozen=True, slots=True)
class GapRow:
    """Scores of a class, or their mean: on unseen places, on tiles drawn at random, and the difference."""

    name: str
    ap: float
    ap_random: float
    ap_gap: float
    auc: float
    auc_random: float
    auc_gap: float
    f1: float
    f1_random: float
    f1_gap: float


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """What the page tells."""

    subject: str
    """The model in a few words."""
    about: str
    """What was scored, and how the parts were drawn."""
    part: str
    scores: Scores
    intervals: tuple[Intervals, ...]
    drawn_from: str
    """What the intervals resample: blocks, groups or tiles."""
    legend: Legend
    charts: Mapping[str, Chart]
    """By file name, without its end: pr, roc, reliability, and loss where its course is known."""
    errors: ErrorsShown
    parts: tuple[PartRow, ...]
    parts_told: str
    gap: tuple[GapRow, ...]
    """The mean first; () without folds."""
    gap_told: str
    abstain: SelectiveScores | None
    shares: ShareScores | None
    doubts: tuple[str, ...]
    """What is uncertain, a sentence each."""
    files: tuple[tuple[str, str], ...]
    """Files beside the page: name, what it is."""


def evaluation_page(page: EvaluationPage) -> str:
    """The page as HTML."""
    return document(
        f"Scores of {page.subject}",
        f"<h1>Scores of {escape(page.subject)}</h1>\n",
        paragraph(page.about, soft=True),
        _facts(page),
        section("What is uncertain", _list(page.doubts)),
        _ranking(page),
        _decisions(page),
        _averages(page.scores),
        *_confusions(page),
        confusions_section(page.errors, page.legend),
        _curves(page),
        _parts(page),
        _gap(page),
        *_abstain(page),
        *_shares(page),
        errors_section(page.errors, page.legend),
        section("Files", _files(page.files)),
    )


def _facts(page: EvaluationPage) -> str:
    found = page.scores
    pairs = [
        (score(found.macro_average_precision), "average precision, mean of classes"),
        (score(found.macro_auc), "AUC, mean of classes"),
        (score(found.macro_f1), "F1, mean of classes"),
        (score(found.samples.f2), "F2, mean of tiles"),
        (f"{found.samples.tiles:,}", f"tiles of {page.part}"),
    ]
    if page.gap:
        pairs.append((score(page.gap[0].ap_gap), "average precision lost on unseen places"))
    return facts(pairs)


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>\n"


def _ranking(page: EvaluationPage) -> str:
    """How well each class is ranked, whatever the threshold."""
    found = {one.measure: one for one in page.intervals}
    head = [text("Class"), number("Present"), number("Known"), Cell("Average precision"), number("")]
    head += [number("By chance"), number("AUC"), number("ECE"), number("Brier")]
    rows = [
        [
            Cell(page.legend.swatch(one.name)),
            number(f"{one.positives:,}"),
            number(f"{one.tiles:,}"),
            bar(_plain(one.average_precision), page.legend.color(one.name)),
            _with_interval(found["average_precision"].classes[at]),
            number(score(one.positives / one.tiles if one.tiles else float("nan"))),
            _with_interval(found["auc"].classes[at]),
            number(score(one.ece)),
            number(score(one.brier)),
        ]
        for at, one in enumerate(page.scores.classes)
    ]
    mean = [text("mean of classes"), number(""), number(""), Cell(""), _with_interval(found["average_precision"].macro)]
    rows.append([*mean, number(""), _with_interval(found["auc"].macro), number(""), number("")])
    words = (
        "Whatever the threshold: how well tiles with the class stand before those without (1 is best), and whether "
        "probabilities mean what they say (ECE and Brier, 0 is best). Below each score, where 95 % of "
        f"{page.intervals[0].resamples} resamples of {page.intervals[0].groups:,} {page.drawn_from} lie."
    )
    return section("Classes, ranked", paragraph(words, soft=True), table(head, rows, edges=(len(rows) - 1,)))


def _decisions(page: EvaluationPage) -> str:
    """How well each class is found at the model's threshold."""
    found = {one.measure: one for one in page.intervals}
    names = ("Threshold", "TP", "FP", "FN", "TN", "Precision", "Recall", "Specificity", "G-mean", "F1", "F2")
    head = [text("Class"), *map(number, (*names, "Jaccard", "Accuracy"))]
    rows = [
        [
            Cell(page.legend.swatch(one.name)),
            number(f"{one.threshold:.3f}"),
            *(number(f"{count:,}") for count in (one.tp, one.fp, one.fn, one.tn)),
            *(_with_interval(found[name].classes[at]) for name in ("precision", "recall")),
            *map(number, (score(one.specificity), score(one.g_mean))),
            *(_with_interval(found[name].classes[at]) for name in ("f1", "f2")),
            *map(number, (score(one.jaccard), score(one.binary_accuracy))),
        ]
        for at, one in enumerate(page.scores.classes)
    ]
    words = "At the thresholds that the model carries. Recall is also called sensitivity."
    return section("Classes, decided", paragraph(words, soft=True), table(head, rows))


def _averages(found: Scores) -> str:
    head = [Cell(""), *map(number, ("Precision", "Recall", "F1", "F2", "Jaccard"))]
    named = (("macro: mean of classes", found.macro), ("micro: all entries together", found.micro))
    rows = [
        [text(name), *(number(score(value)) for value in (one.precision, one.recall, one.f1, one.f2, one.jaccard))]
        for name, one in named
    ]
    tiles = found.samples
    rows.append(
        [
            text("samples: mean of tiles"),
            number("–"),
            number("–"),
            *map(number, map(score, (tiles.f1, tiles.f2, tiles.jaccard))),
        ]
    )
    words = (
        f"{percent(found.hamming_score)} of the known entries are right (1 − Hamming loss); in "
        f"{percent(tiles.exact_match)} of the tiles, every known class is."
    )
    empty = f" {tiles.empty:,} tiles show nothing, and nothing was found: each counts as 1." if tiles.empty else ""
    return section("Averages", table(head, rows), paragraph(words + empty, soft=True))


def _confusions(page: EvaluationPage) -> tuple[str, ...]:
    if not page.scores.confusions:
        return ()
    tables = (group_table(one, page.legend) for one in page.scores.confusions)
    return (section("Which class is taken for which", *tables),)


def _curves(page: EvaluationPage) -> str:
    figures = [_figure(page.charts[name], words) for name, words in _CURVES if name in page.charts]
    keys = "".join(key(line) for line in page.charts["pr"].lines) if "pr" in page.charts else ""
    loss = page.charts.get("loss")
    if loss:
        figures.append(_figure(loss, " ".join(map(key, loss.lines)), escaped=True))
    return section("Curves", f'<p class="keys">{keys}</p>\n<div class="charts">{"".join(figures)}</div>\n')


def _figure(chart: Chart, words: str, *, escaped: bool = False) -> str:
    told = words if escaped else escape(words)
    return (
        f'<figure><h3>{escape(chart.title)}</h3>{picture(chart)}<figcaption class="soft">{told}</figcaption></figure>\n'
    )


def _parts(page: EvaluationPage) -> str:
    head = [text("Part"), number("Tiles"), Cell("Average precision"), number(""), number("AUC"), number("F1")]
    rows = [
        [
            text(one.name),
            number(f"{one.tiles:,}"),
            bar(_plain(one.average_precision), "var(--accent)"),
            *(number(score(value)) for value in (one.average_precision, one.auc, one.f1)),
        ]
        for one in page.parts
    ]
    return section("Training, validation, test", paragraph(page.parts_told, soft=True), table(head, rows))


def _gap(page: EvaluationPage) -> str:
    if not page.gap:
        words = (
            "Not measured here: --folds 5 trains the model's recipe anew, on buffered spatial folds and on random ones."
        )
        return section("Unseen places against random tiles", paragraph(words, soft=True))
    names = ("unseen", "random", "gap")
    head = [
        text("Class"),
        *(
            Cell(f"{what}, {name}", number=True, edge=name == "unseen")
            for what in ("AP", "AUC", "F1")
            for name in names
        ),
    ]
    rows = []
    for at, one in enumerate(page.gap):
        triples = (
            (one.ap, one.ap_random, one.ap_gap),
            (one.auc, one.auc_random, one.auc_gap),
            (one.f1, one.f1_random, one.f1_gap),
        )
        cells = [
            Cell(escape(score(value)), number=True, edge=place == 0)
            for triple in triples
            for place, value in enumerate(triple)
        ]
        rows.append([Cell(page.legend.swatch(one.name)) if at else text("mean of classes"), *cells])
    return section("Unseen places against random tiles", paragraph(page.gap_told), table(head, rows, edges=(1,)))


def _abstain(page: EvaluationPage) -> tuple[str, ...]:
    if page.abstain is None:
        return ()
    head = [text("Class"), *map(number, ("Decided", "Precision", "Recall", "F1", "F1 of all"))]
    rows = [
        [
            Cell(page.legend.swatch(one.name)),
            number(percent(share)),
            *map(number, map(score, (one.precision, one.recall, one.f1, of_all.f1))),
        ]
        for share, one, of_all in zip(
            page.abstain.coverage, page.abstain.scores.classes, page.scores.classes, strict=True
        )
    ]
    words = (
        "Where the probability lies in the model's abstain band, it does not decide. Scores of the tiles it decides:"
    )
    return (section("Left undecided", paragraph(words, soft=True), table(head, rows)),)


def _shares(page: EvaluationPage) -> tuple[str, ...]:
    if page.shares is None:
        return ()
    head = [text("Class"), number("Tiles"), number("Mean absolute error"), number("R²")]
    rows = [
        [Cell(page.legend.swatch(one.name)), number(f"{one.tiles:,}"), number(score(one.mae)), number(score(one.r2))]
        for one in page.shares.classes
    ]
    mean = score(page.shares.macro_mae), score(page.shares.macro_r2)
    rows.append([text("mean of classes"), number(""), *map(number, mean)])
    words = (
        f"The model learned shares. Summed over classes, a tile's error is {score(page.shares.summed_error)} "
        f"(0 is exact, 2 all wrong; {page.shares.tiles:,} tiles)."
    )
    return (section("Shares", paragraph(words, soft=True), table(head, rows, edges=(len(rows) - 1,))),)


def _files(found: Sequence[tuple[str, str]]) -> str:
    rows = [[Cell(f'<a href="{escape(name)}">{escape(name)}</a>'), text(what)] for name, what in found]
    return table([text("File"), text("What it is")], rows)


def _with_interval(found: Interval) -> Cell:
    value = score(found.value)
    if math.isnan(found.low):
        return number(value)
    return Cell(f'{value}<br><span class="soft small">{found.low:.2f}–{found.high:.2f}</span>', number=True)


def _plain(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def score(value: float) -> str:
    """A score in three digits; a dash where there is none."""
    return "–" if math.isnan(value) else f"{round(value, 3) + 0:.3f}"  # + 0: no −0
