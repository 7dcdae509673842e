"""A prediction for people: the page, and the project that opens it over the images it was made of."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geolabel import files, raster
from geolabel.changes.dates import date_in
from geolabel.errors import GeolabelError, InputError
from geolabel.inference import Decision
from geolabel.labels.scheme import Scheme
from geolabel.progress import log
from geolabel.steps.chips import write_chips
from geolabel.steps.map_page import write_map_page
from geolabel.steps.prediction import class_styles, shown_styles
from geolabel.steps.project import write_prediction_project
from geolabel.steps.quicklook import Dated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geolabel.raster import RasterInfo
    from geolabel.steps.region.job import Job
    from geolabel.vector import Layer

_PICTURED = 300
"""Detections with a picture on the page, the surest first."""


def at_hand(names: Sequence[str]) -> tuple[str, ...]:
    """Inputs as absolute paths, where all of them lie on this machine; else ()."""
    found = tuple(str(Path(name).resolve()) for name in names)
    return found if all(Path(name).exists() for name in names) else ()


def write_pictures(draft: Path, home: Path, job: Job, layer: Layer) -> None:
    """Write `report.html` and `project.qgz` into a prediction's folder that will be `home`.

    Where the images are not at hand any more, the page shows the probabilities instead. Raises OutputError.
    """
    scheme = Scheme.from_json(job.card.scheme).subset(job.card.classes)
    classes = class_styles(scheme.classes)
    title = f"{', '.join(style.title for style in classes)} in {job.inputs['raster']['path']}"
    with _image(job) as found:
        try:
            _write_page(draft, job, layer, title, found)
        except InputError as error:  # an image that cannot be read takes no map with it
            log.warning("no picture of the region: %s", error)
            (draft / "report.html").unlink(missing_ok=True)
            _write_page(draft, job, layer, title, None)
        stays = found is not None and len(job.rasters) == 1 and str(found.path.resolve()) == job.rasters[0]
        write_prediction_project(
            draft,
            home,
            title=title,
            grid=job.grid,
            classes=classes,
            shown=shown_styles(scheme.classes, undecided=bool(Decision.of(job.card, job.options["threshold"]).bands)),
            images=[_shown(job, found)] if found is not None and stays else [],
            attribution=job.card.attribution,
        )


def _write_page(draft: Path, job: Job, layer: Layer, title: str, found: RasterInfo | None) -> None:
    """The page over the image, or over the first class's probabilities where there is none."""
    shown = _shown(job, found) if found else Dated("Probability", None, raster.describe(draft / "probabilities.tif"))
    with files.scratch() as chips:
        if found:
            surest = np.argsort(-layer.columns["probability"], kind="stable")[:_PICTURED]
            ids = [str(row + 1) for row in surest.tolist()]
            rows = replace(layer, geometries=layer.geometries[surest], columns={})
            names = [shown.title] * len(ids)
            write_chips(chips, rows, ids, [""] * len(ids), names, images={shown.title: found})
        else:
            shown = replace(shown, info=shown.info.choose(job.card.classes[:1]))
        write_map_page(
            draft / "report.html",
            title=title,
            layer=layer,
            images=[shown],
            chips=chips,
            attribution=layer.attribution,
        )


def _shown(job: Job, found: RasterInfo) -> Dated:
    name = Path(job.inputs["raster"]["path"]).name
    return Dated(name, date_in(name), found)


@contextmanager
def _image(job: Job) -> Iterator[RasterInfo | None]:
    """The image that was predicted, if it is still where it was."""
    with files.scratch() as folder:
        try:
            names = [name for name in job.rasters if Path(name).exists()]
            bands = tuple(job.options.get("bands", ()))
            complete = bool(names) and len(names) == len(job.rasters)
            found = raster.describe(raster.gather(names, folder, bands=bands), bands) if complete else None
        except GeolabelError as error:  # moved or changed meanwhile: the maps do not need it
            log.info("no picture of the region: %s", error)
            found = None
        yield found
