"""The page of a label report: sources, balance, where they disagree, which labels to doubt."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from geolabel.labels.confusion import NONE
from geolabel.views.confusion_table import confusion_section
from geolabel.views.page import Cell, address, bar, document, facts, number, paragraph, section, table, text
from geolabel.views.words import Legend, hectares, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.labels.balance import Balance
    from geolabel.labels.confusion import Confusion
    from geolabel.labels.doubts import Doubts

_LOW = 0.25
"""Scores below this are counted at the top of the page."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A label source as the page names it."""

    name: str
    file: str
    read_as: str
    date: str
    attribution: str


@dataclass(frozen=True, slots=True)
class DoubtsShown:
    """The most doubted tiles, and what belongs to them."""

    doubts: Doubts
    tile: tuple[int, ...]
    """Numbers of the first tiles of `doubts`, as many as are shown."""
    source: tuple[str, ...]
    pictures: tuple[bytes, ...]
    """PNG of each."""


@dataclass(frozen=True, slots=True)
class LabelPage:
    """What the page tells."""

    subject: str
    """The rasters, or the chips, in a few words."""
    sources: tuple[SourceRow, ...]
    balance: Balance
    legend: Legend
    confusions: tuple[Confusion, ...]
    disagreement: str
    """What the layer of disagreement holds, or why there is none."""
    doubts: DoubtsShown | None
    about_doubts: str
    """How tiles were judged, or why none was."""
    notes: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Files beside the page: name, what it is."""


def label_page(page: LabelPage) -> str:
    """The page as HTML."""
    return document(
        f"Labels of {page.subject}",
        f"<h1>Labels of {escape(page.subject)}</h1>\n",
        paragraph("What the label sources say, where they disagree, and which labels to look at first.", soft=True),
        _facts(page),
        _sources(page.sources),
        _balance(page.balance, page.legend),
        section("Where sources disagree", paragraph(page.disagreement)),
        *(confusion_section(found, page.legend) for found in page.confusions),
        section("Labels to doubt", *_doubts(page)),
        section("Files", _files(page.files), *(paragraph(note, soft=True) for note in page.notes)),
    )


def _facts(page: LabelPage) -> str:
    found = page.balance
    pairs = [(f"{found.tiles:,}", f"tiles, {found.tiles_known:,} known")]
    if found.area_ha is not None:
        pairs.append((hectares(found.area_ha), "area of the tiles"))
    pairs.append((percent(found.unknown_share), "of the area unknown"))
    if page.confusions:
        first = page.confusions[0]
        pairs.append((percent(first.agreement), f"agreement of {first.rows} and {first.columns}"))
        pairs.append(("–" if first.kappa is None else f"{first.kappa:.2f}", "Cohen’s kappa"))
    if page.doubts:
        low = int((page.doubts.doubts.score < _LOW).sum())
        pairs.append((f"{low:,}", f"labels to doubt: score below {_LOW:g}, of {len(page.doubts.doubts):,} judged"))
    return facts(pairs)


def _sources(sources: Sequence[SourceRow]) -> str:
    head = [text(name) for name in ("Source", "File", "Read as", "Date", "Attribution")]
    rows = [
        [text(one.name), text(one.file), text(one.read_as), text(one.date), text(one.attribution)] for one in sources
    ]
    return section("Sources", table(head, rows))


def _balance(found: Balance, legend: Legend) -> str:
    largest = max((entry.share or 0 for entry in found.classes), default=0) or 1
    sized = found.area_ha is not None
    head = [text("Class"), Cell("Mean share"), number(""), *([number("Area")] if sized else [])]
    head += [number("Tiles with it"), number("Tiles known"), number("Unknown"), number("Times rarer")]
    rows = [
        [
            Cell(legend.swatch(entry.name)),
            bar((entry.share or 0) / largest, legend.color(entry.name)),
            number(percent(entry.share)),
            *([number(hectares(entry.ha))] if sized else []),
            number(f"{entry.tiles:,}"),
            number(f"{entry.tiles_known:,}"),
            number(percent(entry.unknown_share)),
            number("–" if entry.rarer is None else f"{entry.rarer:,.3g}"),
        ]
        for entry in found.classes
        if entry.tiles or not entry.tiles_known
    ]
    nowhere = [legend.title(entry.name) for entry in found.classes if entry.tiles_known and not entry.tiles]
    rest = [paragraph(f"Known, and in no tile: {', '.join(nowhere)}.", soft=True)] if nowhere else []
    words = f"No source speaks of {percent(found.unknown_share)} of the area."
    if found.imbalance is not None:
        words += f" The commonest class has {found.imbalance:,.3g} times the area of the rarest that there is."
    return section("Class balance", paragraph(words, soft=True), table(head, rows), *rest)


def _doubts(page: LabelPage) -> tuple[str, ...]:
    if page.doubts is None:
        return (paragraph(page.about_doubts),)
    shown, found = page.doubts, page.doubts.doubts
    words = (
        "A quick model, trained on the tiles of other folds, answers what each label says; the score is how likely it "
        f"finds the label, 0 to 1. It says otherwise for {int(found.differs.sum()):,} of {len(found):,} tiles. "
        "Either may be wrong: look."
    )
    explained = "“Label” is the share of the tile labelled as the class doubted most, “Model” its probability."
    head = [text("Tile"), Cell(""), text("Label says"), text("Model says"), text("Doubted most")]
    head += [number("Label"), number("Model"), number("Score")]
    rows = [
        [
            Cell(_picture(picture, tile)),
            Cell(f'{tile}<br><span class="soft">{escape(source)}</span>'),
            Cell(_classes(page.legend, found.given[at])),
            Cell(_classes(page.legend, found.model[at])),
            Cell(page.legend.swatch(found.doubted[at] or NONE)),
            number(percent(float(found.given_share[at]))),
            number(percent(float(found.probability[at]))),
            number(f"{found.score[at]:.3f}"),
        ]
        for at, (tile, source, picture) in enumerate(zip(shown.tile, shown.source, shown.pictures, strict=True))
    ]
    rest = [paragraph(f"These are the first {len(rows)}; doubts.csv has all.", soft=True)] * (len(rows) < len(found))
    about = paragraph(f"Looked at: {page.about_doubts}. {explained}", soft=True)
    return (paragraph(words), about, table(head, rows), *rest)


def _classes(legend: Legend, names: Sequence[str]) -> str:
    return " ".join(map(legend.swatch, names)) or '<span class="soft">none of them</span>'


def _picture(png: bytes, tile: int) -> str:
    return f'<img class="tile" alt="tile {tile}" src="{address(png, "png")}">'


def _files(files: Sequence[tuple[str, str]]) -> str:
    rows = [[Cell(f'<a href="{escape(name)}">{escape(name)}</a>'), text(what)] for name, what in files]
    return table([text("File"), text("What it is")], rows)
