"""The folder that an explanation is, beside its layers: page, pictures, curves and a table."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geolabel.model import exclusive
from geolabel.steps.evaluation_page import legend_of
from geolabel.views.charts import Chart, Line, picture_file
from geolabel.views.explanation_page import Case, ExplanationPage, Panel, Scale, explanation_page
from geolabel.views.relevance import figure, limit_of, overlaid, pictures, png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.learn.explain import Check, Method
    from geolabel.model import ModelCard
    from geolabel.steps.explaining.explained import Explained
    from geolabel.views.words import Legend

PAGE, CHECKS = "report.html", "checks.csv"
PICTURES, CURVES = "pictures", "curves"
WHAT: dict[Method, tuple[str, str]] = {
    "lime": (
        "Takes superpixels away in many combinations, and fits what each adds to the class (LIME).",
        "log-odds that a superpixel adds",
    ),
    "grad-cam": (
        "Where the last maps of the network, weighted by the class's gradient, are strong (Grad-CAM). Coarse.",
        "no unit: larger or smaller only",
    ),
    "occlusion": (
        "Takes a square window away, everywhere in turn, and sees what the class loses.",
        "log-odds lost without the window",
    ),
    "integrated-gradients": (
        "Adds up the class's gradient on the way from an empty tile to this one: a share for each pixel.",
        "log-odds of a pixel; all pixels sum to the tile's",
    ),
}
"""What each method does, and the unit of its relevance."""
_RELEVANT, _RANDOM = "#b2182b", "#7a8781"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """How a method did on the tiles of a class."""

    name: str
    """The class."""
    method: str
    tiles: int
    meaningful: int
    """Of these tiles, those on which it does better than random."""
    area: float
    """Mean area under the deletion curve: the lower, the better."""
    random_area: float
    """The same where the order is random."""


def method_rows(card: ModelCard, explained: Sequence[Explained], methods: Sequence[Method]) -> tuple[MethodRow, ...]:
    """One row a class and method."""
    found = []
    for one in dict.fromkeys(each.case.class_at for each in explained):
        for method in methods:
            checks = [each.reasons[method].check for each in explained if each.case.class_at == one]
            area, random = (float(np.mean([getattr(check, name) for check in checks])) for name in _AREAS)
            good = sum(check.meaningful for check in checks)
            found.append(MethodRow(card.classes[one], method, len(checks), good, area, random))
    return tuple(found)


_AREAS = ("area", "random_area")


def write_report(
    folder: Path,
    card: ModelCard,
    explained: Sequence[Explained],
    methods: Sequence[Method],
    about: str,
    facts: tuple[tuple[str, str], ...],
    notes: tuple[str, ...],
    layers: Sequence[Path],
) -> None:
    """Write all of it into `folder`, pictures in one stretch and relevance, method by method, on one scale."""
    for name in (PICTURES, CURVES):
        (folder / name).mkdir()
    painted = pictures([(one.pixels, one.valid) for one in explained])
    limits = {method: limit_of(one.reasons[method].relevance for one in explained) for method in methods}
    titles = legend_of(card)
    cases: dict[str, list[Case]] = {}
    for one, picture in zip(explained, painted, strict=True):
        name = card.classes[one.case.class_at]
        cases.setdefault(name, []).append(_case(folder, card, one, picture, titles, limits))
    _write_checks(folder / CHECKS, card, explained)
    made = [*((path.name, "relevance as a layer for QGIS, styled") for path in layers)]
    made += [(CHECKS, "what the check says, tile by tile"), (f"{PICTURES}/", "each picture as PNG, with its scale")]
    made += [(f"{CURVES}/", "each deletion curve as SVG"), ("run.json", "how this was made")]
    page = ExplanationPage(
        title=f"What speaks for {_counted_classes([titles.title(name) for name in cases])}",
        about=about,
        facts=facts,
        legend=titles,
        scales=tuple(Scale(method, *WHAT[method], limits[method]) for method in methods),
        cases=tuple((name, tuple(of)) for name, of in cases.items()),
        notes=notes,
        files=tuple(made),
    )
    (folder / PAGE).write_text(explanation_page(page), encoding="utf-8", newline="\n")


def _case(
    folder: Path,
    card: ModelCard,
    one: Explained,
    picture: NDArray[np.uint8],
    titles: Legend,
    limits: Mapping[Method, float],
) -> Case:
    name = card.classes[one.case.class_at]
    known = {True: "label: there", False: "label: not there", None: "no label"}[one.case.labelled]
    lines = (
        f"{one.case.kind}; {known}",
        f"probability {one.case.probability:.3f}, detected {detected_where(card, one.case.class_at)}",
        one.source,
    )
    panels = []
    for method, reason in one.reasons.items():
        stem = file_stem(one.name, card, one.case.class_at, method)
        over = overlaid(picture, reason.relevance, limits[method])
        chart = _chart(f"Tile {one.name}, {titles.title(name)}, {method}", reason.check)
        pair = ((f"Tile {one.name}", picture), (f"{titles.title(name)}: {method}", over))
        paper = figure(pair, limits[method], WHAT[method][1], reason.check.told)
        (folder / PICTURES / f"{stem}.png").write_bytes(paper)
        (folder / CURVES / f"{stem}.svg").write_text(picture_file(chart), encoding="utf-8", newline="\n")
        panels.append(Panel(method, png(over), chart, reason.check.told, reason.check.meaningful))
    return Case(f"Tile {one.name}", lines, png(picture), tuple(panels))


def detected_where(card: ModelCard, class_at: int) -> str:
    """When a class counts as detected, in words: exclusive ones have no threshold."""
    if any(columns.start <= class_at < columns.stop for columns in exclusive(card.heads)):
        return "where it is the likeliest of its group"
    return f"from {card.thresholds[card.classes[class_at]]:.3f} on"


def file_stem(tile: str, card: ModelCard, class_at: int, method: Method) -> str:
    """Name of a file about a tile, a class and a method; where classes only differ in signs, all get their number."""
    names = [_plain(name) for name in card.classes]
    name = names[class_at] if len(set(names)) == len(names) else f"{names[class_at]}-{class_at + 1}"
    return f"tile-{tile}.{name}.{method}"


def _plain(words: str) -> str:
    """Of up to 40 letters: a file's name holds 255 bytes, and a letter up to four of them."""
    return re.sub(r"[^\w.,+-]+", "-", words.lower()).strip("-")[:40]


def _chart(title: str, check: Check) -> Chart:
    lines = (
        Line("most relevant first", _RELEVANT, check.removed, check.probability, f"area {check.area:.3f}"),
        Line("at random", _RANDOM, check.removed, check.random, f"area {check.random_area:.3f}", dash="5 3"),
    )
    return Chart(title, "share of the tile taken away", "probability", lines)


def _write_checks(path: Path, card: ModelCard, explained: Sequence[Explained]) -> None:
    names = ("area", "random_area", "random_spread", "p")
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(
            ["tile", "source", "class", "kind", "label", "probability", "method", *names, "meaningful", "told"]
        )
        for one in explained:
            label = "" if one.case.labelled is None else int(one.case.labelled)
            known = [
                one.name,
                one.source,
                card.classes[one.case.class_at],
                one.case.kind,
                label,
                f"{one.case.probability:.4f}",
            ]
            for method, reason in one.reasons.items():
                numbers = [f"{getattr(reason.check, name):.4f}" for name in names]
                rows.writerow([*known, method, *numbers, int(reason.check.meaningful), reason.check.told])


def _counted_classes(titles: Sequence[str]) -> str:
    return titles[0] if len(titles) == 1 else f"{len(titles)} classes"
