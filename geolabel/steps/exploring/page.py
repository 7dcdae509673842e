"""The page of an exploration, put together from what was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from geolabel.exploration.framing import framed
from geolabel.steps.exploring.colourings import (
    MOST_CLASSES,
    MOST_COLUMNS,
    by_answer,
    by_cluster,
    by_column,
    by_label,
    by_outlier,
    by_share,
)
from geolabel.steps.exploring.findings import findings_of
from geolabel.steps.exploring.separations import separation_html
from geolabel.views.atlas import make_atlas
from geolabel.views.explore_page import ExplorePage, Projected, TextColumn, document
from geolabel.views.scatter import Plot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.exploration.projection import Projection
    from geolabel.steps.explore import ExploreReport
    from geolabel.steps.exploring.answers import Answers
    from geolabel.steps.exploring.classes import Labels
    from geolabel.steps.exploring.found import Found
    from geolabel.steps.exploring.looking import Looked
    from geolabel.steps.exploring.tiles import Explored, Places
    from geolabel.views.explore_page import Colouring

PAGE_BYTES = 40_000_000
"""What a page may have."""
ATLAS_BYTES = 17_000_000
"""Of pictures, at the most: more of them make a page slower to open, and show hardly more."""
_LEAST_ATLAS_BYTES = 4_000_000
_FRAMES_BYTES = 20_000
"""Around the pictures, at the most."""
_NAMES = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE", "lda": "LDA"}
_FLAT = 2


def page_of(
    report: ExploreReport,
    tiles: Explored,
    labels: Labels,
    places: Places,
    looked: Looked,
    answers: Answers | None,
    found: Found,
) -> ExplorePage:
    """All that the page shows, but for the pictures."""
    columns = [_text_column("Source", [PurePosixPath(path).name for path in tiles.index.column("source").tolist()])]
    if answers is not None:
        columns.append(_text_column("Likeliest", answers.lines))
    of_index = list(by_column(tiles.index, answered=answers is not None))
    shown = of_index[:MOST_COLUMNS]
    return ExplorePage(
        title=f"Tiles of {tiles.path.name}",
        about=_about(report, tiles),
        name=report.output.stem,
        facts=tuple(_facts(report, labels, found)),
        tiles=tiles.index.column("tile").astype(np.int64),
        projections=tuple(_projected(one) for one in found.projections),
        lon=places.lon if places.known else None,
        lat=places.lat if places.known else None,
        side_deg=places.side_deg if places.known else None,
        colourings=(*_colourings(labels, answers, found), *shown),
        columns=tuple(columns),
        atlas=None,
        findings=findings_of(tiles.index, labels, found),
        separation=separation_html(found.separation, labels),
        notes=tuple(_notes(labels, looked, found, len(of_index) - len(shown))),
    )


def with_pictures(page: ExplorePage, pictures: NDArray[np.uint8]) -> ExplorePage:
    """The page with the tiles' pictures (n, side, side, 3), as good as what its numbers leave of 40 MB lets them be."""
    left = PAGE_BYTES - len(document(page).encode()) - _FRAMES_BYTES
    budget = min(ATLAS_BYTES, max(_LEAST_ATLAS_BYTES, left * 3 // 4))  # as text they are a third more
    return replace(page, atlas=make_atlas(pictures, budget))


def plot_of(labels: Labels, found: Found) -> Plot:
    """The first flat projection, or else the first, for papers: by label, or else by cluster."""
    first = next((one for one in found.projections if one.dims == _FLAT), found.projections[0])
    colouring = by_label(labels) if labels.classes or found.members.max(initial=-1) < 0 else by_cluster(found.members)
    return Plot(framed(first.points)[0], colouring.codes.astype(np.int64), colouring.names, colouring.colors)


def _about(report: ExploreReport, tiles: Explored) -> str:
    said = f"{report.tiles:,} tiles, compared by {report.features}."
    if report.left_out:
        said += f" They are an even sample of {tiles.total:,}; what is told of copies and leaks is of the sample."
    return said


def _facts(report: ExploreReport, labels: Labels, found: Found) -> Iterator[tuple[str, str]]:
    yield f"{report.tiles:,}", "tiles"
    for value, what in (
        (len(labels.classes), "classes"),
        (report.clusters, "clusters"),
        (report.outliers, "outliers"),
        (report.near_duplicates, "near-duplicates"),
        (report.leaks, "in leaks"),
        (found.spoilt, "with artefacts"),
    ):
        if value:
            yield f"{value:,}", what


def _projected(one: Projection) -> Projected:
    note = one.told if one.told.endswith(".") else f"{one.told}."
    if np.isfinite(one.trustworthiness):
        note += (
            f" Trustworthiness {one.trustworthiness:.2f}: at 1, tiles that lie together here are neighbours indeed; "
            "at .5, that is chance."
        )
    points, moved = framed(one.points)
    if moved.any():
        note += f" {int(moved.sum()):,} of the tiles lie farther out than is shown, and stand at the edge."
    return Projected(_NAMES[one.method] + ("" if one.dims == _FLAT else " in 3-D"), note, points)


def _colourings(labels: Labels, answers: Answers | None, found: Found) -> Iterator[Colouring]:
    if labels.classes:
        yield by_label(labels)
    if found.members.max(initial=-1) >= 0:
        yield by_cluster(found.members)
    if answers is not None:
        yield from by_answer(answers)
    yield from by_share(labels)
    yield by_outlier(found.scores)


def _notes(labels: Labels, looked: Looked, found: Found, left_out: int) -> Iterator[str]:
    if looked.note:
        yield looked.note
    if found.clusters_note:
        yield found.clusters_note
    if looked.seen:
        yield f"Pictures show {looked.seen.caption}, all in one stretch, so that they can be compared."
    if looked.by_model and labels.classes:
        yield (
            "Features are those of a trained model: on tiles that it learned from, classes lie farther apart, and "
            "errors are rarer, than on others. Where the index is split, neighbours agree or not on held-out tiles "
            "alone."
        )
    if not labels.classes:
        yield "Nothing is labelled: there are no colours by class, and typical tiles are those of the clusters."
    if len(labels.classes) > MOST_CLASSES:
        yield f"Shares and answers are shown of the {MOST_CLASSES} commonest classes."
    if left_out:
        yield f"The index has more columns than are shown here; {left_out} are left out."
    if (labels.codes < 0).any() and labels.classes:
        unknown = int(((labels.codes < 0) & ~labels.mixed).sum())
        yield (
            f"Of {unknown:,} tiles the label is unknown, and {int(labels.mixed.sum()):,} are mixed: no class has the "
            "share that a label needs. Neither counts where classes are compared."
        )


def _text_column(title: str, words: Sequence[str]) -> TextColumn:
    values, codes = np.unique(np.array(words), return_inverse=True)
    return TextColumn(title, tuple(values.tolist()), codes)
