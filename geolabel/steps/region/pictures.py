"""A prediction for people: the page, and the project that opens it over the images it was made of."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geolabel import raster
from geolabel.change.dates import date_in
from geolabel.errors import GeolabelError
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
        image = found or raster.describe(draft / "probabilities.tif").choose(job.card.classes[:1])
        name = Path(job.inputs["raster"]["path"]).name if found else "probabilities.tif"
        shown = Dated(name, date_in(name), image)
        with tempfile.TemporaryDirectory(prefix="geolabel.") as chips:
            if found:
                surest = np.argsort(-layer.columns["probability"], kind="stable")[:_PICTURED]
                ids = [str(row + 1) for row in surest.tolist()]
                rows = replace(layer, geometries=layer.geometries[surest], columns={})
                write_chips(Path(chips), rows, ids, [""] * len(ids), [name] * len(ids), images={name: image})
            write_map_page(
                draft / "report.html",
                title=title,
                layer=layer,
                images=[shown],
                chips=Path(chips),
                attribution=layer.attribution,
            )
        stays = found is not None and len(job.rasters) == 1 and str(found.path.resolve()) == job.rasters[0]
        write_prediction_project(
            draft,
            home,
            title=title,
            grid=job.grid,
            classes=classes,
            shown=shown_styles(scheme.classes, undecided=bool(Decision.of(job.card, job.options["threshold"]).bands)),
            images=[shown] if stays else [],
            attribution=job.card.attribution,
        )


@contextmanager
def _image(job: Job) -> Iterator[RasterInfo | None]:
    """The image that was predicted, if it is still where it was."""
    with tempfile.TemporaryDirectory(prefix="geolabel.") as folder:
        try:
            names = [name for name in job.rasters if Path(name).exists()]
            bands = tuple(job.options.get("bands", ()))
            complete = bool(names) and len(names) == len(job.rasters)
            found = raster.describe(raster.gather(names, Path(folder), bands=bands), bands) if complete else None
        except GeolabelError as error:  # moved or changed meanwhile: the maps do not need it
            log.info("no picture of the region: %s", error)
            found = None
        yield found
