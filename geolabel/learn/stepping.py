"""A step of the optimizer, and all that goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geolabel.learn.checkpoint import AnyRun


def take_step(run: AnyRun, clip: float) -> None:
    """Change the weights by the gradients that are there, of a norm of `clip` at the most (0: of any)."""
    if clip:
        run.fabric.clip_gradients(run.learner, run.optimizer, max_norm=clip, error_if_nonfinite=False)
    run.optimizer.step()
    run.optimizer.zero_grad()
    run.schedule.step()
    if run.mean:
        run.mean.update(run.network)
