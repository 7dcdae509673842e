"""The course of a training, whatever is learned: epoch after epoch, until it is enough or gets no better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from geolabel.learn import checkpoint
from geolabel.learn.device import repeatable
from geolabel.learn.history import stale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from geolabel.learn.checkpoint import AnyRun


class Lasting(Protocol):
    """What a recipe says of how long is learned."""

    @property
    def epochs(self) -> int:
        """At the most."""

    @property
    def patience(self) -> int:
        """Epochs without a better score before stopping."""


def run_epochs(
    run: AnyRun,
    recipe: Lasting,
    epoch: Callable[[], tuple[Any, float]],
    *,
    save_to: Path | None,
    on_epoch: Callable[[Any], None],
) -> None:
    """Train until the last epoch, until nothing gets better, or until Ctrl-C; `run.best` holds the best weights.

    `epoch` trains one, and gives its row of the history and its merit (more is better), by which the rate may fall.
    The state is saved after each, and before the first, so that a run stopped there can be resumed too.
    """
    if not run.history and save_to:
        checkpoint.save(run, save_to)
    history: list[Any] = run.history
    try:
        while len(history) < recipe.epochs and not (history and stale(history) >= recipe.patience):
            with repeatable(run.fabric.device):
                row, merit = epoch()
            history.append(row)
            run.schedule.epoch(merit)
            if row.best:
                run.best = run.weights()
            if save_to:
                checkpoint.save(run, save_to)
            on_epoch(history)
    except KeyboardInterrupt:
        run.interrupted = True
    run.best = run.best or run.weights()


def highest_rate(run: AnyRun) -> float:
    """The learning rate of the fastest weights."""
    return max(float(group["lr"]) for group in run.optimizer.param_groups)
