"""A confusion table as a section of a page: shaded, with agreement by class, and the largest disputes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from geolabel.labels.confusion import NONE, UNKNOWN
from geolabel.views.page import Cell, number, paragraph, section, table, text
from geolabel.views.words import hectares, percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geolabel.labels.confusion import Confusion
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
    back = f"rgba({tint}, {0.08 + 0.62 * (area / whole) ** 0.5:.2f})" if area else ""
    said = f"{found.rows}: {legend.title(found.classes[row])}; {found.columns}: {legend.title(found.classes[column])}"
    return Cell(_area(area), number=True, back=back, title=f"{said}; {hectares(area)}", edge=edge)


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
