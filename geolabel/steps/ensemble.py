"""`geolabel ensemble`: several models become one, combined by tiles that none of them was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from geolabel import files
from geolabel.errors import ContractError, EmptyError, OptionError, TileIndexError
from geolabel.learn.chips import Chips, load_chips
from geolabel.learn.device import choose_device
from geolabel.learn.ensemble import (
    EnsemblePredictor,
    ensemble_settings,
    fit_combination,
    out_of_fold,
)
from geolabel.learn.heads import targets
from geolabel.learn.predictor import predict_chips
from geolabel.learn.recipe import Recipe
from geolabel.learn.store import load_predictor, save_predictor
from geolabel.model import exclusive, for_source
from geolabel.progress import log
from geolabel.scoring.multilabel import Scores, score
from geolabel.steps.decide import decide
from geolabel.steps.making import makes
from geolabel.steps.member_contract import joint_card
from geolabel.steps.places import places
from geolabel.steps.task import whole_tiles
from geolabel.steps.tile_contract import check_tiles
from geolabel.tiling.index import TileIndex, read_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.model import ModelCard

Combine = Literal["mean", "best", "ridge", "chain"]


@dataclass(frozen=True, slots=True)
class Member:
    """How well a model does alone on the same tiles; it may have chosen its epoch by them, and so flatter."""

    model: Path
    classes: int
    average_precision: float
    """Mean over the classes it knows."""
    auc: float


@dataclass(frozen=True, slots=True)
class EnsembleReport:
    """What combining made."""

    model: Path
    combine: Combine
    val_tiles: int
    members: tuple[Member, ...]
    scores: Scores
    """On the validation tiles, each combined by what was fitted on others; thresholds chosen on them."""


@makes("ensemble", "models", "tiles")
def ensemble(
    models: Sequence[Path],
    *,
    tiles: Path,
    combine: Combine = "mean",
    output: Path = Path("ensemble.safetensors"),
    aim: str = "f1",
    calibrate: Literal["none", "temperature", "isotonic"] = "none",
    abstain: float = 0.0,
    device: str = "auto",
    seed: int = 0,
    overwrite: bool = False,
) -> EnsembleReport:
    """Combine models, fitted on the val tiles of an index, into one file that predict and evaluate take.

    Models may know other classes each; one alone with ridge or chain learns which classes go together. Raises
    ModelError, ContractError (models or tiles that do not fit each other), TileIndexError, EmptyError, OptionError.
    """
    decisions = Recipe(aim=aim, calibrate=calibrate, abstain=abstain, seed=seed)
    if len(set(models)) < len(models):
        raise OptionError("a model is given twice; name each once")
    if len(models) < 2 and combine in ("mean", "best"):  # noqa: PLR2004 - one with another
        raise OptionError(f"--combine {combine} needs two models at least; one alone gains by ridge or chain")
    files.check_new(output, overwrite=overwrite, inputs=(tiles, *models))
    members = {path: load_predictor(path, choose_device(device)) for path in models}
    card = joint_card({path: member.card for path, member in members.items()})
    index = read_index(tiles)
    for path, member in members.items():
        check_tiles(index, tiles, member.card, path)
        _check_split(index, tiles, member.card, path)
    rows, truth = _val(index, tiles, card)
    with files.scratch(output.parent) as scratch:
        chips = load_chips(index, rows, tiles.parent, scratch)
        found = _answers(card, tuple(members.values()), chips, index)
    groups, seen = places(index, rows), exclusive(card.heads)
    combination = fit_combination(combine, found, truth, seen, groups, seed)
    held = out_of_fold(combine, found, truth, seen, groups, seed)
    whole = replace(
        card,
        settings={**card.settings, **ensemble_settings(tuple(members.values()), combine)},
        trained_on={
            **card.trained_on,
            "split": index.split,
            "options": {"combine": combine, "aim": aim, "calibrate": calibrate, "abstain": abstain, "seed": seed},
            "versions": files.versions(),
        },
    )
    done, scores = decide(EnsemblePredictor(whole, tuple(members.values()), combination), truth, held, decisions)
    save_predictor(output, done)
    alone = (_alone(path, card, answers, truth) for path, answers in zip(members, found, strict=True))
    return EnsembleReport(output, combine, len(rows), tuple(alone), scores)


def _check_split(index: TileIndex, tiles: Path, card: ModelCard, model: Path) -> None:
    """Warn where val of the index need not be val of a member: what it has learned by heart, it seems to know."""
    same = {source.fingerprint for source in index.sources} & {
        source.get("fingerprint") for source in card.trained_on.get("sources", [])
    }
    if same and card.trained_on.get("split") != files.to_json(index.split):
        log.warning(
            "%s: was split otherwise when %s was trained, which may know its val tiles; it will be trusted too much",
            tiles,
            model,
        )


def _val(index: TileIndex, tiles: Path, card: ModelCard) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows (n,) of the val tiles, and what is known of them (n, classes)."""
    if index.split is None:
        raise TileIndexError(f"{tiles}: is not split into train, val and test; run geolabel split first")
    lacking = [name for name in card.classes if name not in index.class_names]
    if lacking:
        raise ContractError(f"{tiles}: has no labels for {', '.join(lacking)}, which the models tell; label it so")
    shares = index.shares[:, [index.class_names.index(name) for name in card.classes]]
    truth = targets(shares, card.heads, card.presence)
    useful = (index.column("split").astype(str) == "val") & np.isfinite(truth).any(axis=1) & whole_tiles(index)
    rows = np.flatnonzero(useful)
    if not len(rows):
        raise EmptyError(f"{tiles}: no labelled tile in val; split anew with geolabel split --val")
    return rows, truth[rows]


def _answers(card: ModelCard, members: Sequence[Predictor], chips: Chips, index: TileIndex) -> NDArray[np.float32]:
    """What each member says (members, n, classes), NaN of classes that it does not know."""
    found = np.full((len(members), len(chips), len(card.classes)), np.nan, np.float32)
    source = index.sources[0]
    for at, member in enumerate(members):
        ready = member.with_card(for_source(member.card, source.dtype, source.scale, source.offset))
        columns = [card.classes.index(name) for name in member.card.classes]
        found[at][:, columns] = predict_chips(ready, chips, np.arange(len(chips)))
    return found


def _alone(path: Path, card: ModelCard, answers: NDArray[np.float32], truth: NDArray[np.float32]) -> Member:
    known = np.flatnonzero(np.isfinite(answers).all(axis=0))
    names = [card.classes[at] for at in known]
    scores = score(truth[:, known], answers[:, known], names, [0.5] * len(names))
    return Member(path, len(names), scores.macro_average_precision, scores.macro_auc)
