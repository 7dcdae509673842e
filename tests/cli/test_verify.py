"""`geolabel verify`: outputs and inputs as they were, spoilt, gone, moved, and what geolabel did not make."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from geolabel import files
from tests.cli.whole_way import EMBEDDED, OUTPUTS, SHOWN, TAUGHT, run, write_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done, Way


@pytest.fixture
def copied(way: Way, tmp_path: Path) -> Path:
    """A copy of the way, in a folder of another name."""
    return Path(shutil.copytree(way.folder, tmp_path / "another place"))


def _states(done: Done) -> dict[str, str]:
    return {row["file"]: row["state"] for row in done.json["files"]}


@pytest.mark.parametrize("name", ["tiles.parquet", "run", "run/model.safetensors", "region.geolabel"])
def test_what_nobody_touched_is_the_same_elsewhere_too(copied: Path, name: str, cli: Callable[..., Done]):
    done = cli("verify", copied / name, "--json")
    assert done.code == 0, done.out
    states = _states(done)
    assert set(states.values()) == {"same"}, states
    assert done.json["verdict"][-1].startswith(("All", "The file"))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["tiles.parquet", "run/last.safetensors", "region.geolabel/probabilities.tif"])
def test_one_bit_is_noticed(copied: Path, name: str, cli: Callable[..., Done]):
    _flip(copied / name)
    done = cli("verify", copied / name, "--json")
    assert done.code == 1
    assert _states(done)[Path(name).name] == "changed"
    assert done.json["verdict"][-1].startswith(f"Not as it was made: 1 changed ({Path(name).name})")


def test_a_file_gone_a_file_new_and_an_input_changed(copied: Path, cli: Callable[..., Done]):
    folder = copied / "region.geolabel"
    (folder / "classes.tif").unlink()
    (folder / "notes.txt").write_text("mine")
    _flip(copied / "region.tif")
    done = cli("verify", folder, "--json")
    assert done.code == 1
    states = _states(done)
    assert states["classes.tif"] == "missing"
    assert states["notes.txt"] == "new"
    assert states["region.tif"] == "changed"
    assert {state for name, state in states.items() if name not in ("classes.tif", "notes.txt", "region.tif")} == {
        "same"
    }


def test_a_copy_elsewhere_does_not_speak_for_an_input_that_changed(copied: Path, cli: Callable[..., Done]):
    (copied / "backup").mkdir()
    shutil.copyfile(copied / "region.tif", copied / "backup" / "region.tif")
    _flip(copied / "region.tif")
    done = cli("verify", copied / "region.geolabel", "--json")
    assert done.code == 1
    assert next(state for file, state in _states(done).items() if file.endswith("region.tif")) == "changed"


def test_a_record_that_names_a_device_or_a_pipe_is_not_followed(copied: Path, cli: Callable[..., Done]):
    os.mkfifo(copied / "pipe")
    record = copied / "region.geolabel" / files.RECORD
    told = json.loads(record.read_text(encoding="utf-8"))
    entry = next(iter(told["made"]["inputs"].values()))
    (entry[0] if isinstance(entry, list) else entry)["path"] = "../pipe"
    record.write_text(json.dumps(told), encoding="utf-8")
    done = cli("verify", copied / "region.geolabel", "--json")
    assert done.code == 1
    assert _states(done)["../pipe"] == "changed"


def test_a_new_file_alone_is_no_fault_and_an_input_that_is_not_here_neither(copied: Path, cli: Callable[..., Done]):
    (copied / "run" / "notes.txt").write_text("mine")
    (copied / "tiles.parquet").unlink()
    done = cli("verify", copied / "run", "--json")
    assert done.code == 0
    assert _states(done)["../tiles.parquet"] == "not here"
    assert done.json["verdict"][-1].endswith("1 input is not here; 1 file is new.")


def test_several_at_once_and_for_people(copied: Path, cli: Callable[..., Done]):
    done = cli("verify", copied / "run", copied / "tiles.parquet")
    assert done.code == 0
    assert "geolabel train" in done.out
    assert "geolabel split" in done.out
    assert "files are as they were made" in " ".join(done.out.split())


def test_nothing_is_written_so_a_disk_may_be_read_only(copied: Path, cli: Callable[..., Done]):
    folder = copied / "region.geolabel"
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    try:
        done = cli("verify", folder)
    finally:
        folder.chmod(0o755)
    assert done.code == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_geolabel_did_not_make_is_one_line(way: Way, tmp_path: Path, cli: Callable[..., Done]):
    (tmp_path / "empty").mkdir()
    (tmp_path / "none.tif").touch()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "run.json").write_text("[1")
    for path, words in (
        (way.region, "does not say that geolabel made it"),
        (tmp_path / "empty", "holds no run.json of geolabel's"),
        (tmp_path / "none.tif", "the file is empty"),
        (tmp_path / "odd", "is not JSON"),
        (tmp_path / "nowhere", "no such file"),
    ):
        done = cli("verify", path)
        assert done.code == 1
        assert len(done.err.strip().splitlines()) == 1
        assert words in done.err, done.err


def test_a_folder_of_an_older_geolabel_says_what_it_can(copied: Path, cli: Callable[..., Done]):
    path = copied / "run" / files.RECORD
    told = json.loads(path.read_text())
    fingerprint = told.pop("tiles_fingerprint")
    for key in ("outputs", "made"):
        del told[key]
    path.write_text(json.dumps(told | {"inputs": {"tiles": "../tiles.parquet", "tiles_fingerprint": fingerprint}}))
    done = cli("verify", copied / "run", "--json")
    assert done.code == 0
    states = _states(done)
    assert states.pop("../tiles.parquet") == "same"
    assert set(states.values()) == {"not recorded"}
    assert "were not recorded" in done.json["verdict"][0]


@pytest.mark.parametrize("names", [["../../../etc/passwd"], ["/etc/passwd"]])
def test_a_record_from_a_stranger_names_files_of_the_folder_only(
    copied: Path, names: list[str], cli: Callable[..., Done]
):
    path = copied / "run" / files.RECORD
    path.write_text(json.dumps(json.loads(path.read_text()) | {"outputs": dict.fromkeys(names, "0" * 32)}))
    done = cli("verify", copied / "run")
    assert done.code == 1
    assert "is damaged" in done.err


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All commands, twice: in folders of other names and depths, with other settings of the machine."""
    one = tmp_path_factory.mktemp("one") / "a"
    other = tmp_path_factory.mktemp("another") / "deep er" / "größer"
    others, inputs = tmp_path_factory.mktemp("tmp"), tmp_path_factory.mktemp("inputs")
    write_inputs(inputs)  # once: geopandas writes the time into a GeoPackage
    for folder, around in (
        (one, {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C"}),
        (other, {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8", "TMPDIR": str(others)}),
    ):
        shutil.copytree(inputs, folder)
        run(folder, (*TAUGHT, *SHOWN, *EMBEDDED), {"OMP_NUM_THREADS": "1", **around})
    return one, other


def _plain(path: Path) -> bytes | Any:
    """Content of a file without what was measured with a clock."""
    content = path.read_bytes()
    if path.name != files.RECORD:
        return content
    told = json.loads(content)
    told["outputs"] = {name: digest for name, digest in told.get("outputs", {}).items() if not _has_seconds(name)}
    return told


def _has_seconds(name: str) -> bool:
    return Path(name).name in ("history.csv", "metrics.json", "report.html", "checkpoint.ckpt")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_every_output(twice: tuple[Path, Path]):
    one, other = twice
    named = [
        {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} for folder in (one, other)
    ]
    logs = [{name for name in names if "tensorboard" in name} for names in named]
    assert named[0] - logs[0] == named[1] - logs[1]
    timed = ("run/", "forest/", "embedder/")
    different = [
        name
        for name in sorted(named[0] - logs[0])
        if not name.startswith("runs.")  # of runs, with their seconds
        and not (name.startswith(timed) and _has_seconds(name))
        and _plain(one / name) != _plain(other / name)
    ]
    assert not different


@pytest.mark.slow
def test_every_output_says_what_made_it_and_nothing_of_the_machine(
    twice: tuple[Path, Path], cli: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
):
    folder = twice[1]
    monkeypatch.chdir(folder)
    done = cli("verify", *OUTPUTS, "--json")
    assert done.code == 0, [row for row in done.json["files"] if row["state"] != "same"]
    commands = {row["output"]: row["made_by"] for row in done.json["outputs"]}
    assert commands["similar.html"] == "geolabel embed search"
    assert commands["alerts"] == "geolabel change"
    assert {row["state"] for row in done.json["files"]} <= {"same", "not recorded"}
    secrets = [str(folder).encode(), os.uname().nodename.encode()]
    secrets = [secret for secret in secrets if len(secret) > len("host")]
    for path in folder.rglob("*"):
        if path.is_file() and "tensorboard" not in path.parts:
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path
