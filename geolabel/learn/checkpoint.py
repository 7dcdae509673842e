"""Everything that a resumed run needs, in one file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from geolabel import files
from geolabel.errors import InputError
from geolabel.learn.history import Epoch

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.learn.metric.run import EmbedRun
    from geolabel.learn.run import Run

    AnyRun: TypeAlias = Run | EmbedRun


def save(run: AnyRun, path: Path) -> None:
    """Write a checkpoint, whole or not at all, over what was there."""
    state: dict[str, Any] = {
        "network": run.network.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "schedule": run.schedule.state_dict(),
        "mean": run.mean.state_dict() if run.mean else None,
        "scaler": scaler.state_dict() if (scaler := _scaler(run)) else None,
        "generator": run.generator.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "history": files.to_json(run.history),
        "best": run.best,
    }
    with files.new_file(path, overwrite=True) as draft:
        torch.save(state, draft)


def restore(run: AnyRun, path: Path, row: type[Any] = Epoch) -> None:
    """Go back to a checkpoint, whose history has rows of the type `row`.

    Raises InputError where it is damaged or of another network.
    """
    files.check_readable(path, "a checkpoint")
    try:
        state = torch.load(
            path, map_location="cpu", weights_only=True
        )  # plain tensors and values: nothing in the file is run
        run.network.load_state_dict(state["network"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.schedule.load_state_dict(state["schedule"])
        if run.mean:
            run.mean.load_state_dict(state["mean"])
        if (scaler := _scaler(run)) and state["scaler"]:
            scaler.load_state_dict(state["scaler"])
        run.history = [row(**{**told, **_floats(told)}) for told in state["history"]]
    except Exception as error:
        raise InputError(
            f"{path}: the checkpoint is damaged or of another network; train anew with --overwrite"
        ) from error
    run.generator.set_state(state["generator"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    run.best = state["best"]


def _scaler(run: AnyRun) -> Any:
    """What keeps float16 gradients from vanishing; None with the other precisions."""
    return getattr(run.fabric.strategy.precision, "scaler", None)


def _floats(row: dict[str, Any]) -> dict[str, float]:
    """JSON has no NaN: null in the history is one."""
    return {name: math.nan for name, value in row.items() if value is None}
