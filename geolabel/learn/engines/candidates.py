"""Which engines may be had on this machine, of those that are asked for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, cast

import torch

from geolabel.errors import OptionError
from geolabel.learn.device import choose_precision
from geolabel.learn.engines.engine import Engine
from geolabel.learn.engines.openvino import load_openvino

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.learn.device import Precision
    from geolabel.learn.engines.engine import EngineKind, EnginePrecision


def candidates(
    device: torch.device, kind: Literal["auto"] | EngineKind, precision: Precision, batch: int, *, compiled: bool
) -> list[Engine]:
    """Engines that may be tried, full precision first; torch's where they are to be `compiled`.

    Raises InstallError, OptionError for what cannot be had.
    """
    kinds, precisions = _kinds(device, kind, compiled=compiled), _precisions(device, precision)
    found = [Engine(one, number, batch) for number in precisions for one in kinds]
    if len(kinds) > 1 and len(precisions) > 1:
        found.remove(Engine("openvino", "fp32", batch))  # as fast as torch: not worth the time of trying
    return found


def _kinds(device: torch.device, kind: Literal["auto"] | EngineKind, *, compiled: bool) -> Sequence[EngineKind]:
    if kind == "openvino":
        load_openvino()
        if compiled:
            raise OptionError("--compile is torch's; OpenVINO compiles by itself: leave one of the two out")
        if device.type != "cpu":
            raise OptionError(f"--engine openvino runs on processors; use --engine torch on {device.type}")
    if kind != "auto":
        return (kind,)
    there = device.type == "cpu" and not compiled and find_spec("openvino") is not None
    return ("torch", "openvino") if there else ("torch",)


def _precisions(device: torch.device, precision: Precision) -> Sequence[EnginePrecision]:
    if precision != "auto":
        return (cast("EnginePrecision", choose_precision(precision, device)),)
    if device.type == "cpu":
        return ("fp32", "bf16") if _multiplies_bf16() else ("fp32",)
    return ("fp32", cast("EnginePrecision", choose_precision("auto", device)))


def _multiplies_bf16() -> bool:
    """Whether the processor has instructions for it; others would imitate them, slowly."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001 - no other
