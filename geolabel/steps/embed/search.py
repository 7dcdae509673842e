"""`geolabel embed search`: what of a region is like some examples."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files
from geolabel.embeddings import count_of, place_of, read_header, tiles_of
from geolabel.embeddings.lattice import placed_in
from geolabel.errors import EmptyError, OptionError
from geolabel.progress import log
from geolabel.steps.embed.lattice_raster import numbered
from geolabel.steps.embed.searching.examples import read_examples
from geolabel.steps.embed.searching.heat import heat_style, write_heat
from geolabel.steps.embed.searching.layer import check_place, columns_of, write_answers
from geolabel.steps.embed.searching.page import about, page_of
from geolabel.steps.embed.searching.ranks import by_likeness, by_probe
from geolabel.steps.making import makes
from geolabel.steps.models import find_model
from geolabel.views.search_page import search_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SearchReport:
    """What a search found."""

    output: Path
    page: Path
    heat: tuple[Path, ...]
    """Heat maps, one a raster; () without --fit."""
    tiles: int
    """Searched."""
    like: int
    """Examples: tiles and pictures."""
    unlike: int
    found: int
    method: str
    """exact, index or linear probe."""
    measure: str
    """cosine, minus the distance, or probability: what `best` and `last` are."""
    best: float | None
    last: float | None
    seconds: float
    """For the search alone."""


@makes("embed search", "embeddings", "model")
def search(
    embeddings: Path,
    *,
    like: Sequence[str],
    unlike: Sequence[str] = (),
    top: int = 100,
    output: Path = Path("similar.gpkg"),
    model: str | Path | None = None,
    fit: bool = False,
    index: bool = False,
    device: str = "auto",
    seed: int = 0,
    overwrite: bool = False,
) -> SearchReport:
    """Find the `top` tiles of an embeddings file that are like some examples, which are left out.

    An example is a tile number, a point `lon,lat`, a vector file (tiles that its shapes reach into), or a picture,
    which needs the `model` that made the vectors. Tiles are ranked by their similarity to the nearest one: what is
    wanted may look several ways, and the mean of these looks like none of them. A tile that is as near to an `unlike`
    example is no answer: to subtract similarities instead would put what is like nothing before what is like both.

    With `fit`, a linear probe learns the examples against `unlike` and random tiles, and gives each tile a probability:
    the answers' rank, and a heat map. With `index`, an index beside the file is searched, built where there is none.
    Writes the answers, a page of pictures, and heat maps. Raises InputError, TileIndexError, OptionError, EmptyError,
    ContractError, ModelError, InstallError, OutputError.
    """
    _check(like, top, fit=fit, index=index, unlike=unlike)
    header, count = read_header(embeddings), count_of(embeddings)
    if not count:
        raise EmptyError(f"{embeddings}: has no tiles; encode a region first")
    placed = placed_in(embeddings) if fit else ()
    check_place(output, has_place=place_of(embeddings) is not None)
    page, heat = output.with_suffix(".html"), numbered(output.with_suffix(".heat.tif"), len(placed))
    chosen = find_model(str(model)) if model else None
    given = [Path(word) for word in (*like, *unlike) if Path(word).suffix]
    for target in (output, page, *heat, *(path.with_suffix(".qml") for path in heat)):
        files.check_new(target, overwrite=overwrite, inputs=(embeddings, chosen, *given))
    likes = read_examples(embeddings, header, like, "--like", chosen, device)
    unlikes = read_examples(embeddings, header, unlike, "--unlike", chosen, device)
    both = np.intersect1d(likes.rows, unlikes.rows)
    if len(both):
        tile = tiles_of(embeddings, both[:1]).column("tile")[0]
        raise OptionError(f"tile {tile} is an example of --like and of --unlike; take it out of one of them")
    began = time.perf_counter()
    levels: NDArray[np.uint8] = np.zeros(0, np.uint8)
    if fit:
        best, levels = by_probe(embeddings, likes, unlikes, top, seed, device)
        if not placed:
            log.warning("%s: its tiles do not lie on a grid, so there is no heat map", embeddings)
    else:
        best = by_likeness(embeddings, header, likes, unlikes, top, device, index=index)
    seconds = time.perf_counter() - began
    method = "linear probe" if fit else "index" if index else "exact"
    measure = "probability" if fit else "cosine" if header.norm else "minus the distance"
    report = SearchReport(
        output=output,
        page=page,
        heat=heat,
        tiles=count,
        like=len(likes.vectors),
        unlike=len(unlikes.vectors),
        found=len(best.rows),
        method=method,
        measure=measure,
        best=float(best.scores[0]) if len(best.rows) else None,
        last=float(best.scores[-1]) if len(best.rows) else None,
        seconds=round(seconds, 3),
    )
    with ExitStack() as stack:
        drafts = {
            path: stack.enter_context(files.new_file(path, overwrite=overwrite))
            for path in (output, page, *heat, *(path.with_suffix(".qml") for path in heat))
        }
        answers = tiles_of(embeddings, best.rows)
        told = about(report, header, embeddings)
        name = "probability" if fit else "similarity"
        write_answers(drafts[output], answers.moved(embeddings, output), columns_of(answers, best.scores, name), told)
        shown = page_of(report, told, embeddings, best, likes, unlikes)
        drafts[page].write_text(search_page(shown), encoding="utf-8")
        for one, path in zip(placed, heat, strict=True):
            write_heat(drafts[path], one, levels)
            drafts[path.with_suffix(".qml")].write_text(heat_style(), encoding="utf-8")
    return report


def _check(like: Sequence[str], top: int, *, fit: bool, index: bool, unlike: Sequence[str]) -> None:
    if not like:
        raise OptionError("--like: give at least one example: a tile number, lon,lat, a vector file or a picture")
    if top < 1:
        raise OptionError(f"--top must be 1 or more, got {top}")
    if index and (fit or unlike):
        other = "--fit" if fit else "--unlike"
        raise OptionError(f"--index and {other} do not go together: {other} looks at every tile; leave --index out")
