"""`geolabel explore`: a set of tiles on one page: what is alike, what lies apart, what is odd, and where it lies."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geolabel import files
from geolabel.errors import OptionError
from geolabel.progress import log
from geolabel.steps.exploring.answers import answers_of
from geolabel.steps.exploring.choices import Grouping, check_labels, check_numbers, choices_of
from geolabel.steps.exploring.classes import labels_of
from geolabel.steps.exploring.features import Wanted
from geolabel.steps.exploring.findings import REMEDY
from geolabel.steps.exploring.found import find
from geolabel.steps.exploring.looking import look
from geolabel.steps.exploring.page import PAGE_BYTES, page_of, plot_of, with_pictures
from geolabel.steps.exploring.plan import ExplorePlan, estimate
from geolabel.steps.exploring.separations import SeparationRow, rows_of
from geolabel.steps.exploring.table import write_table
from geolabel.steps.exploring.tiles import explored_tiles, places_of
from geolabel.steps.making import makes
from geolabel.views.explore_page import document
from geolabel.views.scatter import scatter_plot, thumbnail_plot

if TYPE_CHECKING:
    from collections.abc import Sequence

CLUSTERS, MOST, LABEL_SHARE = 8, 50_000, 0.5


@dataclass(frozen=True, slots=True)
class ExploreReport:
    """What was found in a set of tiles."""

    output: Path
    """The page."""
    tiles: int
    """Looked at."""
    left_out: int
    """Tiles of the index beyond the sample."""
    features: str
    """What tiles are compared by."""
    projections: tuple[str, ...]
    clusters: int
    outliers: int
    """Tiles that lie apart from all others."""
    near_duplicates: int
    """Tiles whose picture is, nearly, that of another."""
    leaks: int
    """Tiles whose picture, or ground, lies in another part of the split as well."""
    artefacts: dict[str, int]
    """Tiles by what is wrong with them."""
    separation: tuple[SeparationRow, ...]
    """How well classes part; () without labels of two."""
    beside: tuple[Path, ...]
    """Pictures for papers, and the table."""
    seconds: float


@makes("explore", "tiles", "model", "weights")
def explore(
    tiles: Path,
    *,
    output: Path = Path("explore.html"),
    model: str | Path | None = None,
    trunk: str | None = None,
    weights: str | None = None,
    method: Sequence[str] = ("umap",),
    dims: Sequence[int | str] = (2,),
    clusters: Grouping = "kmeans",
    k: int = CLUSTERS,
    most: int = MOST,
    label_share: float = LABEL_SHARE,
    cache: Path | None = None,
    device: str = "auto",
    seed: int = 0,
    overwrite: bool = False,
    dry_run: bool = False,
) -> ExploreReport | ExplorePlan:
    """Show the tiles of an index, or of an embeddings file, by what they look like, on a page that needs nothing else.

    Tiles are compared by the vectors of a `model` (a classifier's features), by those of a pretrained `trunk`, by those
    in the file, or else by colour and texture. Of more than `most` tiles an even sample is looked at. A tile's label is
    the class of its largest share, where that is at least `label_share`. Beside the page, `<output>.png` shows the
    first flat projection as pictures, `.svg` as points by class, and `.csv` tells of each tile what was found. With
    `dry_run` some tiles are tried, and it is only told what all would take. Raises InputError, TileIndexError,
    BandError, ModelError, ContractError, OptionError, InstallError, EmptyError, OutputError.
    """
    began = time.perf_counter()
    choices = choices_of(method, dims, clusters, k, seed)
    check_numbers(most, label_share)
    wanted = Wanted(str(model) if model else None, trunk, weights, device, seed)
    picture, plot, table = beside = _beside(output)
    for target in () if dry_run else (output, *beside):
        files.check_new(target, overwrite=overwrite, inputs=(tiles, *wanted.files))
    explored = explored_tiles(tiles, most, seed)
    index = explored.index
    labels, places = labels_of(index, label_share), places_of(index)
    check_labels(choices, labels, tiles)
    if dry_run:
        return estimate(output, explored, wanted, choices, label_share)
    looked = look(explored, wanted, cache)
    answers = None
    if looked.card is not None and looked.probabilities is not None:
        answers = answers_of(looked.card, index, looked.probabilities)
    found = find(index, looked, labels, choices)
    beside = beside if looked.seen else (plot, table)
    report = ExploreReport(
        output=output,
        tiles=len(explored),
        left_out=explored.total - len(explored),
        features=looked.told,
        projections=tuple(f"{one.method} {one.dims}-D" for one in found.projections),
        clusters=int(found.members.max(initial=-1)) + 1,
        outliers=int(found.outlying.sum()),
        near_duplicates=int((found.copies.first >= 0).sum()),
        leaks=int(found.copies.leaking.sum()),
        artefacts={name: int(there.sum()) for name, there in found.artefacts.items()},
        separation=rows_of(found.separation),
        beside=beside,
        seconds=round(time.perf_counter() - began, 1),
    )
    if report.leaks:
        log.warning("%s: %d tiles show what another part of the split shows as well; %s", tiles, report.leaks, REMEDY)
    shown = plot_of(labels, found)
    with ExitStack() as stack:
        drafts = {path: stack.enter_context(files.new_file(path, overwrite=overwrite)) for path in (output, *beside)}
        page = page_of(report, explored, labels, places, looked, answers, found)
        text = document(with_pictures(page, looked.seen.pictures) if looked.seen else page)
        drafts[output].write_text(text, encoding="utf-8")
        drafts[plot].write_text(scatter_plot(shown), encoding="utf-8")
        write_table(drafts[table], index, places, labels, found)
        if looked.seen:
            drafts[picture].write_bytes(thumbnail_plot(shown, looked.seen.pictures))
    if not looked.seen:
        picture.unlink(missing_ok=True)  # of an earlier page in this place: it would pass for this one's
    if (size := output.stat().st_size) > PAGE_BYTES:
        log.warning("%s: has %.0f MB, and browsers open it slowly; lower --most", output, size / 1e6)
    return report


def _beside(output: Path) -> tuple[Path, ...]:
    """The picture, the plot and the table beside a page. Raises OptionError where it has no name of its own."""
    if not output.name or output.is_dir():
        raise OptionError(f"{output}: is a folder; name the page, which is a file, with -o")
    beside = tuple(output.with_suffix(ending) for ending in (".png", ".svg", ".csv"))
    if output in beside:
        raise OptionError(f"{output}: is a page; give it a name that ends with .html")
    return beside
