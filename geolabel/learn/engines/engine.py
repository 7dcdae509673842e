"""What calculates a network's answers, as a record that travels to other processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from geolabel import files
from geolabel.errors import OptionError
from geolabel.learn.device import choose_precision
from geolabel.learn.forward import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

EngineKind = Literal["torch", "openvino"]
EnginePrecision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Engine:
    """How the networks of a model are run."""

    kind: EngineKind
    precision: EnginePrecision
    batch: int
    """Tiles in a forward pass. OpenVINO keeps several passes under way: give it several batches in a call."""
    compiled: bool = False
    """By torch.compile."""
    moved: float = 0.0
    """The most that a probability of the trial's sample moved against single precision; 0 where none was tried."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(EngineKind) or self.precision not in get_args(EnginePrecision):
            raise OptionError(
                f"an engine is torch or openvino, in fp32, bf16 or fp16; got {self.kind}, {self.precision}"
            )
        if self.batch < 1:
            raise OptionError(f"a batch has at least one tile, got {self.batch}")
        if self.kind == "openvino" and (self.compiled or self.precision == "fp16"):
            raise OptionError("OpenVINO runs in fp32 or bf16, and compiles by itself; leave out --compile and fp16")

    def to_json(self) -> dict[str, Any]:
        """Plain values, from which `from_json` makes the same engine."""
        return cast("dict[str, Any]", files.to_json(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Engine:
        """Read what `to_json` wrote. Raises OptionError, KeyError, TypeError or ValueError where it is damaged."""
        return cls(
            value["kind"], value["precision"], int(value["batch"]), bool(value["compiled"]), float(value["moved"])
        )


def default_engine(device: torch.device, height: int, width: int) -> Engine:
    """For tiles of that many pixels, where a trial is not worth its time."""
    precision = cast("EnginePrecision", choose_precision("auto", device))
    return Engine("torch", precision, batch_of(device, height, width))
