"""`geolabel inspect`: what is this file, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel import files
from geolabel.errors import InputError, OptionError
from geolabel.progress import log
from geolabel.steps.inspection.kinds import Thing, tell
from geolabel.steps.making import makes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from geolabel.steps.inspection.alerts import AlertsReport
    from geolabel.steps.inspection.folder import FolderReport
    from geolabel.steps.inspection.labels import LabelsReport
    from geolabel.steps.inspection.layers import LayersReport
    from geolabel.steps.inspection.model import ModelReport
    from geolabel.steps.inspection.prediction import PredictionReport
    from geolabel.steps.inspection.raster import RasterReport
    from geolabel.steps.inspection.run import EvaluationReport, TrainingReport
    from geolabel.steps.inspection.scheme import SchemeFileReport
    from geolabel.steps.inspection.sheet import Look
    from geolabel.steps.inspection.tiles_told import EmbeddingsReport, TilesReport

    FolderKind = PredictionReport | AlertsReport | TrainingReport | EvaluationReport | LabelsReport | FolderReport
    Report = FolderKind | RasterReport | TilesReport | EmbeddingsReport | ModelReport | LayersReport | SchemeFileReport

PICTURE_PX = 1024
"""Longer side of a picture that is written."""


@makes("inspect", "path")
def inspect(
    path: str | Path, *, bands: Sequence[str] = (), picture: Path | None = None, overwrite: bool = False
) -> Report:
    """Describe a file, folder, pattern, address, or a model that comes with geolabel; nothing is written beside it.

    What it is, is told by its content. `picture`: write a quick look there, as PNG. Raises InputError (missing, empty,
    truncated, of no known kind), OptionError (what has no picture, or no bands), OutputError, and what the reader of
    each kind raises.
    """
    name = str(path)
    thing = tell(name)
    if picture is not None:
        from geolabel.steps.inspection.parts import files_in

        files.check_new(picture, overwrite=overwrite, inputs=files_in(thing))
    if bands and thing.kind != "raster":
        raise OptionError(f"{name}: is no raster; --bands names the bands of one, leave it away")
    report = _described(thing, bands)
    if picture is not None:
        from geolabel.steps.inspection.looks import look_at
        from geolabel.steps.inspection.sheet import write_picture

        found = look_at(thing, PICTURE_PX, bands)
        if found is None:
            raise OptionError(f"{name}: {report.kind} has no picture; leave --picture away")
        write_picture(picture, found, overwrite=overwrite)
    return report


def look(path: str | Path, side_px: int, *, bands: Sequence[str] = ()) -> Look | None:
    """A quick look at a raster, a prediction or tiles, its longer side `side_px` px at the most; None for the rest.

    Raises InputError, as `inspect` does.
    """
    from geolabel.steps.inspection.looks import look_at

    return look_at(tell(str(path)), side_px, bands)


def _described(thing: Thing, bands: Sequence[str]) -> Report:
    if thing.kind == "raster":
        from geolabel.steps.inspection.raster import inspect_raster

        return inspect_raster(thing.name, bands)
    try:
        return _made_by_geolabel(thing)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        log.debug("%s", thing.name, exc_info=True)
        raise InputError(
            f"{thing.name}: what it says of itself is damaged ({error!r}); copy it again, or make it anew"
        ) from error


def _made_by_geolabel(thing: Thing) -> Report:
    """Each kind is imported where it is met: most of them need much that the others do not."""
    if thing.record is not None:
        return _folder(thing.path, thing.record)
    match thing.kind:
        case "model":
            from geolabel.steps.inspection.model import inspect_model

            return inspect_model(thing.name)
        case "tiles" | "embeddings":
            from geolabel.steps.inspection.tiles import inspect_embeddings, inspect_tiles

            return inspect_tiles(thing.path) if thing.kind == "tiles" else inspect_embeddings(thing.path)
        case "alerts":
            from geolabel.steps.inspection.alerts import inspect_alerts

            return inspect_alerts(thing.path)
        case "scheme":
            from geolabel.steps.inspection.scheme import inspect_scheme

            return inspect_scheme(thing.path)
        case _:
            from geolabel.steps.inspection.layers import inspect_layers

            return inspect_layers(thing.path)


def _folder(path: Path, record: dict[str, Any]) -> FolderKind:
    match record["command"]:
        case "predict":
            from geolabel.steps.inspection.prediction import inspect_prediction

            return inspect_prediction(path, record)
        case "change":
            from geolabel.steps.inspection.alerts import inspect_alerts

            return inspect_alerts(path, record)
        case "train" | "embed train":
            from geolabel.steps.inspection.run import inspect_training

            return inspect_training(path, record)
        case "evaluate":
            from geolabel.steps.inspection.run import inspect_evaluation

            return inspect_evaluation(path, record)
        case "label":
            from geolabel.steps.inspection.labels import inspect_labels

            return inspect_labels(path, record)
        case _:
            from geolabel.steps.inspection.folder import inspect_folder

            return inspect_folder(path, record)
