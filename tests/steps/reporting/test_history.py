"""A history is what the file says, and a damaged one is named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from geolabel.errors import TableError
from geolabel.learn.history import Epoch, HistoryWriter
from geolabel.steps.reporting.history import read_history
from geolabel.views.history_charts import course_charts, side_by_side

if TYPE_CHECKING:
    from pathlib import Path

EPOCHS = [
    Epoch(1, 0.1, 0.7, 0.6, 0.5, 0.4, 3.0, best=True),
    Epoch(2, 0.2, 0.5, 0.5, 0.75, 0.5, 3.0, best=True),
    Epoch(3, 0.1, 0.3, 0.8, float("nan"), 0.6, 3.0, best=False),
]


def test_what_is_written_is_read(tmp_path: Path):
    assert read_history(tmp_path) is None
    with HistoryWriter(tmp_path) as writer:
        writer.write(EPOCHS)
    found = read_history(tmp_path)
    assert found is not None
    assert (found.epoch, found.best) == ((1, 2, 3), 2)
    assert found.columns["val_loss"] == (0.6, 0.5, 0.8)
    assert math.isnan(found.columns["val_average_precision"][2])
    assert found.at_best("val_average_precision") == 0.75
    assert found.at_best("nothing") is None
    charts = course_charts(found)
    assert set(charts) == {"loss", "scores", "gap", "rate"}
    (gap,) = charts["gap"].lines
    assert gap.y == pytest.approx((-0.1, 0.0, 0.5))
    train, val = charts["loss"].lines
    assert (train.mark, val.mark) == (None, (2.0, 0.5))


def test_runs_share_a_chart_for_each_measure_that_they_have(tmp_path: Path):
    with HistoryWriter(tmp_path) as writer:
        writer.write(EPOCHS)
    one = read_history(tmp_path)
    (tmp_path / "history.csv").write_text(
        "epoch,lr,train_loss,active,score,seconds,best\n1,.1,.5,1,.6,2,True\n", encoding="utf-8"
    )
    other = read_history(tmp_path)
    assert one is not None
    assert other is not None
    charts = side_by_side([("a", one), ("b", other)])
    named = {name: [line.title for line in chart.lines] for name, chart in charts.items()}
    assert named["train_loss"] == named["lr"] == ["a", "b"]
    assert named["val_loss"] == named["val_f1"] == ["a"]
    assert named["score"] == named["active"] == ["b"]
    looks = {(line.color, line.dash) for line in charts["lr"].lines}
    assert len(looks) == 2
    assert charts["score"].lines[0].color == charts["lr"].lines[1].color  # a run looks alike in all charts


@pytest.mark.parametrize(
    "text", ["epoch,train_loss\n1,.5\n", "epoch,train_loss,best\n1,much,True\n", "epoch,lr,best\n1,.5,True\n", "\0",
             "epoch,train_loss,best\n2,.5,True\n1,.5,True\n"],
)  # fmt: skip
def test_a_damaged_history_is_named(tmp_path: Path, text: str):
    (tmp_path / "history.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=r"history\.csv: .*remove it"):
        read_history(tmp_path)
