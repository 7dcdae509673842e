"""The table that grows while a model is trained; on a terminal only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from geolabel.progress import log, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from geolabel.learn.history import Epoch

_SHOWN = 12


@contextmanager
def epochs_table() -> Iterator[Callable[[Epoch], None]]:
    """Give a function that shows an epoch; the table is drawn on stderr, and stays there."""
    if quiet.get() or not sys.stderr.isatty():
        yield lambda row: log.info(
            "epoch %d: loss %.4f, validation loss %.4f, average precision %.3f",
            row.epoch,
            row.train_loss,
            row.val_loss,
            row.val_average_precision,
        )
        return
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    rows: list[Epoch] = []

    def draw() -> Table:
        table = Table(header_style="bold")
        for name in ("epoch", "loss", "val loss", "val AP", "val F1", "rate", "seconds", ""):
            table.add_column(name, justify="right")
        for row in rows[-_SHOWN:]:
            table.add_row(
                str(row.epoch),
                f"{row.train_loss:.4f}",
                f"{row.val_loss:.4f}",
                f"{row.val_average_precision:.3f}",
                f"{row.val_f1:.3f}",
                f"{row.lr:.1e}",
                f"{row.seconds:.1f}",
                "best" if row.best else "",
            )
        return table

    with Live(draw(), console=Console(stderr=True), refresh_per_second=4) as live:

        def on_epoch(row: Epoch) -> None:
            rows.append(row)
            live.update(draw())

        yield on_epoch
