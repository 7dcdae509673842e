"""What a prediction is asked for: the options of `geolabel predict` that its result depends on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files
from geolabel.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

DenseChoice = Literal["auto", "on", "off"]
TurnChoice = Literal["none", "flips", "all"]
EngineChoice = Literal["auto", "torch", "openvino"]
PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, slots=True)
class Choices:
    """Options of a prediction."""

    bands: tuple[str, ...] = ()
    scale: float | None = None
    stride: int | None = None
    """Pixels; None: half a tile, or what suits dense windows."""
    threshold: float | None = None
    aoi: Path | None = None
    min_area_ha: float = 0.0
    tta: TurnChoice = "none"
    dense: DenseChoice = "auto"
    refine: bool = False
    engine: EngineChoice = "auto"
    precision: PrecisionChoice = "auto"
    batch: int | None = None
    """Tiles; None: found by trial."""
    compiled: bool = False

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise OptionError(f"--threshold must lie between 0 and 1, got {self.threshold:g}")
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise OptionError(f"--scale must be a number above 0, got {self.scale:g}")
        if self.min_area_ha < 0:
            raise OptionError(f"--min-area must not be negative, got {self.min_area_ha:g}")
        if self.batch is not None and self.batch < 1:
            raise OptionError(f"--batch must be 1 or more tiles, or auto, got {self.batch}")
        if self.refine and self.dense == "off":
            raise OptionError("--refine draws outlines from dense windows; leave --dense off away")
        given = {"--engine openvino": self.engine == "openvino", "--compile": self.compiled, "--batch": self.batch}
        unused = [flag for flag, value in given.items() if value]
        if unused and (self.dense == "on" or self.refine):
            raise OptionError(f"{', '.join(unused)}: dense windows are run by torch, in blocks; leave it away")
        if self.tta != "none" and self.dense == "on":
            raise OptionError("--dense on: turned tiles have no windows in common; leave --tta or --dense away")

    def to_json(self) -> dict[str, Any]:
        """As run.json names them; an area of interest is among its inputs."""
        told: dict[str, Any] = files.to_json(self)
        del told["aoi"]
        return told
