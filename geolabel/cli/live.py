"""The table that grows while a model is trained; on a terminal only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from geolabel.progress import log, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from geolabel.learn.history import Epoch
    from geolabel.learn.metric.run import EmbedEpoch

_SHOWN = 12
_COLUMNS = {
    "epoch": ("epoch", "d"),
    "loss": ("train_loss", ".4f"),
    "val loss": ("val_loss", ".4f"),
    "val AP": ("val_average_precision", ".3f"),
    "val F1": ("val_f1", ".3f"),
    "rate": ("lr", ".1e"),
    "seconds": ("seconds", ".1f"),
}
_EMBED_COLUMNS = {
    "epoch": ("epoch", "d"),
    "loss": ("train_loss", ".4f"),
    "active": ("active", ".2f"),
    "score": ("score", ".3f"),
    "rate": ("lr", ".1e"),
    "seconds": ("seconds", ".1f"),
}
"""Heading of a column, and which field it shows, how."""


@contextmanager
def epochs_table() -> Iterator[Callable[[Epoch], None]]:
    """Give a function that shows an epoch of a classifier; the table is drawn on stderr, and stays there."""
    with _table(_COLUMNS, ("train_loss", "val_loss", "val_average_precision")) as show:
        yield show


@contextmanager
def embed_epochs_table() -> Iterator[Callable[[EmbedEpoch], None]]:
    """The same for an embedder."""
    with _table(_EMBED_COLUMNS, ("train_loss", "active", "score")) as show:
        yield show


@contextmanager
def _table(columns: Mapping[str, tuple[str, str]], told: tuple[str, ...]) -> Iterator[Callable[[Any], None]]:
    if quiet.get() or not sys.stderr.isatty():

        def tell(row: Any) -> None:
            words = ", ".join(f"{name.replace('_', ' ')} {getattr(row, name):.4f}" for name in told)
            log.info("epoch %d: %s", row.epoch, words)

        yield tell
        return
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    rows: list[Any] = []

    def draw() -> Table:
        table = Table(header_style="bold")
        for name in (*columns, ""):
            table.add_column(name, justify="right")
        for row in rows[-_SHOWN:]:
            cells = [format(getattr(row, field), form) for field, form in columns.values()]
            table.add_row(*cells, "best" if row.best else "")
        return table

    with Live(draw(), console=Console(stderr=True), refresh_per_second=4) as live:

        def on_epoch(row: Any) -> None:
            rows.append(row)
            live.update(draw())

        yield on_epoch
