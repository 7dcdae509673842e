"""The history of a run as CSV, and for TensorBoard where that is installed."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Self

from geolabel import files
from geolabel.learn.loop import Epoch
from geolabel.progress import log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class HistoryWriter:
    """Writes one row an epoch to `history.csv` and to `tensorboard/` in a run folder."""

    def __init__(self, folder: Path, done: Sequence[Epoch]) -> None:
        self._folder = folder
        self._rows = list(done)
        self._board: Any = None

    def __enter__(self) -> Self:
        return self

    def add(self, row: Epoch) -> None:
        """Write an epoch, at once; the table is written anew, so that it is whole whatever happens."""
        self._rows.append(row)
        with (
            files.new_file(self._folder / "history.csv", overwrite=True) as draft,
            draft.open("w", newline="", encoding="utf-8") as stream,
        ):
            table = csv.DictWriter(stream, [column.name for column in fields(Epoch)])
            table.writeheader()
            table.writerows(asdict(done) for done in self._rows)
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
