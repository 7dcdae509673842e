"""Reading history.csv, whatever a run has measured."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from geolabel.errors import TableError
from geolabel.views.history_charts import History

if TYPE_CHECKING:
    from pathlib import Path

NAME = "history.csv"


def read_history(folder: Path) -> History | None:
    """The course of the training in a run folder; None where there is none, as of models that know no epochs.

    Raises TableError where it is damaged.
    """
    path = folder / NAME
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            table = csv.DictReader(stream, strict=True)
            rows = list(table)
            names = [name for name in table.fieldnames or () if name not in ("epoch", "best")]
        epoch = tuple(int(row["epoch"]) for row in rows)
        columns = {name: tuple(float(row[name]) for row in rows) for name in names}
        best = max((int(row["epoch"]) for row in rows if row["best"] == "True"), default=0)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise TableError(f"{path}: is damaged ({error}); train again, or remove it to have no curves") from error
    if "train_loss" not in columns or list(epoch) != sorted(set(epoch)):
        raise TableError(f"{path}: has no train_loss, or epochs out of order; train again, or remove it")
    return History(epoch, columns, best) if rows else None
