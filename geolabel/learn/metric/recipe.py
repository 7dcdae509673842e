"""How an embedder is trained: every choice of `geolabel embed train`, with its default and its help, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from geolabel.errors import OptionError
from geolabel.learn.recipe import flag_of, option

LOSSES = ("triplet", "quadruplet", "magnet", "margin", "contrastive", "tile2vec")
OFFLINE = ("random-hard-negative", "random-hard-positive")
"""Mining over the map: of several that are drawn for an anchor, the hardest is taken."""
_SEED_BITS = 2**31
_LONGEST = 4096
"""Numbers of a vector: no network has more to say of a tile."""
_POSITIVE = ("output_size", "epochs", "steps", "batch", "per_class", "lr", "layer_decay", "patience", "redraws")
_MAGNET = ("magnet_clusters", "magnet_tiles", "magnet_per_class")
_NOT_NEGATIVE = ("margin", "norm_penalty", "weight_decay", "clip", "freeze_epochs", "seed", "min_pos_dist")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRecipe:
    """How to train an embedder; kept in `run.json` and in the model.

    Raises OptionError for values that make no sense.
    """

    model: str = option("small-cnn", "small-cnn and others of our own, or a network of timm's: resnext50, vit, deit …")
    weights: str = option("none", "Weights to start from.", metavar="FILE|default|none")
    output_size: int = option(64, "Length of the vectors.")
    norm_output: bool = option(True, "Vectors are brought to length 1 (L2), so that only their direction counts.")
    loss: Literal["triplet", "quadruplet", "magnet", "margin", "contrastive", "tile2vec"] = option(
        "triplet", "margin and contrastive are those of pytorch-metric-learning."
    )
    alt_loss: bool = option(False, "Softmax of the two distances instead of their difference (triplet, quadruplet).")
    margin: float = option(0.5, "By how much farther a negative should lie than a positive; alpha of magnet.")
    soft_margin: bool = option(False, "ln(1 + exp(x)) instead of the hinge (triplet).")
    adaptive: bool = option(False, "Margins from the batch's mean distances (quadruplet).")
    unsquared: bool = option(False, "Distances themselves instead of their squares (quadruplet).")
    norm_penalty: float = option(0.01, "Weight of the vectors' lengths (tile2vec).")
    mining: str = option(
        "",
        "hard-negative, hard-positive, semi-hard (in the batch); random-hard-negative, random-hard-positive (over the "
        "map); or a miner of pytorch-metric-learning by name. Several with commas.",
        metavar="NAMES",
    )
    redraws: int = option(5, "How many are drawn over the map, of which the hardest is taken.")
    supervised: bool | None = option(
        None, "Learn from labels, or from places: near is alike, far is not.  [default: labels where there are any]"
    )
    targets: Literal["class", "shares"] = option(
        "class", "Labels: the class of the largest share, or all shares; tiles are alike by what they have in common."
    )
    alike: float = option(0.7, "With --targets shares: tiles that share so much belong together.")
    unlike: float = option(0.3, "With --targets shares: tiles that share no more than this belong apart.")
    single_class_threshold: float = option(0.0, "Tiles whose largest class has less than this share are left out.")
    by: str = option("", "Tiles with the same value in this column are one place.", metavar="COLUMN")
    min_pos_dist: float = option(1.0, "Nearest that a positive may lie, tile sides.")
    max_pos_dist: float = option(5.0, "Farthest that a positive may lie, tile sides.")
    min_neg_dist: float = option(10.0, "Nearest that a negative may lie, tile sides.")
    max_neg_dist: float = option(25.0, "Farthest that a negative may lie, tile sides (of places by magnet: any).")
    random_reset: float = option(
        1.0, "1: each anchor is drawn anywhere; 0: those of a batch lie together. Magnet's places always hold together."
    )
    magnet_clusters: int = option(12, "Clusters a batch: one, and its nearest impostors (magnet).")
    magnet_tiles: int = option(4, "Tiles of each of these clusters (magnet).")
    magnet_per_class: int = option(3, "Clusters into which each class is divided (magnet, from labels).")
    epochs: int = option(30, "At the most.")
    steps: int = option(64, "Batches an epoch.")
    batch: int = option(24, "Tuples a step; from labels, tiles a step.")
    per_class: int = option(4, "Tiles of a class in a batch, from labels.")
    lr: float = option(1e-3, "Highest learning rate.")
    schedule: Literal["cosine", "one-cycle", "plateau", "constant"] = option("cosine", "Course of the learning rate.")
    warm_up: float | None = option(None, "Share of all steps over which the rate rises.  [default: .05; one-cycle .3]")
    freeze_epochs: int = option(0, "Epochs in which only the last layer learns.")
    layer_decay: float = option(1.0, "Factor of the rate from each layer to the one before; 1: the same for all.")
    weight_decay: float = option(0.05, "Of AdamW.")
    clip: float = option(0.0, "Largest norm of the gradients; 0: any.")
    ema: float = option(0.0, "Decay of a running mean of the weights, which is what is kept; 0: none.")
    augment: str = option("dihedral,light", "all, none, or of dihedral,scale,light,haze,bands,clouds.", metavar="NAMES")
    patience: int = option(8, "Epochs without a better score before stopping.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option("auto", "auto: bf16 on a GPU, fp32 on a processor.")
    device: str = option("auto", "auto, cpu or cuda.")
    seed: int = option(0, "Makes random choices repeatable.")

    def __post_init__(self) -> None:
        for name in (*_POSITIVE, *_MAGNET, *_NOT_NEGATIVE, "max_pos_dist", "min_neg_dist", "max_neg_dist"):
            value, least = getattr(self, name), name in _NOT_NEGATIVE
            if not math.isfinite(value) or value < 0 or (value == 0 and not least):
                raise OptionError(
                    f"{flag_of(name)} must {'not be negative' if least else 'be more than 0'}, got {value:g}"
                )
        for name in ("random_reset", "alike", "unlike", "single_class_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{flag_of(name)} must lie in 0–1, got {getattr(self, name):g}")
        for name in ("ema", "warm_up"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise OptionError(f"{flag_of(name)} must lie from 0 up to below 1, got {value:g}")
        self._check_choices()

    def _check_choices(self) -> None:
        for name, allowed in CHOICES.items():  # the command line checks them too, Python and damaged files do not
            if getattr(self, name) not in allowed:
                raise OptionError(f"{flag_of(name)} {getattr(self, name)}: choose {', '.join(allowed)}")
        for name, losses in _ONLY_WITH.items():
            if getattr(self, name) and self.loss not in losses:
                raise OptionError(f"{flag_of(name)} goes with --loss {' or '.join(losses)}, not with {self.loss}")
        for name, most in (("layer_decay", 1), ("seed", _SEED_BITS - 1), ("output_size", _LONGEST)):
            if getattr(self, name) > most:
                raise OptionError(f"{flag_of(name)} must be {most} at the most, got {getattr(self, name):g}")
        if self.loss == "tile2vec" and self.norm_output:
            raise OptionError(
                "--loss tile2vec keeps vectors short by a penalty, which vectors of length 1 do not feel; give "
                "--no-norm-output, and a --margin of about 10 as its paper has"
            )
        if self.loss == "margin" and not self.norm_output:
            raise OptionError("--loss margin compares vectors of length 1; leave --no-norm-output out")
        self._check_distances()
        self._check_mining()

    def _check_distances(self) -> None:
        for near, far in (("min_pos_dist", "max_pos_dist"), ("min_neg_dist", "max_neg_dist"), ("unlike", "alike")):
            if getattr(self, near) > getattr(self, far):
                raise OptionError(
                    f"{flag_of(near)} {getattr(self, near):g} is more than {flag_of(far)} {getattr(self, far):g}"
                )
        if self.max_pos_dist >= self.min_neg_dist:
            raise OptionError(
                f"--max-pos-dist {self.max_pos_dist:g} must be less than --min-neg-dist {self.min_neg_dist:g}: "
                "one tile would belong together with another, and apart"
            )
        if self.unlike == self.alike:
            raise OptionError(f"--unlike {self.unlike:g} must be less than --alike {self.alike:g}")

    def _check_mining(self) -> None:
        if self.loss == "magnet" and (self.mining or self.targets == "shares"):
            what = "--mining" if self.mining else "--targets shares"
            raise OptionError(f"--loss magnet chooses its batches itself; leave {what} out")
        if self.loss == "magnet" and self.magnet_clusters < 2:  # noqa: PLR2004 - a cluster and an impostor
            raise OptionError("--magnet-clusters must be at least 2: a cluster, and an impostor")
        offline = [name for name in OFFLINE if name in self.mining_names]
        if offline and self.supervised:
            raise OptionError(f"--mining {offline[0]} looks over the map; it goes with --no-supervised")

    @property
    def mining_names(self) -> tuple[str, ...]:
        """The miners; those over the map as they are called here, others as they were given."""
        names = [name.strip() for name in self.mining.split(",") if name.strip()]
        plain = [name.lower().replace("_", "-") for name in names]
        return tuple(known if known in OFFLINE else name for name, known in zip(names, plain, strict=True))

    @property
    def tuple_size(self) -> int:
        """Tiles of a drawn tuple: anchor, positive, negative, and a second negative for quadruplets."""
        return 4 if self.loss == "quadruplet" else 3


CHOICES: dict[str, tuple[str, ...]] = {
    "loss": LOSSES,
    "targets": ("class", "shares"),
    "schedule": ("cosine", "one-cycle", "plateau", "constant"),
    "precision": ("auto", "fp32", "bf16", "fp16"),
}
_ONLY_WITH = {
    "alt_loss": ("triplet", "quadruplet"),
    "soft_margin": ("triplet",),
    "adaptive": ("quadruplet",),
    "unsquared": ("quadruplet",),
}
