"""What the page of a search shows: pictures read from where the tiles were cut, where that is still there."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.embeddings import tiles_of
from geolabel.errors import InputError
from geolabel.steps.embed.searching.ranks import BACKGROUND
from geolabel.steps.tile_pixels import read_tiles
from geolabel.views.search_page import SearchPage, Shown
from geolabel.views.thumbnails import thumbnails

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from geolabel.embeddings import EmbeddingsHeader
    from geolabel.learn.nearest import Best
    from geolabel.steps.embed.search import SearchReport
    from geolabel.steps.embed.searching.examples import Examples
    from geolabel.tiling import TileIndex

_PICTURES = 500
"""Answers that have a picture, at the most: more, and no browser scrolls through them."""
_SHOWN = 24
"""Examples of a kind with a picture."""


def about(report: SearchReport, header: EmbeddingsHeader, embeddings: Path) -> str:
    """How was searched, in a sentence or two."""
    made = header.model.get("name", "an unknown model")
    first = f"{report.tiles:,} tiles of {embeddings.name}, encoded by {made}, "
    examples = _counted(report.like, "example")
    if report.method == "linear probe":
        others = f"{_counted(report.unlike, 'counterexample')} and " if report.unlike else ""
        return first + (
            f"by a linear probe fitted to {examples} against {others}up to {BACKGROUND:,} random tiles, "
            "which are taken for something else, whatever they show."
        )
    how = "the cosine of the angle between vectors" if header.norm else "minus the distance between vectors"
    ruled = " Tiles that are as near to an example of what is not meant are left out." if report.unlike else ""
    nearly = " An index was searched, which misses a few." if report.method == "index" else ""
    nearest = f"the nearest of {examples}" if report.like > 1 else "one example"
    return first + f"by {how}, to {nearest}.{ruled}{nearly}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def page_of(
    report: SearchReport, told: str, embeddings: Path, best: Best, likes: Examples, unlikes: Examples
) -> SearchPage:
    """The page, with its pictures."""
    base = embeddings.parent
    found, notes = _shown(
        tiles_of(embeddings, best.rows[:_PICTURES]),
        base,
        [f"{rank}" for rank in range(1, min(report.found, _PICTURES) + 1)],
        [(f"{report.measure} {score:.3f}",) for score in best.scores[:_PICTURES].tolist()],
    )
    if report.found > _PICTURES:
        notes = (*notes, f"The first {_PICTURES:,} of {report.found:,} are shown here; {report.output.name} has all.")
    galleries = []
    for examples in (likes, unlikes):
        tiles = tiles_of(embeddings, examples.rows[:_SHOWN])
        titles = [f"tile {tile}" for tile in tiles.column("tile").tolist()]
        shown, said = _shown(tiles, base, titles, [()] * len(tiles))
        galleries.append(shown)
        notes = (*notes, *said)
    return SearchPage(
        title=f"Similar places in {embeddings.name}",
        about=told,
        facts=((f"{report.found:,}", "found"), (f"{report.tiles:,}", "searched"), (f"{report.like:,}", "examples")),
        like=galleries[0],
        unlike=galleries[1],
        found=found,
        notes=tuple(dict.fromkeys(notes)),
    )


def _shown(
    index: TileIndex, base: Path, titles: Sequence[str], lines: Sequence[tuple[str, ...]]
) -> tuple[tuple[Shown, ...], tuple[str, ...]]:
    """All tiles of an index, which lies in `base`, for the page; and what to say of pictures that cannot be read."""
    pictures, notes = _pictures(index, base)
    places = _places(index)
    names = [PurePosixPath(str(path)).name for path in index.column("source")]
    rows = zip(titles, lines, places, names, pictures, strict=True)
    return tuple(Shown(title, (*told, *place, name), picture) for title, told, place, name, picture in rows), notes


def _pictures(index: TileIndex, base: Path) -> tuple[list[bytes | None], tuple[str, ...]]:
    """JPEG of each tile, None where its raster cannot be read, and why. Each kind of bands has its own stretch."""
    found: list[bytes | None] = [None] * len(index)
    paths = index.column("source").astype(str)
    seen: dict[tuple[str, ...], list[tuple[int, tuple[NDArray[Any], NDArray[np.bool_]]]]] = {}
    notes = []
    for path in np.unique(paths).tolist():
        try:
            for pixels in read_tiles(index, np.flatnonzero(paths == path), base):
                tiles = zip(pixels.values, pixels.valid, strict=True)
                seen.setdefault(pixels.bands, []).extend(zip(pixels.row.tolist(), tiles, strict=True))
        except InputError as error:
            notes.append(f"Some tiles have no picture. {error}")
    for bands, tiles_of_bands in seen.items():
        made = thumbnails([tile for _, tile in tiles_of_bands], bands, "JPEG")
        for (row, _), picture in zip(tiles_of_bands, made, strict=True):
            found[row] = picture
    return found, tuple(notes)


def _places(index: TileIndex) -> list[tuple[str, ...]]:
    """Longitude and latitude of each tile's centre, as `--like` takes them; () where it has no place."""
    return [() if np.isnan(lon) else (f"{lon:.5f},{lat:.5f}",) for lon, lat in index.lonlat().tolist()]
