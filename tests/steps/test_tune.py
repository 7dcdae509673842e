"""A search finds better recipes, is repeated by its command, goes on after a stop, and never looks at test tiles."""

from __future__ import annotations

import csv
import json
import math
import shlex
import sys
import threading
import tomllib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from geolabel.cli import commands
from geolabel.cli.app import app
from geolabel.cli.options import seconds
from geolabel.cli.recipe_options import with_recipe
from geolabel.errors import EmptyError, InputError, InstallError, InterruptedRunError, OptionError
from geolabel.learn import loop
from geolabel.learn.history import Epoch
from geolabel.learn.recipe import CHOICES, Recipe
from geolabel.model import Head
from geolabel.steps import recipe_words
from geolabel.steps import tune as room
from geolabel.steps.search_space import Choice, Range, apply, make_space
from geolabel.steps.study import STUDY, PrunedError, open_study
from geolabel.steps.task import make_task
from geolabel.steps.teach import Desk, teach
from geolabel.steps.train import train
from geolabel.steps.tune import tune
from geolabel.tiling.index import LABEL_PREFIX, read_index, write_index
from tests.alike import differences
from tests.steps.lesson import draw_classes, write_region, write_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

HEADS = (Head("classes", "sigmoid", ("a",)),)


@pytest.fixture
def tiles(write_raster: WriteRaster) -> Path:
    shown = draw_classes(2)
    return write_tiles(write_region(write_raster, shown), {"a": shown[:, 0], "b": shown[:, 1]})


def peak(recipe: Recipe) -> float:
    """A made-up score whose best recipe is known: a rate of 2e-3, and no weight decay."""
    return 1 - 0.2 * abs(math.log10(recipe.lr / 2e-3)) - 0.02 * (recipe.weight_decay > 0)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_the_printed_command_trains_the_best_model_again(tiles: Path, tmp_path: Path):
    assert commands
    start = Recipe(epochs=2, batch=8, lr=0.00123, augment="none", precision="fp32")
    found = tune(tiles, recipe=start, trials=3, search=["lr", "dropout", "mixup"], output=tmp_path / "t")
    assert found.trials == 3
    words = shlex.split(found.command)
    assert words[:2] == ["geolabel", "train"]
    assert words[-2:] == ["-o", "run"]
    told = CliRunner().invoke(app, [*words[1:-1], str(tmp_path / "run"), "--json"])
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["scores"]["macro_average_precision"] == found.average_precision
    again = CliRunner().invoke(
        app, ["train", str(tiles), "--config", str(found.config), "-o", str(tmp_path / "two"), "--json"]
    )
    assert json.loads(again.stdout)["scores"] == json.loads(told.stdout)["scores"]
    assert not differences(tmp_path / "two" / "model.safetensors", tmp_path / "run" / "model.safetensors")


def test_a_middle_trial_is_what_training_alone_gives(tiles: Path, tmp_path: Path):
    start = Recipe(epochs=1, batch=8, dropout=0.5, precision="fp32")
    tune(tiles, recipe=start, trials=2, search=["lr"], output=tmp_path / "t")
    second = rows(tmp_path / "t")[1]
    alone = train(tiles, recipe=replace(start, lr=float(second["lr"])), output=tmp_path / "run")
    assert alone.scores.macro_average_precision == float(second["average_precision"])


def test_the_search_comes_near_the_best_recipe(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "_value", lambda asked, *_: peak(asked.recipe))
    start = Recipe(lr=1e-4)
    found = tune(tiles, recipe=start, trials=30, search=["lr", "weight-decay"], output=tmp_path / "t")
    assert found.first_average_precision == peak(start)
    assert found.average_precision > 0.95
    assert found.importance["lr"] > found.importance["weight_decay"]
    assert sum(found.importance.values()) == pytest.approx(1)
    best = rows(tmp_path / "t")[found.best_trial]
    assert float(best["average_precision"]) == max(float(row["average_precision"]) for row in rows(tmp_path / "t"))
    assert rows(tmp_path / "t")[0]["lr"] == "0.0001"


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked_for: list[Recipe] = []

    def stop_in_the_fourteenth(asked: Any, *_: Any) -> float:
        asked_for.append(asked.recipe)
        if len(asked_for) == 14:
            raise KeyboardInterrupt
        return peak(asked.recipe)

    monkeypatch.setattr(room, "_value", lambda asked, *_: peak(asked.recipe))
    whole = tune(tiles, trials=18, search=["lr", "weight_decay"], output=tmp_path / "whole", seed=3)
    monkeypatch.setattr(room, "_value", stop_in_the_fourteenth)
    with pytest.raises(InterruptedRunError, match="13 trials.*--resume"):
        tune(tiles, trials=18, search=["lr", "weight_decay"], output=tmp_path / "stopped", seed=3)
    assert len(rows(tmp_path / "stopped")) == 13
    resumed = tune(tiles, trials=18, output=tmp_path / "stopped", resume=True)
    assert rows(tmp_path / "stopped") == rows(tmp_path / "whole")
    assert resumed.importance == whole.importance
    assert tune(tiles, trials=18, output=tmp_path / "stopped", resume=True) == resumed


def test_ctrl_c_in_the_midst_of_an_epoch_keeps_the_trials_before(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real, epochs = loop._train_epoch, []

    def stop_in_the_fourth(*args: Any) -> float:
        epochs.append(1)
        if len(epochs) == 4:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(loop, "_train_epoch", stop_in_the_fourth)
    with pytest.raises(InterruptedRunError, match="holds 1 trials"):
        tune(tiles, trials=5, epochs=2, batch=8, augment="none", search=["lr"], output=tmp_path / "t")
    assert [row["state"] for row in rows(tmp_path / "t")] == ["done"]


def test_a_trial_of_a_process_that_was_killed_does_not_count(tmp_path: Path):
    start = Recipe()
    space = make_space(start, HEADS, gaps=False, search=("lr",))
    path = tmp_path / STUDY
    with open_study(path, start, space) as study:
        study.ask().done(0.5)
        killed = study.ask().recipe
    with open_study(path, start, space) as study:
        assert [found.recipe for found in study.trials] == [start]
        assert study.ask().recipe == killed


def test_a_stop_in_the_first_trial_leaves_nothing(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: Any) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "_value", stop)
    with pytest.raises(KeyboardInterrupt):
        tune(tiles, trials=3, output=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_a_fault_in_a_late_trial_keeps_the_early_ones(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    count = []

    def fail_late(asked: Any, *_: Any) -> float:
        count.append(1)
        if len(count) == 3:
            raise MemoryError
        return peak(asked.recipe)

    monkeypatch.setattr(room, "_value", fail_late)
    with pytest.raises(MemoryError):
        tune(tiles, trials=5, search=["lr"], output=tmp_path / "t")
    assert len(rows(tmp_path / "t")) == 2
    assert tune(tiles, trials=5, output=tmp_path / "t", resume=True).trials == 5


def test_a_hopeless_trial_is_stopped_early(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lengths: list[int] = []

    class Done:
        interrupted = False

        def __init__(self, value: float) -> None:
            self.scores = self
            self.macro_average_precision = value

    def learn(task: Any, chips: Any, recipe: Recipe, desk: Desk, output: Any) -> Any:
        level = 0.2 if len(lengths) == 8 else 0.9  # the ninth is far below the median of the others
        epochs: list[Epoch] = []
        lengths.append(0)
        for number in range(1, 11):
            lengths[-1] = number
            epochs.append(Epoch(number, recipe.lr, 0, 0, level * number / 10, 0, 0, best=True))
            desk.on_epoch(epochs)
        return Done(level), ()

    monkeypatch.setattr(room, "learn_missing", learn)
    found = tune(tiles, epochs=10, trials=10, search=["lr"], output=tmp_path / "t")
    assert lengths == [10] * 8 + [3, 10]  # two epochs are not judged: a fifth of ten
    assert found.pruned == 1
    assert [row["state"] for row in rows(tmp_path / "t")] == ["done"] * 8 + ["pruned", "done"]
    assert rows(tmp_path / "t")[8]["epochs"] == "3"


def test_the_loop_lets_the_pruning_through_and_its_thread_ends(tiles: Path, tmp_path: Path):
    task = make_task(read_index(tiles), tiles, Recipe(), parts=("train", "val"))

    def prune(epochs: Any) -> None:
        raise PrunedError

    with task.chips(None, tmp_path) as chips, pytest.raises(PrunedError):
        teach(task, chips, task.of_part("train"), task.of_part("val"), Recipe(epochs=2, batch=8), Desk(on_epoch=prune))
    assert not [thread for thread in threading.enumerate() if thread.name == "batches"]


def test_test_tiles_are_never_looked_at(tiles: Path, tmp_path: Path):
    index = read_index(tiles)
    keep = index.column("split") != "test"
    without = tmp_path / "without.parquet"
    write_index(without, replace(index, table=index.table.filter(pa.array(keep))))
    found = [tune(path, model="logistic", output=tmp_path / path.stem, trials=4) for path in (tiles, without)]
    assert rows(tmp_path / "tiles") == rows(tmp_path / "without")
    assert found[0].average_precision == found[1].average_precision


def test_conventional_classifiers_are_tried_once_each(tiles: Path, tmp_path: Path):
    found = tune(tiles, model="logistic", output=tmp_path / "t", trials=60)
    tried = rows(tmp_path / "t")
    assert tried[0]["model"] == "logistic"
    assert {row["model"] for row in tried} == {"knn", "svm", "rf", "logistic", "tree", "mlp"}
    assert found.trials < 60
    values = {(row["model"], row["average_precision"]) for row in tried}
    assert len(values) == 6  # what came again had the value it had


def test_a_diverging_trial_is_given_up_and_the_search_goes_on(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def diverge(asked: Any, *_: Any) -> float:
        if asked.recipe.lr != 1e-3:
            raise OptionError("--lr: the loss is no number any more")
        return 0.5

    monkeypatch.setattr(room, "_value", diverge)
    found = tune(tiles, trials=3, search=["lr"], output=tmp_path / "t")
    assert (found.trials, found.pruned, found.best_trial) == (3, 2, 0)
    assert "no number any more" in caplog.text


def test_no_trial_begins_after_the_time_is_over(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]

    def take_a_minute(asked: Any, *_: Any) -> float:
        now[0] += 60
        return peak(asked.recipe)

    monkeypatch.setattr(room, "_value", take_a_minute)
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    assert tune(tiles, trials=9, timeout_s=150, search=["lr"], output=tmp_path / "t").trials == 3


def test_what_cannot_be_searched_is_refused_before_anything_is_written(tiles: Path, tmp_path: Path):
    with pytest.raises(OptionError, match="no such option"):
        tune(tiles, search=["learning-rate"], output=tmp_path / "t")
    with pytest.raises(OptionError, match="layer-decay: not searched with --model small-cnn; lr, "):
        tune(tiles, search=["layer-decay"], output=tmp_path / "t")
    with pytest.raises(OptionError, match="--trials"):
        tune(tiles, trials=0, output=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_another_index_or_space_does_not_go_on(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "_value", lambda asked, *_: peak(asked.recipe))
    tune(tiles, trials=2, search=["lr"], output=tmp_path / "t")
    with pytest.raises(OptionError, match="searches lr, in other bounds"):
        tune(tiles, trials=3, search=["mixup"], output=tmp_path / "t", resume=True)
    (tmp_path / "t" / STUDY).write_text("not a database, and longer than a header of SQLite, which has 100 bytes" * 9)
    with pytest.raises(InputError, match="no study"):
        tune(tiles, trials=3, output=tmp_path / "t", resume=True)
    index = read_index(tiles)
    write_index(tiles, replace(index, history=("another",)), overwrite=True)
    with pytest.raises(OptionError, match="is not the index"):
        tune(tiles, trials=3, output=tmp_path / "t", resume=True)
    with pytest.raises(InputError, match="run.json"):
        tune(tiles, output=tmp_path / "nothing", resume=True)


def test_validation_tiles_that_cannot_judge_are_refused(tiles: Path, tmp_path: Path):
    index = read_index(tiles)
    val = index.column("split") == "val"
    columns = {
        LABEL_PREFIX + name: pa.array(np.where(val, 0, index.share(name)).astype("float32")) for name in ("a", "b")
    }
    write_index(tiles, index.with_columns(columns), overwrite=True)
    with pytest.raises(EmptyError, match="no class is both present and absent in val"):
        tune(tiles, output=tmp_path / "t")


def test_without_optuna_the_cure_is_named(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InstallError, match=r"pip install 'geolabel\[tune\]'"):
        tune(tiles, output=tmp_path / "t")


def test_the_space_holds_the_start_and_only_what_the_model_has():
    start = Recipe(lr=0.05, weight_decay=0.3, augment="clouds")
    space = make_space(start, HEADS, gaps=False, search=("lr", "weight-decay", "augment"))
    assert space["lr"] == Range(1e-4, 0.05, log=True)
    assert isinstance(space["weight_decay"], Choice)
    assert 0.3 in space["weight_decay"].values
    assert apply(start, {"lr": 0.05, "augment": "clouds"}) == start
    assert apply(start, {"lr": 0.0031415}).lr == 0.0031
    assert "layer_decay" not in make_space(start, HEADS, gaps=False)
    assert "layer_decay" in make_space(replace(start, weights="default"), HEADS, gaps=False)
    assert set(make_space(Recipe(model="rf"), HEADS, gaps=True)) == {"model", "missing"}
    with pytest.raises(OptionError, match="label-smoothing"):
        make_space(start, HEADS, gaps=False, search=("label_smoothing",))
    softmax = (Head("weather", "softmax", ("clear", "cloudy")),)
    assert list(make_space(start, softmax, gaps=False, search=("label_smoothing",))) == ["label_smoothing"]


@pytest.mark.parametrize(("text", "wanted"), [("90", 90), ("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1 d", 86_400)])
def test_times(text: str, wanted: float):
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "1y", "-1h"])
def test_times_that_are_none(text: str):
    with pytest.raises(typer.BadParameter):
        seconds(text)


NUMBERS = st.floats(1e-6, 0.999, allow_nan=False)
RECIPES = st.builds(
    Recipe,
    model=st.sampled_from(["small-cnn", "resnet18", "rf"]),
    weights=st.text(
        st.characters(categories=("L", "N", "P", "Z"), exclude_characters="\u2028\u2029"), min_size=1
    ).filter(lambda text: text == text.strip()),
    lr=NUMBERS,
    weight_decay=NUMBERS,
    dropout=st.none() | NUMBERS,
    presence=st.none() | NUMBERS,
    epochs=st.integers(1, 10**6),
    dehaze=st.booleans(),
    balance=st.sampled_from(CHOICES["balance"]),
    seed=st.integers(0, 2**31 - 1),
)


@given(RECIPES)
def test_a_recipe_is_read_back_exactly_from_its_command_and_its_file(recipe: Recipe):
    seen: list[Recipe] = []
    reader = typer.Typer()

    @reader.command()
    @with_recipe
    def take(tiles: str, recipe: Recipe, output: str = typer.Option("run", "-o")) -> None:
        seen.append(recipe)

    words = shlex.split(recipe_words.command(recipe, "t.parquet", "run"))  # type: ignore[arg-type]
    done = CliRunner().invoke(reader, words[2:])
    assert done.exit_code == 0, done.output
    assert seen == [recipe]
    assert Recipe(**tomllib.loads(recipe_words.toml(recipe))["train"]) == recipe


def test_values_are_read_by_the_type_of_their_field():
    for item in fields(Recipe):
        text = {"True": "yes", "False": "no", "None": "default"}.get(str(item.default), str(item.default))
        text = text.replace(",", "+")
        assert recipe_words.parse_value(item.name, text) == item.default
    assert recipe_words.parse_variation("--dehaze=no,yes") == ("dehaze", (False, True))
    assert recipe_words.parse_variation("augment=none,dihedral+light") == ("augment", ("none", "dihedral,light"))
    assert recipe_words.parse_variation("aim=precision=.9,f1") == ("aim", ("precision=.9", "f1"))
    assert recipe_words.parse_variation("dropout=default,.5") == ("dropout", (None, 0.5))
    for wrong, told in {
        "haze=no,yes": "no such option",
        "dehaze=maybe": "write yes or no",
        "epochs=1.5": "whole number",
        "lr=fast": "a number",
        "loss=bce,hinge": "choose of",
        "loss": "write an option and its values",
        "lr=1,1.0": "stands twice",
    }.items():
        with pytest.raises(OptionError, match=told):
            recipe_words.parse_variation(wrong)


def test_a_search_names_the_ground_that_a_training_has(tiles: Path, tmp_path: Path):
    tune(tiles, output=tmp_path / "s", model="logistic", trials=1)
    train(tiles, output=tmp_path / "run", model="logistic")
    found = json.loads((tmp_path / "s" / "best.json").read_text(encoding="utf-8"))
    assert found["ground"] == json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))["ground"]
