"""Confusion tables of a page, shaded: of two sources, with agreement and disputes; of a model, by tiles."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from geolabel.labels.confusion import NONE, UNKNOWN
from geolabel.views.page import Cell, number, paragraph, section, table, text
from geolabel.views.words import hectares, percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geolabel.labels.confusion import Confusion
    from geolabel.scoring.confusion import GroupConfusion
    from geolabel.views.words import Legend

_AGREE, _DIFFER, _SILENT = "31, 158, 110", "224, 92, 52", "128, 134, 131"
_DISPUTES = 8
_MANY = 9
"""Columns whose titles have room side by side."""


def confusion_section(found: Confusion, legend: Legend) -> str:
    """What two sources say of the same places."""
    kappa = "" if found.kappa is None else f", Cohen’s kappa {found.kappa:.3f}"
    words = f"Both speak of {hectares(found.both_ha)}, and say the same of {percent(found.agreement)}{kappa}."
    return section(
        f"{found.rows} and {found.columns}",
        paragraph(words),
        paragraph(f"Hectares. Rows are what {found.rows} says, columns what {found.columns} says.", soft=True),
        _matrix(found, legend),
        _disputes(found, legend),
    )


def _matrix(found: Confusion, legend: Legend) -> str:
    shown = [at for at, name in enumerate(found.classes) if name != NONE or found.ha[at].any() or found.ha[:, at].any()]
    unknown = shown[-1]
    head = [text(f"{found.rows} ↓ {found.columns} →")]
    head += [Cell(_upright(legend.title(found.classes[at])), number=True, edge=at == unknown) for at in shown]
    head += [Cell("total", number=True, edge=True), number(f"same in {found.columns}")]
    by_row, by_column, totals = (*map(_percents, (found.by_row(), found.by_column())), found.ha.sum(axis=0))
    rows = [
        [
            Cell(legend.swatch(found.classes[at])),
            *(_heat(found, legend, at, column, edge=column == unknown) for column in shown),
            Cell(_area(float(found.ha[at].sum())), number=True, edge=True),
            number(by_row[at]),
        ]
        for at in shown
    ]
    whole = [*(Cell(_area(float(totals[at])), number=True, edge=at == unknown) for at in shown)]
    rows.append([text("total"), *whole, Cell(_area(float(totals.sum())), number=True, edge=True), number("")])
    agreed = [*(Cell(by_column[at], number=True, edge=at == unknown) for at in shown)]
    rows.append([text(f"same in {found.rows}"), *agreed, Cell("", edge=True), number(percent(found.agreement))])
    kind = "matrix upright" if len(shown) > _MANY else "matrix"
    return table(head, rows, kind=kind, edges=(len(shown) - 1, len(shown)))


def _upright(title: str) -> str:
    """A column's title, which is turned where there are many."""
    return f"<span>{escape(title)}</span>"


def _percents(shares: NDArray[np.float64]) -> list[str]:
    """Agreement by class in words; nothing for the unknown."""
    return [*(percent(share) for share in shares.tolist()), ""]


def _heat(found: Confusion, legend: Legend, row: int, column: int, *, edge: bool) -> Cell:
    """A cell shaded by its part of the row: what both say, what is in dispute, of what only one speaks."""
    area, whole = float(found.ha[row, column]), float(found.ha[row].sum())
    silent = UNKNOWN in (found.classes[row], found.classes[column])
    tint = _SILENT if silent else _AGREE if row == column else _DIFFER
    back = _shade(tint, area / whole) if area else ""
    said = f"{found.rows}: {legend.title(found.classes[row])}; {found.columns}: {legend.title(found.classes[column])}"
    return Cell(_area(area), number=True, back=back, title=f"{said}; {hectares(area)}", edge=edge)


def _shade(tint: str, part: float) -> str:
    """A background, the stronger the larger the part of its row, 0–1."""
    return f"rgba({tint}, {0.08 + 0.62 * part**0.5:.2f})"


def _area(area: float) -> str:
    if not area:
        return '<span class="soft">·</span>'
    return f"{area:,.0f}" if area >= 10 else f"{area:.1f}" if area >= 0.05 else "&lt; 0.1"  # noqa: PLR2004


def _disputes(found: Confusion, legend: Legend) -> str:
    pairs = found.disputes(_DISPUTES)
    if not pairs:
        return ""
    head = [text(f"{found.rows} says"), text(f"{found.columns} says"), number("Area"), number("Of the dispute")]
    whole = found.both_ha - found.agree_ha
    rows = [
        [
            Cell(legend.swatch(pair.row)),
            Cell(legend.swatch(pair.column)),
            number(hectares(pair.ha)),
            number(percent(pair.ha / whole)),
        ]
        for pair in pairs
    ]
    return "<h3>Largest disputes</h3>\n" + table(head, rows)


def group_table(found: GroupConfusion, legend: Legend) -> str:
    """For which class of an exclusive group the tiles of each were taken."""
    named = [Cell(_upright(legend.title(name)), number=True) for name in found.names]
    head = [text("is ↓ taken for →"), *named, Cell("tiles", number=True, edge=True)]
    head += [number("recall"), number("precision"), number("F1")]
    rows = [
        [
            Cell(legend.swatch(one.name)),
            *(
                _tiles(count, one.tiles, f"{legend.title(one.name)}, taken for {legend.title(other)}", same=same)
                for other, count, same in zip(found.names, counts, _marks(len(counts), at), strict=True)
            ),
            Cell(f"{one.tiles:,}", number=True, edge=True),
            *(number(_ratio(value)) for value in (one.recall, one.precision, one.f1)),
        ]
        for at, (one, counts) in enumerate(zip(found.classes, found.matrix, strict=True))
    ]
    words = f"{found.tiles:,} tiles, {percent(found.accuracy)} of them right"
    if found.left_out:
        words += f"; {found.left_out:,} more are not told by their labels to be exactly one of these"
    kind = "matrix upright" if len(found.names) > _MANY else "matrix"
    return paragraph(f"{words}.", soft=True) + table(head, rows, kind=kind)


def _tiles(count: int, whole: int, said: str, *, same: bool) -> Cell:
    if not count:
        return Cell('<span class="soft">·</span>', number=True)
    back = _shade(_AGREE if same else _DIFFER, count / whole)
    return Cell(f"{count:,}", number=True, back=back, title=f"{said}: {count:,} of {whole:,} tiles")


def _marks(size: int, at: int) -> list[bool]:
    """True at one place of a row."""
    return [place == at for place in range(size)]


def _ratio(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
