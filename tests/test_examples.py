"""The examples are run as a user would: copied, in a folder of their own, without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from geolabel.cli import commands
from geolabel.cli.app import app

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
MADE = {
    "mines-from-osm.sh": ["evaluation/report.html", "region.geolabel/project.qgz"],
    "deforestation-two-dates.sh": ["alerts/project.qgz", "alerts.geojson", "sample.gpkg"],
    "more-like-this.sh": ["similar.gpkg", "similar.html", "clusters.parquet"],
    "own_model.py": ["runs/plain/model.safetensors", "region.geolabel/report.html"],
}
"""What each leaves for its user."""


def run(folder: Path, *words: object, **more: str) -> str:
    """What a command prints, in an environment where `geolabel` and `python` are this one's."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=os.environ | {"PATH": path, "OMP_WAIT_POLICY": "PASSIVE"} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples away from the checkout, and the world beside it."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    run(folder, sys.executable, "examples/world.py", "world")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_an_example_makes_what_it_says(place: Path, name: str) -> None:
    folder = place / Path(name).stem
    folder.mkdir()
    (folder / "world").symlink_to(place / "world")

    said = run(folder, sys.executable if name.endswith(".py") else "bash", place / "examples" / name)

    for made in MADE[name]:
        assert (folder / made).stat().st_size > 0
    assert said


@pytest.mark.slow
def test_the_configuration_goes_the_whole_way(place: Path) -> None:
    folder = place / "configured"
    folder.mkdir()
    (folder / "world").symlink_to(place / "world")
    config = shutil.copy(place / "examples" / "mines.toml", folder)

    for words in (
        line.removeprefix("#").split() for line in Path(config).read_text().splitlines() if "--config" in line
    ):
        if words[0] == "geolabel":
            run(folder, *words)

    assert (folder / "region.geolabel" / "project.qgz").is_file()


@pytest.mark.slow
def test_tasks_of_the_job_array_make_the_map_of_one_run(place: Path) -> None:
    script = place / "examples" / "slurm.sbatch"
    count = int(re.search(r"--array=1-(\d+)", script.read_text())[1])  # type: ignore[index]
    image, model = place / "world" / "after.tif", "amazon-mining-rgb"

    for task in reversed(range(1, count + 1)):
        run(
            place,
            "bash",
            script,
            image,
            model,
            "parts",
            SLURM_ARRAY_TASK_ID=str(task),
            SLURM_ARRAY_TASK_COUNT=str(count),
        )
    run(place, "geolabel", "merge", "parts.shards")
    run(place, "geolabel", "predict", image, "--model", model, "-o", "whole")

    assert (place / "parts" / "classes.tif").read_bytes() == (place / "whole" / "classes.tif").read_bytes()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_every_key_of_a_configuration_is_an_option(path: Path) -> None:
    assert commands
    group = typer.main.get_command(app)

    def check(here: object, table: dict[str, object], words: str) -> None:
        inner = getattr(here, "commands", None)
        if inner is None:
            known = {flag.lstrip("-") for each in here.params for flag in (*each.opts, each.name)}  # type: ignore[attr-defined]
            assert set(table) <= known, words
        else:
            for word, further in table.items():
                check(inner[word], further, f"{words} {word}")  # type: ignore[arg-type]

    check(group, tomllib.loads(path.read_text("utf-8")), "geolabel")


def test_the_list_names_every_example() -> None:
    named = set(re.findall(r"\]\(([\w.-]+)\)", (EXAMPLES / "README.md").read_text("utf-8")))

    assert named == {path.name for path in EXAMPLES.iterdir() if path.suffix in {".sh", ".py", ".toml", ".sbatch"}}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.sh")), ids=lambda path: path.name)
def test_shell_examples_stop_at_the_first_error_and_say_how_they_are_run(path: Path) -> None:
    text = path.read_text("utf-8")

    assert "set -euo pipefail" in text
    assert f"examples/{path.name}" in text
    assert os.access(path, os.X_OK)
