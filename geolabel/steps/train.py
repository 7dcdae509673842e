"""`geolabel train`: a labelled, split tile index becomes `model.safetensors` in a run folder."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.errors import EmptyError, InterruptedRunError, OptionError, TileIndexError
from geolabel.inference import Decision, levels_of
from geolabel.labels.scheme import Scheme
from geolabel.learn import backbones, loop
from geolabel.learn.chips import Chips, load_chips
from geolabel.learn.forward import Classifier, choose_device, make_classifier, save_classifier
from geolabel.learn.heads import HeadChoice, choose_heads, targets
from geolabel.learn.history import HistoryWriter
from geolabel.learn.transforms import Normalise, band_contracts
from geolabel.model import BandContract, Head, ModelCard
from geolabel.progress import log
from geolabel.scoring.multilabel import Scores, score
from geolabel.scoring.thresholds import DEFAULT, best_f1
from geolabel.steps.model_card import describe_model
from geolabel.tiling.index import TileIndex, read_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHECKPOINT = "checkpoint.ckpt"
_SEED_BITS = 2**31
_PRESENCE = 0.1
"""Share from which a class counts as present where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What training made."""

    model: Path
    architecture: str
    parameters: int
    epochs: int
    best_epoch: int
    train_tiles: int
    val_tiles: int
    scores: Scores
    """On the validation tiles, at the thresholds chosen on them; `geolabel evaluate` tells of the test tiles."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a run was asked to do; kept in `run.json`, so that `--resume` needs no options."""

    model: str
    weights: str
    heads: HeadChoice
    presence: float | None
    epochs: int
    batch: int
    lr: float
    weight_decay: float
    patience: int
    augment: bool
    device: str
    seed: int

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "lr"):
            if getattr(self, name) <= 0:
                raise OptionError(f"--{name} must be more than 0, got {getattr(self, name):g}")
        if self.presence is not None and not 0 < self.presence <= 1:
            raise OptionError(f"--presence must lie above 0 and up to 1, got {self.presence:g}")
        if self.patience < 1 or self.weight_decay < 0 or not 0 <= self.seed < _SEED_BITS:
            raise OptionError("--patience must be at least 1, --weight-decay and --seed must not be negative")
        if self.heads not in ("auto", "sigmoid", "softmax"):
            raise OptionError(f"--heads {self.heads}: choose auto, sigmoid or softmax")

    @property
    def recipe(self) -> loop.Recipe:
        """The part that the loop needs."""
        return loop.Recipe(self.epochs, self.batch, self.lr, self.weight_decay, self.patience, self.augment, self.seed)


def train(
    tiles: Path,
    *,
    output: Path = Path("run"),
    model: str = backbones.OWN,
    weights: str = "none",
    heads: HeadChoice = "auto",
    presence: float | None = None,
    epochs: int = 30,
    batch: int = 64,
    lr: float = 1e-3,
    weight_decay: float = 0.05,
    patience: int = 8,
    augment: bool = True,
    device: str = "auto",
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[loop.Epoch], None] = lambda _: None,
) -> TrainReport:
    """Train a classifier into the folder `output`; with `resume`, go on there with the options it was begun with.

    Raises TileIndexError (not labelled, not split), EmptyError, OptionError, OutputError, and InterruptedRunError
    after Ctrl-C: a model of the best epoch so far stands there then. `presence`: for all classes; None: the cuts that
    `label` recorded in the index, and .1 for the others.
    """
    asked = TrainOptions(
        model, weights, heads, presence, epochs, batch, lr, weight_decay, patience, augment, device, seed
    )
    index = read_index(tiles)
    options = _kept_options(tiles, output) if resume else asked
    if not resume:
        files.check_new(output, overwrite=overwrite, folder="train", inputs=(tiles, *_weights_file(weights)))
    lesson_plan = _what_to_learn(index, tiles, options)
    chosen_device = choose_device(options.device)
    source, classes = index.sources[0], len(lesson_plan.scheme.names)
    network = backbones.start(options.model, len(source.bands), classes, options.weights, options.seed)
    with tempfile.TemporaryDirectory(prefix=".geolabel-chips-", dir=output.parent) as scratch:
        chips = load_chips(index, lesson_plan.rows, tiles.parent, Path(scratch))
        lesson = lesson_plan.lesson(chips)
        bands = band_contracts(chips, lesson.train, source.bands, source.scale, source.offset)
        run = loop.start(network, lesson, options.recipe, chosen_device)
        card = _card(index, lesson_plan, bands, options)
        with files.writing(output) if resume else files.work_directory(output, "train", overwrite=overwrite):
            if resume:
                loop.restore(run, output / CHECKPOINT)
            else:
                _write_record(tiles, output, options)
            _fit(run, lesson, options, bands, output, on_epoch)
            report = _finish(card, network, run, lesson, output, index)
    if run.interrupted:
        raise InterruptedRunError(_go_on(tiles, report))
    return report


def _fit(
    run: loop.Run,
    lesson: loop.Lesson,
    options: TrainOptions,
    bands: tuple[BandContract, ...],
    output: Path,
    on_epoch: Callable[[loop.Epoch], None],
) -> None:
    with HistoryWriter(output, run.history) as history:

        def told(row: loop.Epoch) -> None:
            history.add(row)
            on_epoch(row)

        loop.fit(run, lesson, options.recipe, Normalise(bands), checkpoint=output / CHECKPOINT, on_epoch=told)


def _weights_file(weights: str) -> tuple[Path, ...]:
    return () if weights in ("none", "default") else (Path(weights),)


def _kept_options(tiles: Path, output: Path) -> TrainOptions:
    """The options of a run that is to be resumed."""
    kept = files.read_json(output / files.RECORD, "the run.json of a run to resume")
    if not isinstance(kept, dict) or kept.get("tiles_fingerprint") != files.fingerprint(tiles):
        raise OptionError(f"{tiles}: is not the index that {output} was trained on; train anew with --overwrite")
    if not (output / CHECKPOINT).exists():
        raise OptionError(f"{output}: no epoch was finished, so there is nothing to resume; train with --overwrite")
    try:
        return TrainOptions(**kept["options"])
    except (KeyError, TypeError) as error:
        raise OptionError(f"{output / 'run.json'}: is damaged ({error}); train anew with --overwrite") from error


def _write_record(tiles: Path, output: Path, options: TrainOptions) -> None:
    record = {
        "command": "train",
        "options": options,
        "tiles_fingerprint": files.fingerprint(tiles),
        "versions": files.versions(),
    }
    files.write_json(output / files.RECORD, record)


@dataclass(frozen=True, slots=True)
class _LessonPlan:
    """What of an index is learned."""

    scheme: Scheme
    """Its classes in the order of the heads."""
    heads: tuple[Head, ...]
    presence: dict[str, float]
    """Share from which each class counts as present."""
    rows: NDArray[np.int64]
    """Rows of the index that have a label and a part to play: (n,)."""
    parts: NDArray[Any]
    """Their part, train or val: (n,)."""
    targets: NDArray[np.float32]
    """(n, classes): 1 present, 0 absent, NaN unknown."""

    def lesson(self, chips: Chips) -> loop.Lesson:
        """The same with the pixels of the rows."""
        train, val = (np.flatnonzero(self.parts == part) for part in ("train", "val"))
        return loop.Lesson(chips, self.targets, train, val, self.heads)


def _what_to_learn(index: TileIndex, tiles: Path, options: TrainOptions) -> _LessonPlan:
    if not index.class_names or index.scheme is None:
        raise TileIndexError(f"{tiles}: has no labels; attach some with geolabel label")
    if index.split is None:
        raise TileIndexError(f"{tiles}: is not split into train, val and test; run geolabel split first")
    found = Scheme.from_json(index.scheme).subset(index.class_names)
    heads = choose_heads(found, options.heads)
    scheme = found.subset(name for head in heads for name in head.classes)
    recorded = index.labelling.get("presence", {})
    presence = {name: options.presence or float(recorded.get(name, _PRESENCE)) for name in scheme.names}
    shares = index.shares[:, [index.class_names.index(name) for name in scheme.names]]
    parts = index.column("split").astype(str)
    width, height = index.tiling["size"]
    whole = index.column("width") * index.column("height") >= width * height / 2
    useful = np.isfinite(shares).any(axis=1) & np.isin(parts, ["train", "val"]) & whole
    if not whole.all():
        log.info("%d tiles that the raster's edge cuts to less than half are left out", int((~whole).sum()))
    for part in ("train", "val"):
        if not (useful & (parts == part)).any():
            raise EmptyError(
                f"{tiles}: no labelled tile of at least half the size in {part}; lower --min-known of geolabel label, "
                "split anew with another --block, or tile with a smaller --size"
            )
    rows = np.flatnonzero(useful)
    wanted = targets(shares[rows], heads, presence)
    shown = (wanted[parts[rows] == "train"] == 1).any(axis=0)
    absent = [name for name, seen in zip(scheme.names, shown, strict=True) if not seen]
    if len(absent) == len(scheme.names):
        raise EmptyError(f"{tiles}: no training tile shows any class; lower --presence, or split with another --seed")
    if absent:
        log.warning("no training tile shows %s: the model cannot learn it", ", ".join(absent))
    return _LessonPlan(scheme, heads, presence, rows, parts[rows], wanted)


def _card(index: TileIndex, plan: _LessonPlan, bands: tuple[BandContract, ...], options: TrainOptions) -> ModelCard:
    known_gsd = [source.gsd_m for source in index.sources if source.gsd_m]
    width, height = index.tiling["size"]
    return ModelCard(
        architecture=options.model,
        heads=plan.heads,
        scheme=plan.scheme.to_json(),
        bands=bands,
        dtype=index.sources[0].dtype,
        nodata=index.sources[0].nodata,
        gsd_m=float(np.median(known_gsd)) if known_gsd else None,
        tile_px=(int(width), int(height)),
        presence=plan.presence,
        thresholds=dict.fromkeys(plan.scheme.names, DEFAULT),
        trained_on={
            "sources": [{"path": source.path, "fingerprint": source.fingerprint} for source in index.sources],
            "labels": list(index.label_sources),
            "split": index.split,
            "history": list(index.history),
            "options": files.to_json(options),
            "versions": files.versions(),
        },
        attribution=tuple(str(entry["attribution"]) for entry in index.label_sources if entry.get("attribution")),
    )


def _finish(
    card: ModelCard,
    network: backbones.Network,
    run: loop.Run,
    lesson: loop.Lesson,
    output: Path,
    index: TileIndex,
) -> TrainReport:
    """Choose thresholds with the best weights, and write model, scores and card."""
    network.load_state_dict(run.best)
    classifier: Classifier = make_classifier(card, network, run.fabric.device)
    truth = lesson.targets[lesson.val]
    found = classifier.predict(lesson.chips, lesson.val)
    thresholds = levels_of(best_f1(truth, found))
    best = next((row for row in reversed(run.history) if row.best), None)
    ready = replace(card, thresholds=dict(zip(card.classes, thresholds.round(3).tolist(), strict=True)))
    scores = score(truth, found, card.classes, thresholds.tolist(), Decision.of(ready).on_tiles(found))
    done = replace(ready, scores={"val": files.to_json(scores)})
    model = output / "model.safetensors"
    save_classifier(model, done, run.best)
    files.write_json(output / "metrics.json", {"val": scores, "history": run.history})
    with files.new_file(output / "MODEL_CARD.md", overwrite=True) as draft:
        draft.write_text(describe_model(done, index), encoding="utf-8")
    return TrainReport(
        model=model,
        architecture=card.architecture,
        parameters=sum(value.numel() for value in network.parameters()),
        epochs=len(run.history),
        best_epoch=best.epoch if best else 0,
        train_tiles=len(lesson.train),
        val_tiles=len(lesson.val),
        scores=scores,
    )


def _go_on(tiles: Path, report: TrainReport) -> str:
    held = f"the best of {report.epochs} epochs" if report.epochs else "a network that has learned next to nothing"
    command = ["geolabel", "train", str(tiles), "-o", str(report.model.parent), "--resume"]
    return f"stopped; {report.model} holds {held}. Go on with: {shlex.join(command)}"
