"""`geolabel train`: a labelled, split tile index becomes `model.safetensors` in a run folder."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from lightning_fabric import Fabric

from geolabel import files
from geolabel.errors import EmptyError, InterruptedRunError, OptionError, OutputError, TileIndexError
from geolabel.labels.scheme import Scheme
from geolabel.learn import backbones, loop
from geolabel.learn.chips import Chips, load_chips
from geolabel.learn.forward import Classifier, choose_device, make_classifier, save_classifier
from geolabel.learn.heads import HeadChoice, choose_heads, targets
from geolabel.learn.history import HistoryWriter
from geolabel.learn.transforms import Normalise, band_statistics
from geolabel.model import BandContract, Head, ModelCard
from geolabel.progress import log
from geolabel.scoring.multilabel import Scores, score
from geolabel.scoring.thresholds import DEFAULT, best_f1
from geolabel.steps.model_card import describe_model
from geolabel.tiling.index import TileIndex, read_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SEED_BITS = 2**31


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

    model: str = backbones.OWN
    weights: str = "none"
    heads: HeadChoice = "auto"
    presence: float = 0.1
    epochs: int = 30
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.05
    patience: int = 8
    augment: bool = True
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "lr"):
            if getattr(self, name) <= 0:
                raise OptionError(f"--{name} must be more than 0, got {getattr(self, name):g}")
        if not 0 < self.presence <= 1:
            raise OptionError(f"--presence must lie above 0 and up to 1, got {self.presence:g}")
        if self.patience < 0 or self.weight_decay < 0 or not 0 <= self.seed < _SEED_BITS:
            raise OptionError("--patience, --weight-decay and --seed must not be negative")
        if self.heads not in ("auto", "sigmoid", "softmax"):
            raise OptionError(f"--heads {self.heads}: choose auto, sigmoid or softmax")


def train(
    tiles: Path,
    *,
    output: Path = Path("run"),
    options: TrainOptions | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[loop.Epoch], None] = lambda _: None,
) -> TrainReport:
    """Train a classifier into the folder `output`.

    Raises TileIndexError (not labelled, not split), EmptyError, OptionError, OutputError, and InterruptedRunError
    after Ctrl-C: a model of the best epoch so far stands there then.
    """
    index = read_index(tiles)
    chosen = _prepare_folder(tiles, output, options or TrainOptions(), resume=resume, overwrite=overwrite)
    device = choose_device(chosen.device)
    scheme, heads, rows, shares = _what_to_learn(index, tiles, chosen)
    torch.manual_seed(chosen.seed)
    network = _network(chosen, index, heads)
    chips = load_chips(index, rows, tiles.parent, output / "chips")
    parts = index.column("split").astype(str)[rows]
    lesson = loop.Lesson(
        chips,
        targets(shares, heads, chosen.presence),
        np.flatnonzero(parts == "train"),
        np.flatnonzero(parts == "val"),
        heads,
    )
    bands = _bands(index, chips, lesson.train)
    recipe = loop.Recipe(
        chosen.epochs, chosen.batch, chosen.lr, chosen.weight_decay, chosen.patience, chosen.augment, chosen.seed
    )
    fabric = Fabric(accelerator=device.type, devices=1, precision="bf16-mixed" if device.type == "cuda" else "32-true")
    run = loop.start(network, lesson, recipe, fabric)
    checkpoint = output / "checkpoint.ckpt"
    if resume:
        loop.restore(run, checkpoint)
    with HistoryWriter(output, run.history) as history:

        def told(row: loop.Epoch) -> None:
            history.add(row)
            on_epoch(row)

        loop.fit(run, lesson, recipe, Normalise(bands), fabric, checkpoint=checkpoint, on_epoch=told)
    card = _card(index, scheme, heads, bands, chosen)
    report = _finish(card, network, run, lesson, device, output, index)
    if run.interrupted:
        raise InterruptedRunError(_go_on(tiles, output))
    return report


def _prepare_folder(tiles: Path, output: Path, options: TrainOptions, *, resume: bool, overwrite: bool) -> TrainOptions:
    """Make the run folder, or take the options of the one to be resumed."""
    record = output / "run.json"
    if resume:
        kept = files.read_json(record, "the run.json of a run to resume")
        if kept.get("tiles_fingerprint") != files.fingerprint(tiles):
            raise OptionError(f"{tiles}: is not the index that {output} was trained on; train anew with --overwrite")
        if not (output / "checkpoint.ckpt").exists():
            raise OptionError(f"{output}: no epoch was finished, so there is nothing to resume; train with --overwrite")
        return TrainOptions(**kept["options"])
    if output.exists() and not overwrite:
        raise OutputError(f"{output}: exists already; give --resume, --overwrite, or another name with -o")
    with files.new_directory(output, overwrite=overwrite) as draft:
        files.write_json(
            draft / "run.json",
            {"options": options, "tiles_fingerprint": files.fingerprint(tiles), "versions": files.versions()},
        )
    return options


def _what_to_learn(
    index: TileIndex, tiles: Path, options: TrainOptions
) -> tuple[Scheme, tuple[Head, ...], NDArray[np.int64], NDArray[np.float32]]:
    """Scheme and heads, and the rows of the index that have a label and a part to play."""
    if not index.class_names or index.scheme is None:
        raise TileIndexError(f"{tiles}: has no labels; attach some with geolabel label")
    if index.split is None:
        raise TileIndexError(f"{tiles}: is not split into train, val and test; run geolabel split first")
    scheme = Scheme.from_json(index.scheme).subset(index.class_names)
    heads = choose_heads(scheme, options.heads)
    order = [index.class_names.index(name) for head in heads for name in head.classes]
    shares = index.shares[:, order]
    parts = index.column("split").astype(str)
    width, height = index.tiling["size"]
    whole = index.column("width") * index.column("height") >= width * height / 2
    useful = np.isfinite(shares).any(axis=1) & np.isin(parts, ["train", "val"]) & whole
    for part in ("train", "val"):
        if not (useful & (parts == part)).any():
            raise EmptyError(
                f"{tiles}: no labelled tile in {part}; lower --min-known of geolabel label, or split anew with a smaller --block"
            )
    present = (np.nan_to_num(shares) >= options.presence) & (useful & (parts == "train"))[:, None]
    absent = [
        name
        for name, found in zip([c for h in heads for c in h.classes], present.any(axis=0), strict=True)
        if not found
    ]
    if absent:
        log.warning("no training tile shows %s: the model cannot learn it", ", ".join(absent))
    rows = np.flatnonzero(useful)
    return scheme, heads, rows, shares[rows]


def _network(options: TrainOptions, index: TileIndex, heads: tuple[Head, ...]) -> torch.nn.Module:
    classes = sum(len(head.classes) for head in heads)
    source = index.sources[0]
    network = backbones.build(options.model, len(source.bands), classes, pretrained=options.weights == "default")
    if options.weights not in ("none", "default"):
        loaded = backbones.load_matching(network, Path(options.weights))
        log.info("%d tensors loaded from %s", loaded, options.weights)
    return network


def _bands(index: TileIndex, chips: Chips, train: NDArray[np.int64]) -> tuple[BandContract, ...]:
    """The contract of each band: its statistics over the training tiles, as physical values."""
    mean, deviation = band_statistics(chips, train)
    source = index.sources[0]
    return tuple(
        BandContract(name, scale, offset, float(mean[at] * scale + offset), float(deviation[at] * abs(scale)))
        for at, (name, scale, offset) in enumerate(zip(source.bands, source.scale, source.offset, strict=True))
    )


def _card(
    index: TileIndex, scheme: Scheme, heads: tuple[Head, ...], bands: tuple[BandContract, ...], options: TrainOptions
) -> ModelCard:
    known_gsd = [source.gsd_m for source in index.sources if source.gsd_m]
    width, height = index.tiling["size"]
    return ModelCard(
        architecture=options.model,
        heads=heads,
        scheme=scheme.to_json(),
        bands=bands,
        dtype=index.sources[0].dtype,
        gsd_m=float(np.median(known_gsd)) if known_gsd else None,
        tile_px=(int(width), int(height)),
        presence=options.presence,
        thresholds={name: DEFAULT for head in heads for name in head.classes},
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
    network: torch.nn.Module,
    run: loop.Run,
    lesson: loop.Lesson,
    device: torch.device,
    output: Path,
    index: TileIndex,
) -> TrainReport:
    """Choose thresholds with the best weights, and write model, scores and card."""
    network.load_state_dict(run.best)
    classifier: Classifier = make_classifier(card, network, device)
    truth = lesson.targets[lesson.val]
    found = classifier.predict(lesson.chips, lesson.val)
    thresholds = best_f1(truth, found)
    scores = score(truth, found, card.classes, thresholds.tolist())
    best = next((row for row in reversed(run.history) if row.best), None)
    done = replace(
        card,
        thresholds=dict(zip(card.classes, (round(value, 4) for value in thresholds.tolist()), strict=True)),
        scores={"val": files.to_json(scores)},
    )
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


def _go_on(tiles: Path, output: Path) -> str:
    command = ["geolabel", "train", str(tiles), "-o", str(output), "--resume"]
    return f"stopped; {output / 'model.safetensors'} holds the best epoch so far. Go on with: {shlex.join(command)}"
