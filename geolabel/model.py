"""The model file: weights and the contract they need, in one safetensors file without pickle (docs/formats.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

FORMAT = 1
PAIRS = "pairs"
"""The setting that says how a network of two dates compares them: `head` or `change-vector`."""
OUTPUT_SIZE, NORM_OUTPUT = "output_size", "norm_output"
"""Settings of an embedder: the length of its vectors, and whether that is made 1."""
HeadKind = Literal["sigmoid", "softmax"]
_MAX_HEADER_BYTES = 100_000_000
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


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
    kind: Literal["classifier", "embedder"] = "classifier"
    format: int = FORMAT

    def __post_init__(self) -> None:
        missing = sorted(set(self.classes) - set(self.thresholds))
        if missing:
            raise ModelError(f"no thresholds for {', '.join(missing)}")
        if not self.bands or min(self.tile_px) < 1 or not all(band.std > 0 for band in self.bands):
            raise ModelError("the contract needs bands with a spread, and tiles of at least one pixel")
        if self.gsd_m is not None and not self.gsd_m > 0:
            raise ModelError(f"a GSD must be more than 0 m, got {self.gsd_m:g}")
        if any(not 0 <= low <= high <= 1 for low, high in self.abstain.values()):
            raise ModelError("an abstain band must lie within 0 and 1, its lower end first")
        if self.kind == "classifier" and not self.classes:
            raise ModelError("a classifier needs classes")
        if self.kind == "embedder" and not int(self.settings.get(OUTPUT_SIZE, 0)) > 0:
            raise ModelError("an embedder needs the length of its vectors, output_size")
        for what, names in (("classes", self.classes), ("bands", tuple(band.name for band in self.bands))):
            if len(set(names)) < len(names):
                raise ModelError(f"two {what} have the same name: {', '.join(names)}")

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


def write_model(path: Path, card: ModelCard, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Write weights and card as one file, whole or not at all, over what was there."""
    import numpy as np
    from safetensors.numpy import save_file

    metadata = {"geolabel": json.dumps(files.to_json(card), ensure_ascii=False)}
    with files.new_file(path, overwrite=True) as draft:
        # in C order: safetensors writes the memory as it lies, and would turn channels-last weights around
        ordered = {name: np.asarray(values, order="C") for name, values in weights.items()}
        draft.touch()
        rights = draft.stat().st_mode  # of any other file; safetensors makes one that only its owner may read
        save_file(ordered, draft, metadata=metadata)
        draft.chmod(rights)


def read_card(path: Path) -> ModelCard:
    """Read the contract alone. Raises ModelError where the file is no model of geolabel's."""
    return _card(path, _metadata(path))


def read_model(path: Path) -> tuple[ModelCard, dict[str, NDArray[Any]]]:
    """Read contract and weights. Raises ModelError where the file is no model of geolabel's, or is truncated."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    card = read_card(path)
    try:
        return card, load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: the weights are truncated or damaged ({error}); copy the file again") from error


def _metadata(path: Path) -> Mapping[str, str]:
    """The safetensors header's metadata: eight bytes of length, then JSON. Nothing in it is run."""
    files.check_readable(path, "a model (model.safetensors)")
    with path.open("rb") as stream:
        start = stream.read(8)
        if start.startswith(_PICKLE_STARTS):
            raise ModelError(
                f"{path}: is a pickle (a .pt, .pth or .pkl file), which can run code when opened; geolabel reads only "
                "safetensors. Save its weights with safetensors.torch.save_file"
            )
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(_MAX_HEADER_BYTES, path.stat().st_size):  # noqa: PLR2004
            raise ModelError(f"{path}: is no safetensors file, or it is truncated; give a model.safetensors")
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{path}: is no safetensors file, or it is damaged; give a model.safetensors") from error
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or "geolabel" not in metadata:
        raise ModelError(f"{path}: holds weights without geolabel's contract; give a file that geolabel train wrote")
    return metadata


def _check_format(found: object) -> None:
    if found != FORMAT:
        raise ModelError(f"format {found}, this geolabel reads {FORMAT}; upgrade geolabel")


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def _card(path: Path, metadata: Mapping[str, str]) -> ModelCard:
    try:
        return card_from_json(json.loads(metadata["geolabel"]))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: its contract is damaged ({error}); train or copy the model again") from error


def card_from_json(value: Mapping[str, Any]) -> ModelCard:
    """The card that `files.to_json` wrote.

    Raises ModelError where it contradicts itself; AttributeError, KeyError, TypeError or ValueError where it is
    damaged.
    """
    _check_format(value["format"])
    heads = tuple(Head(head["name"], head["kind"], tuple(head["classes"])) for head in value["heads"])
    bands = tuple(
        BandContract(name=band["name"], **_floats({key: number for key, number in band.items() if key != "name"}))
        for band in value["bands"]
    )
    width, height = value["tile_px"]
    checked = {
        "heads": heads,
        "bands": bands,
        "tile_px": (int(width), int(height)),
        "gsd_m": None if value["gsd_m"] is None else float(value["gsd_m"]),
        "presence": {str(name): float(cut) for name, cut in value["presence"].items()},
        "thresholds": _floats(value["thresholds"]),
        "abstain": {str(name): (float(low), float(high)) for name, (low, high) in value.get("abstain", {}).items()},
        "settings": dict(value.get("settings", {})),
        "attribution": tuple(value["attribution"]),
    }
    return ModelCard(**{**value, **checked})
