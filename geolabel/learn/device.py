"""Where networks run: the device, its precision, and the processes that share the work."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch

from geolabel.errors import OptionError
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning_fabric import Fabric
    from torch import nn

Precision = Literal["auto", "fp32", "bf16", "fp16"]
_FABRIC_NAMES: dict[str, Any] = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


class Machine(Protocol):
    """What a recipe says of where and how precisely is calculated."""

    @property
    def precision(self) -> str:
        """auto, fp32, bf16 or fp16."""

    @property
    def batch(self) -> int:
        """What the processes share."""

    @property
    def freeze_epochs(self) -> int:
        """Epochs in which some weights get no gradient."""


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """On a processor, let the same seed give the same weights meanwhile.

    Where a tensor is taken apart by indices, torch otherwise adds gradients up in whatever order its threads come, and
    now and then the last digits differ. GPUs are left alone: there, some layers know no other way, or are far slower.
    """
    if device.type != "cpu":
        yield
        return
    kept = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    settings: Any = torch.utils.deterministic  # its one setting has no type
    filled = settings.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    settings.fill_uninitialized_memory = False  # it only helps to find reads of nothing, and takes time
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(kept[0], warn_only=kept[1])
        settings.fill_uninitialized_memory = filled


def choose_device(name: str) -> torch.device:
    """The device asked for; `auto` is a GPU where there is one. Raises OptionError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(f"--device {name}: no such device; use auto, cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError(f"--device {name}: torch sees no GPU here; use --device cpu, or look at geolabel doctor")
    return device


def choose_precision(wanted: str, device: torch.device) -> str:
    """fp32, bf16 or fp16: `auto` is bfloat16 on a GPU. Raises OptionError.

    On processors bfloat16 has to be asked for: some multiply it twice as fast with one thread, but with several, on a
    machine that does anything else, its kernels wait for each other and can be many times slower.
    """
    if wanted == "fp16" and device.type == "cpu":
        raise OptionError("--precision fp16 needs a GPU; use bf16 or fp32")
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "fp32"


def make_fabric(device: torch.device, recipe: Machine) -> Fabric:
    """Fabric for one process, or for those that `torchrun` started: it tells them by the environment."""
    from lightning_fabric import Fabric  # a quarter of the memory of torch itself, and a second: predict needs it not
    from lightning_fabric.strategies.ddp import DDPStrategy

    world, local = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    precision = _FABRIC_NAMES[choose_precision(recipe.precision, device)]
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would tell the precision on stderr
    if world == 1:
        devices: Any = [device.index] if device.index is not None else 1
        return Fabric(accelerator=device.type, devices=devices, precision=precision)
    if recipe.batch % world:
        raise OptionError(f"--batch {recipe.batch} cannot be shared by {world} processes; give a multiple of {world}")
    # an unused weight is waited for by the other processes; in frozen epochs there are many
    strategy = DDPStrategy(find_unused_parameters=recipe.freeze_epochs > 0)
    fabric = Fabric(
        accelerator=device.type, devices=local, num_nodes=world // local, strategy=strategy, precision=precision
    )
    fabric.launch()
    return fabric


def share_norms(network: nn.Module, fabric: Fabric) -> nn.Module:
    """Let batch norms count the tiles of all processes, so that several learn what one would."""
    if fabric.world_size == 1 or not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules()):
        return network
    if fabric.device.type != "cuda":
        log.warning("batch norms count each process by itself on a processor; results differ from those of one process")
        return network
    from timm.layers.norm_act import convert_sync_batchnorm

    shared: nn.Module = convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return shared
