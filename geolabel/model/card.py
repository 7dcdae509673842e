"""The contract of a model: everything that a prediction needs beside the weights (docs/formats.md)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from geolabel.checked import MAX_CLASSES, MAX_NAME, is_one_line
from geolabel.errors import ModelError, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMAT = 1
PAIRS = "pairs"
"""The setting that says how a network of two dates compares them: `head` or `change-vector`."""
OUTPUT_SIZE, NORM_OUTPUT = "output_size", "norm_output"
"""Settings of an embedder: the length of its vectors, and whether that is made 1."""
HeadKind = Literal["sigmoid", "softmax"]
ModelKind = Literal["classifier", "embedder"]


@dataclass(frozen=True, slots=True)
class Head:
    """Classes that are told apart together."""

    name: str
    kind: HeadKind
    """sigmoid: each class by itself; softmax: exactly one of them."""
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in ("sigmoid", "softmax"):
            raise ModelError(f"head {self.name!r}: kind {self.kind!r} is neither sigmoid nor softmax")
        if not self.classes:
            raise ModelError(f"head {self.name!r} has no classes")
        for name in self.classes:
            if not name.strip() or not is_one_line(name) or len(name) > MAX_NAME:
                raise ModelError(
                    f"a class needs a name of 1 to {MAX_NAME} characters without line breaks, got {name[:40]!r}"
                )


def slices(heads: Sequence[Head]) -> Iterator[tuple[Head, slice]]:
    """Each head with its columns among the outputs."""
    start = 0
    for head in heads:
        yield head, slice(start, start + len(head.classes))
        start += len(head.classes)


def exclusive(heads: Sequence[Head]) -> tuple[slice, ...]:
    """Columns of the classes of which exactly one is there, head by head."""
    return tuple(columns for head, columns in slices(heads) if head.kind == "softmax")


@dataclass(frozen=True, slots=True)
class BandContract:
    """What a band must be, and how its values become the network's input."""

    name: str
    scale: float
    """Physical value = stored value × scale + offset."""
    offset: float
    mean: float
    """Of physical values of the training tiles."""
    std: float


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The contract of a model: everything that predict needs beside the weights."""

    architecture: str
    """A network's name, a baseline's (rf, svm …), or `ensemble`."""
    heads: tuple[Head, ...]
    """Their classes, one head after the other, are the network's outputs."""
    scheme: Mapping[str, Any]
    bands: tuple[BandContract, ...]
    dtype: str
    """Stored type of the training rasters."""
    gsd_m: float | None
    """Ground sample distance, metres; None where the training chips did not say."""
    tile_px: tuple[int, int]
    """Width and height of a tile."""
    presence: Mapping[str, float]
    """Share of a tile from which each class counted as present in training."""
    thresholds: Mapping[str, float]
    """Probability from which a class counts as detected, found on validation tiles."""
    nodata: float | None = None
    """Nodata value of the training rasters; None where they had none."""
    calibration: Mapping[str, Any] | None = None
    """What makes probabilities true, as `geolabel.scoring.calibration` writes it; None: they are taken as they are."""
    abstain: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Probabilities of a class, from the first up to below the second, that leave it undecided."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the architecture needs beside the weights: dehazing, the features of a baseline, an ensemble's members."""
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    attribution: tuple[str, ...] = ()
    kind: ModelKind = "classifier"
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.kind not in get_args(ModelKind):
            raise ModelError(f"kind {self.kind!r} is neither {' nor '.join(get_args(ModelKind))}; upgrade geolabel")
        if self.kind == "classifier":
            self._check_classes()
        elif not int(self.settings.get(OUTPUT_SIZE, 0)) > 0:
            raise ModelError("an embedder needs the length of its vectors, output_size")
        if not self.bands or min(self.tile_px) < 1 or not all(band.std > 0 for band in self.bands):
            raise ModelError("the contract needs bands with a spread, and tiles of at least one pixel")
        if self.gsd_m is not None and not self.gsd_m > 0:
            raise ModelError(f"a GSD must be more than 0 m, got {self.gsd_m:g}")
        for what, names in (("classes", self.classes), ("bands", tuple(band.name for band in self.bands))):
            if len(set(names)) < len(names):
                raise ModelError(f"two {what} have the same name: {listed(names)}")

    def _check_classes(self) -> None:
        if not self.classes:
            raise ModelError("a classifier needs classes")
        if len(self.classes) > MAX_CLASSES:
            raise ModelError(f"{len(self.classes):,} classes; {MAX_CLASSES} at the most fit into a map")
        missing = sorted(set(self.classes) - set(self.thresholds))
        if missing:
            raise ModelError(f"no thresholds for {listed(missing)}")
        if any(not 0 <= low <= high <= 1 for low, high in self.abstain.values()):
            raise ModelError("an abstain band must lie within 0 and 1, its lower end first")

    @property
    def classes(self) -> tuple[str, ...]:
        """The network's outputs, in order."""
        return tuple(name for head in self.heads for name in head.classes)

    @property
    def outputs(self) -> int:
        """How many numbers it answers with: a probability a class, or the length of an embedding."""
        return int(self.settings[OUTPUT_SIZE]) if self.kind == "embedder" else len(self.classes)

    @property
    def is_of_pairs(self) -> bool:
        """Whether it compares two dates, whose bands stand side by side: before.red … and after.red …."""
        return bool(self.settings.get(PAIRS))


def rescaled(card: ModelCard, scale: Sequence[float], offset: Sequence[float]) -> ModelCard:
    """The contract for a raster with a scale and offset of its own: physical values are what must agree."""
    bands = tuple(
        replace(band, scale=factor, offset=shift) for band, factor, shift in zip(card.bands, scale, offset, strict=True)
    )
    return replace(card, bands=bands)


def for_source(card: ModelCard, dtype: str, scale: Sequence[float], offset: Sequence[float]) -> ModelCard:
    """The contract for tiles of a source; one that tells no scale is read as the contract knows such types."""
    told = card.settings.get("encodings", {}).get(dtype)
    if told is not None and all(factor == 1 for factor in scale) and not any(offset):
        return rescaled(card, [float(told)] * len(card.bands), [0.0] * len(card.bands))
    return rescaled(card, scale, offset)
