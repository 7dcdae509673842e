"""`geolabel schemes`: what is built in is shown whole, what is wrong in a file is told in one line."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from geolabel.cli.app import app
from geolabel.labels.scheme_file import built_in, find_scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

WORDS = ("show", "check")
GOOD = """name = "own"
version = 3
[background]
clc = [3]
[[class]]
name = "mine"
color = "#f28c1e"
priority = 1
presence = 0.03
osm = ["landuse=quarry|pit", { tags = "man_made=adit", width_m = 30 }]
clc = [131]
[[class]]
name = "water"
color = "#2b7bba"
group = "cover"
osm = ["natural=water"]
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(GOOD)
    return path


def test_the_group_has_these_commands_and_no_other() -> None:
    inner: Any = next(group.typer_instance for group in app.registered_groups if group.name == "schemes")
    assert tuple(command.name for command in inner.registered_commands) == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_its_commands_have_help_with_an_example(cli: Callable[..., Done], word: str) -> None:
    done = cli("schemes", word, "--help")
    assert done.code == 0
    assert f"geolabel schemes {word}" in done.out
    assert "Example" in done.out
    assert all(option in done.out for option in ("--json", "--quiet", "--config", "--debug"))
    assert word in cli("schemes", "--help").out


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from geolabel.cli import app\n"
        "sys.argv = ['geolabel', 'schemes', 'show', '--help']\n"
        "try:\n    app.main()\n"
        "except SystemExit as done:\n    assert not done.code\n"
        "print('HEAVY', sorted({'torch', 'rasterio', 'geopandas', 'pyogrio', 'pyarrow', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_the_list_of_schemes(cli: Callable[..., Done]) -> None:
    rows = cli("schemes", "show", "--json").json["schemes"]
    assert [row["name"] for row in rows] == list(built_in())
    assert {"name": "clc-3", "title": "CORINE Land Cover, level 3", "classes": 44, "version": 1} in rows
    out = cli("schemes", "show").out
    assert all(name in out for name in built_in())


@pytest.mark.parametrize("name", built_in())
def test_a_scheme_is_shown_whole(cli: Callable[..., Done], name: str) -> None:
    scheme = find_scheme(name)
    shown = cli("schemes", "show", name, "--json").json
    assert (shown["name"], shown["version"], shown["parents"]) == (name, 1, scheme.parents or None)
    for row, found in zip(shown["classes"], scheme.classes, strict=True):
        assert row == {key: getattr(found, key) for key in row}
    for found in scheme.classes:
        rules = [row["rule"] for row in shown["rules"] if row["name"] == found.name]
        assert all(any(rule.startswith(wanted.tags) for rule in rules) for wanted in found.rules.osm)
        assert set(found.rules.tags) <= set(rules)
    assert cli("schemes", "show", name).code == 0


def test_a_file_of_ones_own_is_shown(cli: Callable[..., Done], good: Path) -> None:
    shown = cli("schemes", "show", good, "--json").json
    assert shown["rules"] == [
        {"name": "[background]", "source": "clc", "rule": "3"},
        {"name": "mine", "source": "osm", "rule": "landuse=quarry|pit"},
        {"name": "mine", "source": "osm", "rule": "man_made=adit, 30 m wide"},
        {"name": "mine", "source": "clc", "rule": "131"},
        {"name": "water", "source": "osm", "rule": "natural=water"},
    ]
    out = cli("schemes", "show", good).out
    assert "#f28c1e" in out
    assert "priority" in out
    assert "parent " not in out


def test_a_file_that_is_right(cli: Callable[..., Done], good: Path) -> None:
    done = cli("schemes", "check", good, "--json")
    assert done.code == 0
    assert done.json == {
        "schemes": [{"file": str(good), "name": "own", "classes": 2, "groups": 1, "rules": 5}],
        "warnings": [],
    }


def test_what_is_hardly_meant_is_warned_of_but_no_fault(cli: Callable[..., Done], good: Path) -> None:
    good.write_text(
        GOOD.replace('group = "cover"\n', "").replace("natural=water", "landuse=pit").replace("2b7bba", "f28c1f")
    )
    done = cli("schemes", "check", good, "--json")
    assert done.code == 0
    assert [row["warning"] for row in done.json["warnings"]] == [
        "colours hardly to be told apart: mine #f28c1e, water #f28c1f",
        "an OSM rule that never wins: landuse=pit of water, which mine takes first",
    ]


def test_built_in_files_pass_the_check(cli: Callable[..., Done]) -> None:
    folder = Path(str(resources.files("geolabel.labels") / "schemes"))
    done = cli("schemes", "check", *sorted(folder.iterdir()), "--json")
    assert done.code == 0, done.err
    assert len(done.json["schemes"]) == len(built_in())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "own"', "name = ", "own.toml: is not TOML"),
        ("#f28c1e", "orange", "class 'mine': colour 'orange' is not of the form #rrggbb"),
        ("color", "colour", "own.toml: unknown keys colour; a class has clc, color, group"),
        ("landuse=quarry|pit", "landuse:quarry", "'landuse:quarry' is no condition on a tag; write key=value"),
        ("width_m = 30", "width_m = 0", "width_m must be more than 0"),
        ("clc = [131]", "clc = 131", "clc must be a list, in [ ], got 131"),
        ("priority = 1", 'priority = "high"', "class 'mine': priority must be a whole number, got 'high'"),
        ("presence = 0.03", "presence = 3", "class 'mine': presence must lie above 0 and up to 1, got 3"),
        ('name = "water"', 'name = "mine"', "two classes are named mine; rename one"),
        ("version = 3", 'version = "b"', "own.toml: the description of the classes is damaged"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(cli: Callable[..., Done], good: Path, old: str, new: str, says: str) -> None:
    good.write_text(GOOD.replace(old, new))
    for word in WORDS:
        done = cli("schemes", word, good)
        assert (done.code, done.out) == (1, "")
        assert len(done.err.splitlines()) == 1
        assert "own.toml: " in done.err
        assert says in done.err


def test_of_several_files_the_first_wrong_one_is_told(cli: Callable[..., Done], good: Path, tmp_path: Path) -> None:
    done = cli("schemes", "check", good, tmp_path / "none.toml")
    assert done.code == 1
    assert done.err == f"geolabel: {tmp_path / 'none.toml'}: no such file; a scheme (TOML) was expected\n"
    done = cli("schemes", "check", tmp_path / "none.toml", good, tmp_path / "nil.toml")
    assert "none.toml: no such file; a scheme (TOML) was expected; and 1 more of the 3 files wrong" in done.err


def test_a_name_that_is_none(cli: Callable[..., Done]) -> None:
    done = cli("schemes", "show", "clc-4")
    assert done.code == 1
    assert "no scheme 'clc-4'; there are bigearthnet-19, clc-1, " in done.err


def test_wrong_usage(cli: Callable[..., Done]) -> None:
    assert cli("schemes", "list").code == 2
    assert cli("schemes", "check").code == 2


def test_options_from_a_file_stand_under_both_words(cli: Callable[..., Done], tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[schemes.show]\nscheme = "mining"\n')
    assert cli("schemes", "show", "--config", config, "--json").json["name"] == "mining"
    assert cli("schemes", "show", "forest", "--config", config, "--json").json["name"] == "forest"
    config.write_text('[schemes.show]\nsheme = "mining"\n')
    done = cli("schemes", "show", "--config", config)
    assert done.code == 1
    assert "[schemes.show] has unknown options: sheme" in done.err
    config.write_text("schemes = 3\n")
    assert "[schemes.show] is no table of options" in cli("schemes", "show", "--config", config).err


def test_colours_are_seen_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from geolabel.cli.show import show
    from geolabel.steps.schemes import show_scheme

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    show(show_scheme("mining"), as_json=False)
    assert "\x1b[38;2;242;140;30m██" in capsys.readouterr().out
    monkeypatch.delenv("FORCE_COLOR")
    show(show_scheme("mining"), as_json=False)
    assert "██" not in capsys.readouterr().out


def test_the_documented_example_is_right(cli: Callable[..., Done], tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    example = tmp_path / "example.toml"
    example.write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    done = cli("schemes", "check", example, "--json")
    assert done.code == 0, done.err
    assert done.json["warnings"] == []


def test_the_documentation_names_both_words() -> None:
    page = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "generate_cli.py"))
    commands: Any = typer.main.get_command(app)
    words = [word for name, one in commands.commands.items() for word, _ in page["commands_of"](name, one)]
    assert words[-3:] == ["schemes show", "schemes check", "models show"]
    assert words[:2] == ["tile", "label"]


def test_models_are_a_group_too(cli: Callable[..., Done]) -> None:
    done = cli("models", "show", "--help")
    assert done.code == 0
    assert "geolabel models show amazon-mining-rgb" in done.out
    assert cli("models", "show", "--json").json["models"][0]["name"] == "amazon-mining-rgb"
    assert cli("models", "show", "nothing").code == 1
