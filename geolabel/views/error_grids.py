"""The surest errors of a model as pictures side by side, class by class, and what these errors have in common."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.views.page import Cell, address, number, paragraph, section, table, text
from geolabel.views.words import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.scoring.mistaken import Confusion
    from geolabel.views.words import Legend

_STYLE = """<style>
details.errors { border-top: 1px solid var(--line); padding: 10px 0 4px; }
details.errors summary { cursor: pointer; font-weight: 600; }
details.errors .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 12px 10px;
  margin: 6px 0 16px; }
details.errors figure { min-width: 0; }
details.errors figcaption { font-size: 12px; line-height: 1.35; overflow-wrap: anywhere; color: var(--soft); }
details.errors figcaption b { color: var(--ink); font-size: 13px; }
details.errors img, details.errors .gone { display: block; width: 100%; aspect-ratio: 1; object-fit: contain;
  border-radius: 6px; background: var(--track); }
</style>
"""
_OPEN = 3
"""Classes that are unfolded: of many the page would be long."""
_SENTENCES, _ROWS = 6, 20


@dataclass(frozen=True, slots=True)
class TileShown:
    """A tile that was judged."""

    tile: int
    source: str
    """Name of its file."""
    probability: float
    labels: tuple[str, ...]
    """Classes that its labels say are present."""
    share: float | None
    """Share of the class in the tile, by its labels; None unknown."""
    place: str
    """lon,lat; "" where it has none."""
    picture: bytes | None
    """WebP; None where its pixels cannot be read."""


@dataclass(frozen=True, slots=True)
class ClassErrors:
    """Tiles of one class, the surest first."""

    name: str
    threshold: float | None
    """None for a class of an exclusive group: the likeliest is found."""
    false_alarms: tuple[TileShown, ...]
    all_false_alarms: int
    """How many there are; the first of them are shown."""
    misses: tuple[TileShown, ...]
    all_misses: int
    hits: tuple[TileShown, ...]
    """Right detections, to compare with."""


@dataclass(frozen=True, slots=True)
class ErrorsShown:
    """What is shown of a model's errors."""

    part: str
    """The tiles on which they were made: test, val …"""
    classes: tuple[ClassErrors, ...]
    confusions: tuple[Confusion, ...]
    notes: tuple[str, ...] = ()
    """Pictures that could not be read, say."""


def errors_section(shown: ErrorsShown, legend: Legend) -> str:
    """Grids of false alarms and misses, unfolded for a few classes."""
    words = (
        f"Tiles of {shown.part} on which the model is surest and the labels say otherwise, the surest first, all "
        "pictures in one stretch. Look: some may be errors of the labels. Tiles whose label is unknown are no errors."
    )
    wrong = [one for one in shown.classes if one.all_false_alarms or one.all_misses]
    right = [legend.title(one.name) for one in shown.classes if not (one.all_false_alarms or one.all_misses)]
    parts = [_details(one, legend, unfold=at < _OPEN) for at, one in enumerate(wrong)]
    notes = [*shown.notes, *([f"No error: {', '.join(right)}."] if right else [])]
    lines = [paragraph(note, soft=True) for note in notes]
    return section("The surest errors", _STYLE, paragraph(words, soft=True), *parts, *lines)


def _details(one: ClassErrors, legend: Legend, *, unfold: bool) -> str:
    found = "the likeliest of its group" if one.threshold is None else f"found from {one.threshold:.3f}"
    alarms = _counted(one.all_false_alarms, "false alarm", "false alarms")
    told = f"{alarms}, {_counted(one.all_misses, 'miss', 'misses')}; {found}"
    return (
        f'<details class="errors"{" open" if unfold else ""}><summary>{legend.swatch(one.name)}'
        f'<span class="soft">{escape(told)}</span></summary>\n'
        + _tiles("False alarms", "found, and absent by the labels", one.false_alarms, one.all_false_alarms, legend, one)
        + _tiles("Misses", "not found, and present by the labels", one.misses, one.all_misses, legend, one)
        + _tiles("Right, to compare with", "found, and present by the labels", one.hits, 0, legend, one)
        + "</details>\n"
    )


def _tiles(title: str, what: str, tiles: Sequence[TileShown], of_all: int, legend: Legend, one: ClassErrors) -> str:
    if not tiles:
        return ""
    some = f"; the surest {len(tiles)} of {of_all:,}" if of_all > len(tiles) else ""
    figures = "".join(_figure(tile, legend, one.name) for tile in tiles)
    return f'<h3>{title} <span class="soft small">{what}{some}</span></h3><div class="tiles">{figures}</div>\n'


def _figure(tile: TileShown, legend: Legend, name: str) -> str:
    said = f"tile {tile.tile} of {tile.source}"
    if tile.picture is None:
        image = '<span class="gone"></span>'
    else:
        source = address(tile.picture, "webp")
        image = f'<img loading="lazy" decoding="async" alt="{escape(said)}" src="{source}">'
    labels = ", ".join(map(legend.title, tile.labels)) or "nothing"
    lines = [f"tile {tile.tile}", f"labels: {labels}"]
    if tile.share is not None and 0 < tile.share < 1:
        lines.append(f"{legend.title(name)} {percent(tile.share)}")
    told = "<br>".join(map(escape, lines))
    if tile.place:
        told += "<br>" + escape(tile.place).replace(",", ",<br>")
    return (
        f'<figure title="{escape(said)}">{image}<figcaption><b>{tile.probability:.3f}</b><br>{told}</figcaption>'
        "</figure>\n"
    )


def confusions_section(shown: ErrorsShown, legend: Legend) -> str:
    """What the errors have in common, in a few sentences and a table; nothing for a model of one class."""
    if len(shown.classes) < 2:  # noqa: PLR2004 - one with another
        return ""
    title = "What the errors have in common"
    if not shown.confusions:
        words = (
            "Nothing that chance could not have done: no class stands in at least 5 errors of another, in 5 places, "
            "clearly more often than elsewhere."
        )
        return section(title, paragraph(words, soft=True))
    head = [text("Error"), text("Other class"), number("Errors with it"), number("Elsewhere"), number("Lift")]
    rows = [
        [
            Cell(("False alarm of " if one.kind == "false alarm" else "Miss of ") + legend.swatch(one.name)),
            Cell(legend.swatch(one.other) + (" is there" if one.kind == "false alarm" else " is found in error")),
            number(f"{one.count:,} of {one.errors:,}"),
            number(percent(one.common)),
            Cell(
                f'{one.lift:.1f}<br><span class="soft small">{one.low:.1f}–{one.high:.1f}</span>',
                number=True,
            ),
        ]
        for one in shown.confusions[:_ROWS]
    ]
    sentences = "".join(f"<li>{escape(sentence(one, legend))}</li>" for one in shown.confusions[:_SENTENCES])
    words = (
        "Lift: how many times as often the other class is in these errors as in all tiles that could have been such "
        "errors. Below it, its interval (95 % for all pairs together); only pairs whose interval lies above 1 are "
        "named. It tells what goes together, not why."
    )
    return section(title, f"<ul>{sentences}</ul>\n", table(head, rows), paragraph(words, soft=True))


def sentence(one: Confusion, legend: Legend) -> str:
    """A confusion in words."""
    name, other = legend.title(one.name), legend.title(one.other)
    if one.kind == "false alarm":
        return (
            f"{name} is claimed on {other} in {one.count:,} of {one.errors:,} false alarms, {one.lift:.1f} × as often "
            f"as {other} is in tiles without {name}."
        )
    return (
        f"Where {name} is missed, {other} is found in error in {one.count:,} of {one.errors:,} tiles, {one.lift:.1f} × "
        f"as often as in tiles without {other}."
    )


def _counted(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
