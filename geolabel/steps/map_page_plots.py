"""What a layer adds up to: its headline numbers and plots. What was withdrawn is not counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.views.map_page import Bars, Stack
from geolabel.views.words import GREY, hectares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geolabel.vector import Layer

_AREAS_HA = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_BINS = 10
_PLAIN = "var(--accent)"


def headline(layer: Layer) -> list[tuple[str, str]]:
    """How many, how many hectares, and where that is known: protected, sure, new (value, what it is)."""
    columns = layer.columns
    counts = _counted(layer)
    found = [(f"{int(counts.sum()):,}", layer.name)]
    area = _numbers(layer, "area_ha")
    if area is not None:
        found.extend(
            (hectares(float(area[counts & (change == kind)].sum())), what)
            for change, kind, what in _kinds(layer)
            if (counts & (change == kind)).any() or (kind in ("", "loss") and not counts.any())
        )
    protected = _numbers(layer, "protected_ha")
    if protected is not None and np.isfinite(protected[counts]).any():
        found.append((hectares(float(np.nansum(protected[counts]))), "in protected areas"))
    for name, kind, what in (("level", "high", "of high confidence"), ("status", "new", "new")):
        if name in columns:
            found.append((f"{int((counts & (columns[name] == kind)).sum()):,}", what))
    withdrawn = int((~counts).sum())
    return found + ([(f"{withdrawn:,}", "withdrawn, not counted")] if withdrawn else [])


def plots(layer: Layer) -> tuple[Bars, ...]:
    """Hectares by class or year, how sure, how large; none where there is nothing to plot."""
    counts = _counted(layer)
    if not counts.any():
        return ()
    found = []
    area = _numbers(layer, "area_ha")
    if area is not None:
        found.append(_hectares(layer, counts, area))
    for name in ("confidence", "probability"):
        sureness = _numbers(layer, name)
        if sureness is not None:
            found.append(_sure(sureness[counts], name))
            break
    if area is not None:
        found.append(_sizes(area[counts]))
    return tuple(found)


def _counted(layer: Layer) -> NDArray[np.bool_]:
    if "status" not in layer.columns:
        return np.ones(len(layer.geometries), dtype=bool)
    return np.asarray(layer.columns["status"] != "withdrawn", dtype=bool)


def _numbers(layer: Layer, name: str) -> NDArray[np.float64] | None:
    return layer.columns[name].astype(np.float64) if name in layer.columns else None


def _kinds(layer: Layer) -> list[tuple[NDArray[Any], str, str]]:
    """What areas are summed apart: loss and gain, or all that was detected."""
    if "change" not in layer.columns:
        return [(np.full(len(layer.geometries), ""), "", "detected")]
    change = layer.columns["change"]
    return [(change, "loss", "lost"), (change, "gain", "gained"), (change, "change", "changed")]


def _hectares(layer: Layer, counts: NDArray[np.bool_], area: NDArray[np.float64]) -> Bars:
    """By year first seen where that is known, each class a part of its bar; else by class."""
    titles = layer.columns.get("title", np.full(len(area), layer.name, dtype=object))
    colors = layer.columns.get("color", np.full(len(area), GREY, dtype=object))
    different = sorted(set(titles[counts].tolist()), key=lambda title: -area[counts & (titles == title)].sum())
    color = {title: str(colors[titles == title][0]) for title in different}
    dates = layer.columns.get("date_first", np.full(len(area), "NaT", dtype="datetime64[D]"))
    dated = counts & ~np.isnat(dates)
    if dated.any():
        year = np.where(dated, dates.astype("datetime64[Y]").astype(np.int64) + 1970, 0)
        years = range(int(year[dated].min()), int(year.max()) + 1)
        stacks = [
            Stack(title, color[title], tuple(float(area[(titles == title) & (year == each)].sum()) for each in years))
            for title in different
        ]
        return Bars("Hectares by year first seen", "year", "hectares", tuple(map(str, years)), tuple(stacks))
    sums = [float(area[counts & (titles == title)].sum()) for title in different]
    parts = [
        Stack("", color[title], tuple(total if at == own else 0.0 for own, total in enumerate(sums)))
        for at, title in enumerate(different)
    ]
    return Bars("Hectares by class", "", "hectares", tuple(different), tuple(parts))


def _sure(sureness: NDArray[np.float64], name: str) -> Bars:
    counts, _ = np.histogram(sureness, bins=_BINS, range=(0, 1))
    labels = tuple(f"{number / _BINS:.1f}" for number in range(_BINS))
    return Bars(
        "How sure", f"{name}, from", "how many", labels, (Stack("", _PLAIN, tuple(counts.astype(float).tolist())),)
    )


def _sizes(area: NDArray[np.float64]) -> Bars:
    counts = np.bincount(np.searchsorted(_AREAS_HA, area, side="right"), minlength=len(_AREAS_HA) + 1)
    labels = (f"<{_AREAS_HA[0]:g}", *(f"{low:g}+" for low in _AREAS_HA))
    return Bars("How large", "hectares", "how many", labels, (Stack("", _PLAIN, tuple(counts.astype(float).tolist())),))
