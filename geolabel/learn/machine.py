"""What of this machine networks may use."""

from __future__ import annotations

import torch


def use_threads(count: int) -> None:
    """Let networks run on so many threads, in this thread and those that begin later."""
    torch.set_num_threads(count)


def gpus() -> int:
    """Number of GPUs that torch sees."""
    return torch.cuda.device_count()
