"""What images say of a class: its levels at each date, by a model, by predictions, or by the forest's own colour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files, raster
from geolabel.changes.calibration import calm, line_between
from geolabel.changes.series import plain_table
from geolabel.errors import ContractError, InputError, OptionError, listed
from geolabel.model import read_card
from geolabel.progress import log
from geolabel.scoring.calibration_maps import inside
from geolabel.steps.changes.forest import forest_levels
from geolabel.steps.changes.strips import box_of, sample_together
from geolabel.steps.manifest import read_manifest
from geolabel.steps.models import fitting_model
from geolabel.steps.predict import predict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.grid import Grid, Window
    from geolabel.model import ModelCard
    from geolabel.raster import RasterInfo
    from geolabel.steps.changes.choices import Choices

FOREST = "forest"
SPECTRAL = "the forest's own colour"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a class at each date, all on one grid."""

    levels: tuple[RasterInfo, ...]
    """Levels 0–250 of the class, 255 unseen: one raster a date, or one an interval between dates where `paired`."""
    tables: tuple[NDArray[np.float32], ...]
    """Log-odds of each level (256,), calibrated: one a raster."""
    grid: Grid
    others: RasterInfo | None
    """Probabilities of the classes that the model tells at the last date: what stands there now."""
    maker: str
    """What made the levels, for people."""
    model_sha: str
    """Fingerprint of the model; "" where there is none."""
    attribution: tuple[str, ...]
    title: str
    color: str
    """#rrggbb, of the class."""
    paired: bool = False


def by_color(images: Sequence[RasterInfo], grid: Grid, choices: Choices, folder: Path) -> Evidence:
    """Forest, without a model; where a built-in one fits the last image, it tells what stands there now.

    Raises EmptyError (no forest to be found).
    """
    levels = forest_levels(images, grid, folder)
    model = fitting_model(images[-1])
    others = None if model is None else _now(images[-1], model, choices, folder)
    sources = () if model is None else read_card(model).attribution
    table = plain_table()
    return Evidence(levels, (table,) * len(levels), grid, others, SPECTRAL, "", sources, "Forest", "#1f6b3a")


def _now(image: RasterInfo, model: Path, choices: Choices, folder: Path) -> RasterInfo:
    """Probabilities of a model's classes on an image."""
    return predicted(image, model, folder / "now.geolabel", choices)


def predicted(image: RasterInfo, model: Path, target: Path, choices: Choices) -> RasterInfo:
    """Probabilities of a model's classes on an image, in the folder `target`; those of an earlier run are taken."""
    if not (target / files.RECORD).is_file():
        predict(image.path, model=model, output=target, bands=image.band_names, aoi=choices.aoi, device=choices.device)
    return raster.describe(target / "probabilities.tif")


def by_model(images: Sequence[RasterInfo], model: Path, choices: Choices, folder: Path) -> Evidence:
    """A class by a model, which is applied to each image.

    Raises ContractError (the model does not tell the class, or breaks with the rasters) and what predict raises.
    """
    card = read_card(model)
    check_class(card.classes, choices.class_name, model)
    infos = [
        predicted(info, model, folder / f"{number}.geolabel", choices) for number, info in enumerate(images, start=1)
    ]
    return _of_predictions(infos, images, card, model, choices)


def by_predictions(folders: Sequence[Path], class_name: str) -> Evidence:
    """A class by predictions that exist, one a date. Raises InputError, ContractError (it is not among the classes)."""
    infos = [raster.describe(folder / "probabilities.tif") for folder in folders]
    for folder, info in zip(folders, infos, strict=True):
        check_class(info.band_names, class_name, folder)
    record = read_manifest(folders[-1])
    title, color = _look(folders[-1], class_name)
    return Evidence(
        levels=tuple(info.choose([class_name]) for info in infos),
        tables=tuple(_own_table(folder, class_name) for folder in folders),
        grid=infos[0].place,
        others=infos[-1],
        maker="predictions given",
        model_sha=_fingerprint(record),
        attribution=tuple(record.get("attribution") or ()),
        title=title,
        color=color,
    )


def _fingerprint(record: Mapping[str, Any]) -> str:
    """Of the model that a record names; "" where it names none."""
    model = (record.get("inputs") or {}).get("model")
    return str(model.get("fingerprint") or "") if isinstance(model, dict) else ""


def _own_table(folder: Path, class_name: str) -> NDArray[np.float32]:
    """Log-odds with even chances at the threshold by which a prediction was decided."""
    decision = read_manifest(folder).get("decision") or {}
    return even_table(float((decision.get("thresholds") or {}).get(class_name, 0.5)))


def _look(folder: Path, class_name: str) -> tuple[str, str]:
    """Title and colour of a class, as the detections of a prediction have them; plain ones where there are none."""
    from geolabel import vector

    layer = vector.read_layer(folder / "detections.gpkg", "detections")
    for name, title, color in zip(layer.columns["class"], layer.columns["title"], layer.columns["color"], strict=True):
        if name == class_name:
            return str(title), str(color)
    return class_name.replace("_", " ").capitalize(), "#b2182b"


def _of_predictions(
    infos: Sequence[RasterInfo], images: Sequence[RasterInfo], card: ModelCard, model: Path, choices: Choices
) -> Evidence:
    from geolabel.labels.scheme import Scheme

    class_name = choices.class_name
    levels = tuple(info.choose([class_name]) for info in infos)
    grid = infos[0].place
    entry = next(item for item in Scheme.from_json(card.scheme).classes if item.name == class_name)
    return Evidence(
        levels=levels,
        tables=calibrated(levels, images, grid, card.thresholds[class_name], box_of(choices.aoi, grid)),
        grid=grid,
        others=infos[-1],
        maker=str(model),
        model_sha=files.fingerprint(model),
        attribution=card.attribution,
        title=entry.title,
        color=entry.color,
    )


def calibrated(
    levels: Sequence[RasterInfo],
    images: Sequence[RasterInfo],
    grid: Grid,
    threshold: float,
    within: Window | None = None,
) -> tuple[NDArray[np.float32], ...]:
    """Tables of log-odds, one a date: even chances at the model's threshold, and all dates brought to the first.

    Images with different bands cannot tell which ground is calm: dates are left as they are.
    """
    tables = [even_table(threshold)]
    even = _even(threshold)
    if len({info.band_names for info in images}) > 1:
        return tuple(tables * len(levels))
    values, valid = sample_together([*images, *levels], grid, within)
    pictures, answers = values[: len(images)], values[len(images) :]
    known = valid[: len(images)] & valid[len(images) :]
    for number in range(1, len(levels)):
        both = known[0] & known[number]
        still = calm(pictures[0][:, both].astype(np.float32), pictures[number][:, both].astype(np.float32))
        first, other = (tables[0][answer[0, both].astype(np.uint8)][still] for answer in (answers[0], answers[number]))
        scale, offset = line_between(first, other)
        log.info(
            "%s: log-odds × %.2f + %.2f, to agree with the first date on calm ground",
            images[number].path,
            scale,
            offset,
        )
        tables.append(plain_table(scale, scale * even + offset))
    return tuple(tables)


def even_table(threshold: float) -> NDArray[np.float32]:
    """Log-odds of levels (256,) with even chances at a threshold."""
    return plain_table(1.0, _even(threshold))


def _even(threshold: float) -> float:
    chance = inside(np.asarray(threshold))
    return -float(np.log(chance / (1 - chance)))


def check_class(classes: Sequence[str], name: str, where: Path) -> None:
    """Raise ContractError where a model, or a prediction, does not tell a class."""
    if name not in classes:
        raise ContractError(f"{where}: tells {listed(classes)}, not {name}; choose one of these with --class")


def check_predictions(inputs: Sequence[str]) -> list[Path] | None:
    """The inputs as prediction folders; None where they are images. Raises OptionError where both kinds are given."""
    are = [Path(name).is_dir() and (Path(name) / "probabilities.tif").is_file() for name in inputs]
    if any(are) and not all(are):
        raise OptionError(
            f"{inputs[are.index(False)]}: is no prediction folder as others are; give images, or predictions"
        )
    if not any(are):
        return None
    folders = [Path(name) for name in inputs]
    first = raster.describe(folders[0] / "probabilities.tif")
    for folder in folders[1:]:
        info = raster.describe(folder / "probabilities.tif")
        if info.grid != first.grid:
            raise InputError(
                f"{folder}: lies on another grid than {folders[0]}; give the images instead, which are aligned"
            )
    return folders
