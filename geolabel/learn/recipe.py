"""How a model is trained: every choice of `geolabel train`, with its default and its help, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from geolabel.errors import OptionError

_SEED_BITS = 2**31
_NUMBERS = ("lr", "weight_decay", "clip", "mixup", "context", "layer_decay", "fill_cut")
HeadChoice = Literal["auto", "sigmoid", "softmax", "apart"]


def option(default: Any, about: str, *, metavar: str = "") -> Any:
    """A field with what the command line says about it."""
    return field(default=default, metadata={"help": about, "metavar": metavar or None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train; kept in `run.json` and in the model, so that a run can be resumed and repeated.

    Raises OptionError for values that make no sense.
    """

    model: str = option("small-cnn", "small-cnn and others of our own, a network of timm's, or rf, svm, knn, mlp …")
    weights: str = option("none", "Weights to start from.", metavar="FILE|default|none")
    pairs: bool = option(
        False, "Tiles of two dates (geolabel tile --pairs): both go through one trunk, the head compares them."
    )
    heads: HeadChoice = option(
        "auto", "auto: groups of the scheme are softmax, the others sigmoid; apart: a network of its own for each."
    )
    targets: Literal["presence", "shares"] = option("presence", "Learn whether a class is there, or its share.")
    presence: float | None = option(
        None, "Share of a tile from which a class is present.  [default: the labels', or .1]"
    )
    features: str = option(
        "colour", "What rf, svm, knn … see: colour (and texture), or a network's name, with --weights."
    )
    trees: int = option(300, "Of a forest (--model rf).")
    depth: int | None = option(None, "Of a forest's or a tree's branches.  [default: any]")
    loss: Literal["auto", "bce", "focal", "asymmetric", "soft-f1", "mse", "kl"] = option(
        "auto", "auto: binary cross-entropy, and cross-entropy for softmax."
    )
    label_smoothing: float = option(0.0, "Of softmax heads.")
    balance: Literal["none", "weights", "sampler", "over", "under"] = option(
        "none", "Rare classes: weighted in the loss, drawn more often, repeated; or common ones left out at times."
    )
    weigh_known: bool = option(False, "Tiles count by the share of them on which the labels speak.")
    missing: Literal["mask", "drop", "self-train"] = option(
        "mask", "Unknown labels: left out of the loss; whole tiles left out; or filled by models of other folds."
    )
    fill_cut: float = option(0.9, "With self-train: how sure a filled label must be.")
    fill_rounds: int = option(2, "With self-train: how often labels are filled.")
    epochs: int = option(30, "At the most.")
    batch: int = option(64, "Tiles a step.")
    accumulate: int = option(1, "Batches whose gradients are summed before a step.")
    lr: float = option(1e-3, "Highest learning rate.")
    schedule: Literal["cosine", "one-cycle", "plateau", "constant"] = option("cosine", "Course of the learning rate.")
    warm_up: float | None = option(
        None, "Share of all steps over which the rate rises.  [default: .05; of one-cycle .3]"
    )
    freeze_epochs: int = option(0, "Epochs in which only the head learns.")
    layer_decay: float = option(1.0, "Factor of the rate from each layer to the one before; 1: the same for all.")
    weight_decay: float = option(0.05, "Of AdamW.")
    dropout: float | None = option(None, "Before the head.  [default: the network's own]")
    clip: float = option(0.0, "Largest norm of the gradients; 0: any.")
    ema: float = option(0.0, "Decay of a running mean of the weights, which is what is kept; 0: none.")
    mixup: float = option(0.0, "Alpha of mixup; 0: none.")
    context: float = option(
        0.0, "Share of the batches whose tiles are seen side by side, for predicting whole regions at once (--dense)."
    )
    augment: str = option("dihedral,light", "all, none, or of dihedral,scale,light,haze,bands,clouds.", metavar="NAMES")
    dehaze: bool = option(False, "The network sees tiles without haze (dark channel prior), when predicting too.")
    patience: int = option(8, "Epochs without a better score before stopping.")
    aim: str = option("f1", "What thresholds are chosen for: f1, f2, precision=.9 or recall=.9.")
    calibrate: Literal["none", "temperature", "isotonic"] = option(
        "none", "Probabilities made true on the validation tiles."
    )
    abstain: float = option(0.0, "Share of validation tiles, nearest to a threshold, that stay undecided.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option("auto", "auto: bf16 on a GPU, fp32 on a processor.")
    device: str = option("auto", "auto, cpu or cuda.")
    seed: int = option(0, "Makes random choices repeatable.")

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            if not math.isfinite(getattr(self, name)):
                raise OptionError(f"{flag_of(name)} must be a number, got {getattr(self, name):g}")
        for name in ("epochs", "batch", "lr", "trees", "accumulate", "patience", "fill_rounds", "layer_decay"):
            if not getattr(self, name) > 0:
                raise OptionError(f"{flag_of(name)} must be more than 0, got {getattr(self, name):g}")
        if self.depth is not None and self.depth < 1:
            raise OptionError(f"--depth must be at least 1, got {self.depth}")
        for name in ("weight_decay", "freeze_epochs", "clip", "mixup", "seed"):
            if getattr(self, name) < 0:
                raise OptionError(f"{flag_of(name)} must not be negative, got {getattr(self, name):g}")
        for name in ("ema", "abstain", "warm_up", "label_smoothing", "dropout", "context"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise OptionError(f"{flag_of(name)} must lie from 0 up to below 1, got {value:g}")
        self._check_labels()

    def _check_labels(self) -> None:
        if self.presence is not None and not 0 < self.presence <= 1:
            raise OptionError(f"--presence must lie above 0 and up to 1, got {self.presence:g}")
        if not 0.5 < self.fill_cut < 1:  # noqa: PLR2004 - a coin's chance
            raise OptionError(f"--fill-cut must lie above .5 and below 1, got {self.fill_cut:g}")
        for name, most in (("layer_decay", 1), ("seed", _SEED_BITS - 1)):
            if getattr(self, name) > most:
                raise OptionError(f"{flag_of(name)} must be {most} at the most, got {getattr(self, name):g}")
        if self.pairs and self.dehaze:
            raise OptionError("--dehaze knows one date only; leave it out, or --pairs")
        for name, allowed in CHOICES.items():  # the command line checks them too, Python and damaged files do not
            if getattr(self, name) not in allowed:
                raise OptionError(f"{flag_of(name)} {getattr(self, name)}: choose {', '.join(allowed)}")
        if self.loss == "kl" and self.targets == "presence":
            raise OptionError("--loss kl compares shares; give --targets shares too")
        if self.missing == "self-train" and self.targets == "shares":
            raise OptionError("--missing self-train fills presence, not shares; leave --targets shares out")


CHOICES: dict[str, tuple[str, ...]] = {
    "heads": ("auto", "sigmoid", "softmax", "apart"),
    "targets": ("presence", "shares"),
    "loss": ("auto", "bce", "focal", "asymmetric", "soft-f1", "mse", "kl"),
    "balance": ("none", "weights", "sampler", "over", "under"),
    "missing": ("mask", "drop", "self-train"),
    "schedule": ("cosine", "one-cycle", "plateau", "constant"),
    "calibrate": ("none", "temperature", "isotonic"),
    "precision": ("auto", "fp32", "bf16", "fp16"),
}


def flag_of(name: str) -> str:
    """The option of a field on the command line."""
    return f"--{name.replace('_', '-')}"
