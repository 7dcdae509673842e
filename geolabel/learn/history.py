"""The history of a run as CSV, and for TensorBoard where that is installed."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from geolabel import files
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the history."""

    epoch: int
    lr: float
    """Of the head, at the epoch's start."""
    train_loss: float
    val_loss: float
    val_average_precision: float
    """Mean over classes."""
    val_f1: float
    """Mean over classes, at a threshold of .5."""
    seconds: float
    best: bool


class Row(Protocol):
    """A row of any history: a frozen dataclass of numbers, in which an epoch and what was best have these names."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def epoch(self) -> int:
        """From 1 on."""

    @property
    def best(self) -> bool:
        """Whether no epoch before was better."""


def stale(history: Sequence[Row]) -> int:
    """Epochs since the best one."""
    return next((age for age, row in enumerate(reversed(history)) if row.best), len(history))


class HistoryWriter:
    """Writes the epochs to `history.csv` and to `tensorboard/` in a run folder; to nowhere without one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._board: Any = None

    def __enter__(self) -> Self:
        return self

    def write(self, history: Sequence[Row]) -> None:
        """Write all epochs so far, the last of which is new; the table is written anew, and so always whole."""
        if self._folder is None:
            return
        with (
            files.new_file(self._folder / "history.csv", overwrite=True) as draft,
            draft.open("w", newline="", encoding="utf-8") as stream,
        ):
            table = csv.DictWriter(stream, [column.name for column in fields(history[0])])
            table.writeheader()
            table.writerows(asdict(done) for done in history)
        row = history[-1]
        # opened late: its thread cannot say that the disk is full, and the table above has said it by now
        self._board = self._board or _board(self._folder, row.epoch)
        if self._board is not None:
            for name, value in asdict(row).items():
                if name not in ("epoch", "best"):
                    self._board.add_scalar(name, value, row.epoch)
            self._board.flush()

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            self._board.close()


def _board(folder: Path, first_epoch: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.info("TensorBoard is not installed (pip install 'geolabel[tensorboard]'); history.csv has the same")
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=first_epoch)
