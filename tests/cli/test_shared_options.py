"""What all commands share: help without heavy imports, JSON, config files, interruption."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from geolabel.cli.app import app
from geolabel.cli.options import hectares, metres
from geolabel.tiling.index import read_index
from tests.alike import differences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done, Way

COMMANDS = [
    "tile",
    "label",
    "split",
    "train",
    "evaluate",
    "tune",
    "compare",
    "ensemble",
    "predict",
    "merge",
    "polygons",
    "change",
    "export",
    "explore",
    "explain",
    "dehaze",
    "inspect",
    "report",
    "demo",
    "doctor",
    "verify",
]


@pytest.mark.parametrize("words", [["--help"], ["predict", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]):
    code = (
        "import sys\n"
        "from geolabel.cli import app\n"
        f"sys.argv = ['geolabel', *{words!r}]\n"
        "try:\n    app.main()\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "names = {'torch', 'rasterio', 'geopandas', 'pyogrio', 'pyarrow', 'numpy', 'shapely', 'sklearn'}\n"
        "heavy = names & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(cli: Callable[..., Done], command: str):
    done = cli(command, "--help")
    assert done.code == 0
    assert f"geolabel {command}" in done.out
    assert "Example" in done.out
    assert "--json" in done.out


def test_no_command_is_untested_here():
    assert {command.name for command in app.registered_commands} == set(COMMANDS)


def test_a_wrong_option_is_a_usage_error(cli: Callable[..., Done]):
    assert cli("tile", "--no-such-option").code == 2
    assert cli("export", "x", "--to", "shapefile").code == 2
    assert cli("split", "x", "--block", "5 miles").code == 2


def test_options_from_a_file_and_the_command_line_wins(cli: Callable[..., Done], way: Way, tmp_path: Path):
    config = tmp_path / "c.toml"
    config.write_text('[tile]\nsize = 32\nmin-valid = 0.0\n\n[split]\nblock = "400m"\n')
    first = cli("tile", way.region, "--config", config, "-o", tmp_path / "a.parquet", "--json")
    assert first.json["tiles"] == 10 * 10
    second = cli("tile", way.region, "--config", config, "--size", 64, "-o", tmp_path / "b.parquet", "--json")
    assert second.json["tiles"] == 5 * 5
    config.write_text('[tile]\nsize = 32\nbands = ["red", "nir"]\n[label]\nvector = "lost.gpkg"\n')
    named = cli("tile", way.region, "--config", config, "-o", tmp_path / "bands.parquet", "--json")
    assert named.code == 0, named.err
    assert read_index(tmp_path / "bands.parquet").sources[0].bands == ("red", "nir"), "a list is names with commas"
    lost = cli("label", tmp_path / "bands.parquet", "--config", config)
    assert lost.code == 1
    assert "lost.gpkg" in lost.err, "and one alone is one of several"
    config.write_text("[tile]\nsise = 32\n")
    wrong = cli("tile", way.region, "--config", config, "-o", tmp_path / "c.parquet")
    assert wrong.code == 1
    assert "sise" in wrong.err


def test_json_is_one_object_on_stdout(cli: Callable[..., Done], way: Way, tmp_path: Path):
    done = cli("split", way.tiles, "--random", "-o", tmp_path / "s.parquet", "--json")
    assert json.loads(done.out)["method"] == "random"
    assert "not how well new places are judged" in done.err
    quiet = cli("split", way.tiles, "--random", "-o", tmp_path / "t.parquet", "--json", "-q")
    assert not quiet.err


def test_ctrl_c_exits_with_130_and_the_command(cli: Callable[..., Done], way: Way, monkeypatch, tmp_path: Path):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("geolabel.steps.region.ready.predict_shards", stop)
    done = cli("predict", way.region, "--model", way.model, "-o", tmp_path / "out")
    assert done.code == 130
    assert "interrupted" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_in_training_leaves_a_model_and_the_command_to_go_on(
    cli: Callable[..., Done], way: Way, monkeypatch, tmp_path: Path
):
    from geolabel.learn import loop

    whole = cli("train", way.tiles, "--epochs", 4, "--seed", 3, "-o", tmp_path / "whole", "--json")
    assert whole.code == 0, whole.err
    real, calls = loop._train_epoch, []

    def stop_in_third(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(loop, "_train_epoch", stop_in_third)
    stopped = cli("train", way.tiles, "--epochs", 4, "--seed", 3, "-o", tmp_path / "run")
    assert stopped.code == 130
    assert "--resume" in stopped.err
    assert (tmp_path / "run" / "model.safetensors").exists()
    monkeypatch.setattr(loop, "_train_epoch", real)
    resumed = cli("train", way.tiles, "-o", tmp_path / "run", "--resume", "--json")
    assert resumed.code == 0, resumed.err
    assert not differences(tmp_path / "run" / "model.safetensors", tmp_path / "whole" / "model.safetensors")
    columns = [
        [line.split(",")[:6] for line in (tmp_path / name / "history.csv").read_text().splitlines()]
        for name in ("run", "whole")
    ]
    assert columns[0] == columns[1]


@pytest.mark.parametrize(
    ("text", "wanted"), [("5km", 5000), ("300m", 300), ("300", 300), (".5 km", 500), ("0.25km", 250)]
)
def test_distances(text: str, wanted: float):
    assert metres(text) == pytest.approx(wanted)


@pytest.mark.parametrize(("text", "wanted"), [(".5ha", 0.5), ("5000m2", 0.5), ("2", 2), ("1km2", 100)])
def test_areas(text: str, wanted: float):
    assert hectares(text) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["", "five", "5 miles", "-3m", "5kmm"])
def test_quantities_that_are_none(text: str):
    with pytest.raises(typer.BadParameter):
        metres(text)


def test_a_broken_installation_is_exit_code_1(cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch):
    from geolabel.steps import doctor as room

    assert cli("doctor").code == 0
    monkeypatch.setattr(room, "_torch", lambda: room.Finding("torch", "broken", "gone", "pip install torch"))
    done = cli("doctor")
    assert done.code == 1
    assert "pip install torch" in done.out
