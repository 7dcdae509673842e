"""The history of a run as CSV, and for TensorBoard where that is installed."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Self

from geolabel.learn.loop import Epoch
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class HistoryWriter:
    """Writes one row an epoch to `history.csv` and to `tensorboard/` in a run folder."""

    def __init__(self, folder: Path, done: Sequence[Epoch]) -> None:
        self._folder = folder
        self._done = done
        self._board: Any = None

    def __enter__(self) -> Self:
        self._file = (self._folder / "history.csv").open("w", newline="", encoding="utf-8")
        self._csv = csv.DictWriter(self._file, [column.name for column in fields(Epoch)])
        self._csv.writeheader()
        for row in self._done:  # a resumed run writes its past again, so that the file has no gap
            self._csv.writerow(asdict(row))
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            log.info("TensorBoard is not installed (pip install 'geolabel[tensorboard]'); history.csv has the same")
        else:
            self._board = SummaryWriter(str(self._folder / "tensorboard"), purge_step=len(self._done) + 1)
        return self

    def add(self, row: Epoch) -> None:
        """Write an epoch, at once."""
        self._csv.writerow(asdict(row))
        self._file.flush()
        if self._board is not None:
            for name, value in asdict(row).items():
                if name not in ("epoch", "best"):
                    self._board.add_scalar(name, value, row.epoch)
            self._board.flush()

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()
