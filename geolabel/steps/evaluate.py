"""`geolabel evaluate`: score a model on a part of a tile index, and write a report of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import ContractError, EmptyError, TileIndexError
from geolabel.learn.chips import cached_chips, load_chips
from geolabel.learn.device import choose_device
from geolabel.learn.heads import targets
from geolabel.learn.predictor import Predictor, predict_chips
from geolabel.learn.store import load_predictor
from geolabel.model import ModelCard, for_source
from geolabel.progress import log
from geolabel.steps.evaluation import Evaluation, groups_of, measure, score_part, shares_of
from geolabel.steps.evaluation_page import FILES, LEAKED, charts_of, doubts_of, leaked, page_of, taught_here
from geolabel.steps.folds import FoldScores, plan_folds, run_folds
from geolabel.steps.making import makes
from geolabel.steps.record import write_record
from geolabel.steps.reporting.error_pictures import read_pictured, show_errors
from geolabel.steps.reporting.errors import Errors, find_errors, write_errors
from geolabel.steps.reporting.ground import ground_of
from geolabel.steps.task import whole_tiles
from geolabel.steps.tile_contract import check_tiles
from geolabel.tiling.index import TileIndex, read_index
from geolabel.tiling.split import SPLITS
from geolabel.views.charts import picture_file
from geolabel.views.evaluation_report import GapRow, PartRow, evaluation_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from geolabel.scoring.multilabel import Scores

FORMAT = 1
MOST_OTHERS = 2_000
"""Tiles of each part beside the one that is scored, drawn at random: they show the gap, they are not the score."""


@dataclass(frozen=True, slots=True)
class EvaluateReport:
    """How well a model does."""

    output: Path
    model: Path
    split: str
    tiles: int
    method: str
    """How the parts were drawn: blocks, column or random."""
    scores: Scores
    averages: dict[str, dict[str, float | None]]
    """macro, micro and samples: precision, recall, f1, f2, jaccard."""
    parts: tuple[PartRow, ...]
    """The part beside the others, as far as they are known."""
    errors: int
    """False alarms and misses, of all classes together; `errors.csv` lists them."""
    gap: tuple[GapRow, ...] = ()
    """With --folds: the mean of classes, then each class."""
    doubts: tuple[str, ...] = ()
    """What a reader of the numbers should know."""


@makes("evaluate", "model", "tiles")
def evaluate(
    model: Path,
    tiles: Path,
    *,
    split: str = "test",
    folds: int | None = None,
    device: str = "auto",
    cache: Path | None = None,
    output: Path = Path("evaluation"),
    overwrite: bool = False,
) -> EvaluateReport:
    """Score a model on the tiles of a part, at the thresholds it carries, and write a report into the folder `output`.

    With `folds`, its recipe is trained anew on as many spatial folds and as many random ones, to show what a score
    owes to places that were seen. Raises ModelError, TileIndexError (no such part, no labels), ContractError (other
    bands or classes), EmptyError, OptionError, OutputError, and InputError where labels and pictures do not go
    together.
    """
    files.check_new(output, overwrite=overwrite, folder="evaluate", inputs=(model, tiles))
    index = read_index(tiles)
    predictor = load_predictor(model, choose_device(device))
    card = predictor.card
    _check_fit(index, tiles, card, model)
    rows = {split: _rows(index, card, split, tiles)}
    plan = plan_folds(index, tiles, card, model, folds, device) if folds is not None else None
    rows |= _other_rows(index, card, split)
    found = _predict(index, tiles, predictor, rows, cache, output.parent)
    measured = measure(card, index, rows[split], found[split], f"{tiles}, {split}")
    parts = _parts(card, index, split, rows, found)
    errors = _errors(card, index, rows[split], found[split])
    folded = run_folds(plan, cache, output.parent) if plan else None
    assert index.split is not None
    report = EvaluateReport(
        output=output,
        model=model,
        split=split,
        tiles=len(rows[split]),
        method=str(index.split["method"]),
        scores=measured.scores,
        averages=_averages(measured.scores),
        parts=parts,
        errors=errors.count,
        gap=folded.gap if folded else (),
        doubts=tuple(doubts_of(split, index, card, measured)),
    )
    if leaked(card, index):
        log.warning("%s: %s", tiles, LEAKED)
    _write(report, tiles, measured, errors, folded, overwrite=overwrite)
    return report


def _check_fit(index: TileIndex, tiles: Path, card: ModelCard, model: Path) -> None:
    if index.split is None:
        raise TileIndexError(f"{tiles}: is not split; run geolabel split first")
    lacking = [name for name in card.classes if name not in index.class_names]
    if lacking:
        raise ContractError(f"{tiles}: has no labels for {', '.join(lacking)}, which {model} predicts; label it so")
    check_tiles(index, tiles, card, model)


def _labelled(index: TileIndex, card: ModelCard, split: str) -> NDArray[np.int64]:
    known = np.isfinite(shares_of(card, index)).any(axis=1)
    return np.flatnonzero((index.column("split").astype(str) == split) & known & whole_tiles(index))


def _rows(index: TileIndex, card: ModelCard, split: str, tiles: Path) -> NDArray[np.int64]:
    rows = _labelled(index, card, split)
    if not len(rows):
        raise EmptyError(
            f"{tiles}: no labelled tile in {split!r}; there are {', '.join(sorted(set(index.column('split'))))}"
        )
    return rows


def _other_rows(index: TileIndex, card: ModelCard, split: str) -> dict[str, NDArray[np.int64]]:
    """Tiles of the other parts, where they are those that the model was trained on."""
    if not taught_here(card, index):
        return {}
    found = {}
    for part in SPLITS:
        rows = _labelled(index, card, part)
        if part != split and len(rows):
            few = min(len(rows), MOST_OTHERS)
            found[part] = np.sort(np.random.default_rng(0).choice(rows, few, replace=False))
    return found


def _predict(
    index: TileIndex,
    tiles: Path,
    predictor: Predictor,
    rows: Mapping[str, NDArray[np.int64]],
    cache: Path | None,
    scratch_in: Path,
) -> dict[str, NDArray[np.float32]]:
    """Probabilities (n, classes) by part."""
    source = index.sources[0]
    ready = predictor.with_card(for_source(predictor.card, source.dtype, source.scale, source.offset))
    every = np.concatenate(list(rows.values()))
    with files.scratch(scratch_in) as scratch:
        chips = (
            cached_chips(index, every, tiles.parent, cache)
            if cache
            else load_chips(index, every, tiles.parent, scratch)
        )
        found = predict_chips(ready, chips, np.arange(len(every)))
    ends = np.cumsum([len(part) for part in rows.values()])[:-1]
    return dict(zip(rows, np.split(found, ends), strict=True))


def _parts(
    card: ModelCard,
    index: TileIndex,
    split: str,
    rows: Mapping[str, NDArray[np.int64]],
    found: Mapping[str, NDArray[np.float32]],
) -> tuple[PartRow, ...]:
    """Scores by part, training first; of validation those that the model recorded, where its tiles are not here."""
    shares = shares_of(card, index)
    parts = {}
    for name, probabilities in found.items():
        truth = targets(shares[rows[name]], card.heads, card.presence)
        scores, _ = score_part(card, truth, probabilities)
        parts[name] = PartRow(name, len(truth), scores.macro_average_precision, scores.macro_auc, scores.macro_f1)
    kept = card.scores.get("val")
    if kept and "val" not in parts:
        tiles = max((int(one["tiles"]) for one in kept["classes"]), default=0)
        means = (kept.get(f"macro_{name}") for name in ("average_precision", "auc", "f1"))
        parts["val"] = PartRow(
            "val, in training", tiles, *(float("nan") if one is None else float(one) for one in means)
        )
    order = (*SPLITS, split)
    return tuple(parts[name] for name in sorted(parts, key=order.index))


def _errors(card: ModelCard, index: TileIndex, rows: NDArray[np.int64], found: NDArray[np.float32]) -> Errors:
    shares = shares_of(card, index)[rows]
    truth = targets(shares, card.heads, card.presence)
    return find_errors(card, index, rows, shares, truth, found, groups_of(index, rows)[0])


def _averages(scores: Scores) -> dict[str, dict[str, float | None]]:
    macro: dict[str, float | None] = asdict(scores.macro)
    micro: dict[str, float | None] = asdict(scores.micro)
    samples = asdict(scores.samples)
    return {"macro": macro, "micro": micro, "samples": {name: samples.get(name) for name in macro}}


def _write(
    report: EvaluateReport,
    tiles: Path,
    measured: Evaluation,
    errors: Errors,
    folded: FoldScores | None,
    *,
    overwrite: bool,
) -> None:
    index, card = errors.index, errors.card
    metrics: dict[str, Any] = {
        "format": FORMAT,
        **files.to_json(report),
        "tiles_index": tiles,
        **{name: value for name, value in asdict(measured).items() if name != "scores"},
        "confusions": errors.confusions,
        "ground": ground_of(index, errors.rows, card.classes, errors.truth),
        "folds": folded,
    }
    charts = charts_of(card, measured, report.model)
    pictures = show_errors(errors, read_pictured(errors, tiles.parent), report.split)
    with files.new_directory(report.output, "evaluate", overwrite=overwrite) as draft:
        files.write_json(draft / "metrics.json", metrics)
        write_errors(draft / "errors.csv", errors)
        for name, chart in charts.items():
            (draft / f"{name}.svg").write_text(picture_file(chart), encoding="utf-8")
        made = {path.name for path in draft.iterdir()}
        shown = tuple((name, what) for name, what in FILES.items() if name in made)
        page = page_of(report, tiles, index, card, measured, folded, charts, pictures, shown)
        (draft / "report.html").write_text(evaluation_page(page), encoding="utf-8")
        record = {
            "format": FORMAT,
            "command": "evaluate",
            "inputs": {
                "model": report.model,
                "model_fingerprint": files.fingerprint(report.model),
                "tiles": tiles,
                "tiles_fingerprint": files.fingerprint(tiles),
            },
            "options": {"split": report.split, "folds": folded.folds if folded else None},
            "counts": {part.name: part.tiles for part in report.parts},
            "versions": files.versions(),
        }
        write_record(draft, record)
