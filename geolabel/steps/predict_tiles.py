"""Labels for tiles that have none: a tile index through a model, into columns beside the tiles, or a table of tags."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from geolabel import files
from geolabel.errors import EmptyError, OptionError, TileIndexError
from geolabel.inference.decision import Decision, quantise
from geolabel.learn.chips import load_chips
from geolabel.learn.device import choose_device
from geolabel.learn.predictor import predict_chips
from geolabel.learn.store import load_predictor
from geolabel.model import for_source
from geolabel.progress import log, track
from geolabel.steps.making import makes
from geolabel.steps.tile_contract import check_tiles
from geolabel.tiling.index import TileIndex, read_index, write_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor

PROBABILITY, PREDICTED = "probability.", "predicted."
_AT_ONCE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class PredictedClass:
    """How often a class was found."""

    name: str
    detected: int
    undecided: int
    mean_probability: float


@dataclass(frozen=True, slots=True)
class PredictTilesReport:
    """What predicting tiles made."""

    output: Path
    tiles: int
    unlabelled: int
    """Of these, tiles of which no label is known."""
    classes: tuple[PredictedClass, ...]


@makes("predict", "tiles", "model")
def predict_tiles(
    tiles: Path,
    *,
    model: Path,
    output: Path | None = None,
    threshold: float | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> PredictTilesReport:
    """Predict every tile of an index into another index (default: `<tiles>.predicted.parquet`), or a CSV.

    The index has two columns a class more: `probability.<class>`, and `predicted.<class>`, null where the model does
    not decide. The CSV is in Kaggle's form, `image_name,tags`, then a probability a class; blanks in the names of
    classes become `_`. Raises InputError, ModelError, ContractError, OptionError, EmptyError, OutputError.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise OptionError(f"--threshold must lie between 0 and 1, got {threshold:g}")
    target = output or Path(f"{tiles.stem}.predicted.parquet")
    if target.suffix.lower() not in (".parquet", ".csv"):
        raise OptionError(f"{target}: tiles become an index or a table; write it to a .parquet or a .csv")
    files.check_new(target, overwrite=overwrite, inputs=(tiles, model))
    index = read_index(tiles)
    if not len(index):
        raise EmptyError(f"{tiles}: has no tiles; tile again, with a lower --min-valid")
    predictor = load_predictor(model, choose_device(device))
    card = predictor.card
    check_tiles(index, tiles, card, model)
    probabilities = _predict(predictor, index, tiles.parent)
    decision = Decision.of(card, threshold)
    levels = quantise(probabilities).T
    detected, undecided = decision.detected(levels).T, decision.undecided(levels).T
    if target.suffix.lower() == ".csv":
        _write_csv(target, index, card.classes, probabilities, detected, overwrite=overwrite)
    else:
        done = _with_answers(index, card.classes, probabilities, detected, undecided)
        told = {"model": model.name, "fingerprint": files.fingerprint(model), "attribution": list(card.attribution)}
        done = done.with_columns(
            {}, labelling={**index.labelling, "predicted": told}, history=(*index.history, "predict")
        )
        write_index(target, done.moved(tiles, target), overwrite=overwrite)
    known = np.isfinite(index.shares).any(axis=1)
    rows = zip(card.classes, detected.T, undecided.T, probabilities.T, strict=True)
    return PredictTilesReport(
        target,
        len(index),
        int((~known).sum()),
        tuple(
            PredictedClass(name, int(found.sum()), int(open_.sum()), float(likely.mean()))
            for name, found, open_, likely in rows
        ),
    )


def _predict(predictor: Predictor, index: TileIndex, base: Path) -> NDArray[np.float32]:
    """Probabilities (tiles, classes), some tiles at a time; each source is read by its own scale."""
    found = np.empty((len(index), len(predictor.card.classes)), np.float32)
    for rows, scale, offset in parts(index, "predicting tiles"):
        with files.scratch() as scratch:
            chips = load_chips(index, rows, base, scratch)
            ready = predictor.with_card(for_source(predictor.card, index.sources[0].dtype, scale, offset))
            found[rows] = predict_chips(ready, chips, np.arange(len(rows)))
    return found


def parts(index: TileIndex, what: str) -> Iterator[tuple[NDArray[np.int64], tuple[float, ...], tuple[float, ...]]]:
    """Rows that are in memory together, all of one scale, with that scale and offset; `what` is done to them."""
    paths, numbers = np.unique(index.column("source").astype(str), return_inverse=True)
    scales = [(found.scale, found.offset) for found in (index.source_of(str(path)) for path in paths)]
    different = list(dict.fromkeys(scales))
    kind = np.array([different.index(one) for one in scales])[numbers]
    width, height = index.size_px
    first = index.sources[0]
    step = max(1, _AT_ONCE_BYTES // (width * height * len(first.bands) * np.dtype(first.dtype).itemsize))
    found = [
        (rows[start : start + step], *scale)
        for number, scale in enumerate(different)
        for rows in [np.flatnonzero(kind == number)]
        for start in range(0, len(rows), step)
    ]
    yield from track(found, what=what, unit="parts")


def _with_answers(
    index: TileIndex,
    names: tuple[str, ...],
    probabilities: NDArray[np.float32],
    detected: NDArray[np.bool_],
    undecided: NDArray[np.bool_],
) -> TileIndex:
    earlier = [name for name in index.table.column_names if name.startswith((PROBABILITY, PREDICTED))]
    columns: dict[str, pa.Array] = {}
    for at, name in enumerate(names):
        columns[PROBABILITY + name] = pa.array(np.ascontiguousarray(probabilities[:, at]))
        columns[PREDICTED + name] = pa.array(
            np.ascontiguousarray(detected[:, at]), mask=np.ascontiguousarray(undecided[:, at])
        )
    return index.without(earlier).with_columns(columns)


def _write_csv(
    path: Path,
    index: TileIndex,
    names: tuple[str, ...],
    probabilities: NDArray[np.float32],
    detected: NDArray[np.bool_],
    *,
    overwrite: bool,
) -> None:
    tags = ["_".join(name.split()) for name in names]
    if len(set(tags)) < len(tags):
        raise TileIndexError(
            f"{path}: blanks in tags become _, and then two classes are called alike; write a .parquet"
        )
    cells = np.char.mod("%.4f", probabilities)
    with (
        files.new_file(path, overwrite=overwrite) as draft,
        draft.open("w", newline="", encoding="utf-8") as stream,
    ):
        table = csv.writer(stream)
        table.writerow(["image_name", "tags", *(PROBABILITY + tag for tag in tags)])
        for name, found, row in zip(_image_names(index), detected, cells, strict=True):
            table.writerow([name, " ".join(tag for tag, there in zip(tags, found, strict=True) if there), *row])


def _image_names(index: TileIndex) -> list[str]:
    """Chips by their file, without ending and, where that is clear, without folder; tiles of rasters by their id."""
    paths = index.column("source").astype(str).tolist()
    if index.sources[0].kind != "chips":
        return [str(number) for number in index.column("tile").tolist()]
    stems = [Path(path).stem for path in paths]
    twice = {stem for stem, times in Counter(stems).items() if times > 1}
    if twice:
        log.info("%d names stand in several folders; they are written with their folders", len(twice))
    return [path if stem in twice else stem for path, stem in zip(paths, stems, strict=True)]
