"""Networks run by torch itself."""

from __future__ import annotations

import copy
import os
import shutil
from typing import TYPE_CHECKING, cast

import torch

from geolabel.errors import InstallError
from geolabel.learn.engines.batches import padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn

    from geolabel.learn.engines.engine import Engine, EnginePrecision
    from geolabel.learn.forward import Run

TYPES: dict[EnginePrecision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def native(network: nn.Module, engine: Engine) -> Run:
    """Run a (folded) network in the engine's precision. Raises InstallError where it is to be compiled and cannot."""
    dtype = TYPES[engine.precision]
    if dtype != torch.float32:
        # weights are converted once: autocast converts them, or looks for what it has converted, in every pass
        network = copy.deepcopy(network).to(dtype)
    network = network.to(memory_format=torch.channels_last)
    ready = _compiled(network) if engine.compiled else network

    def run(batches: Iterable[Tensor]) -> Iterator[Tensor]:
        for chips in batches:
            # what is compiled is compiled for one size: the last batch is filled up
            whole = padded(chips, engine.batch) if engine.compiled else chips
            logits: Tensor = ready(whole.to(dtype, memory_format=torch.channels_last))
            yield logits[: len(chips)].float()

    return run


def _compiled(network: nn.Module) -> nn.Module:
    named = os.environ.get("CXX", "")
    if not any(shutil.which(name) for name in (named, "g++", "clang++", "cl") if name):
        raise InstallError(
            "--compile needs a C++ compiler, and there is none; on Debian and Ubuntu: apt install g++, or leave it out"
        )
    return cast("nn.Module", torch.compile(network, dynamic=False))
