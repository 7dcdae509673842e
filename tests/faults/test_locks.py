"""Two runs into one output: the second is refused by a lock that dies with its owner, and sweeps what that left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geolabel import files
from geolabel.errors import OutputError
from geolabel.files import kernel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks of this kind")

BUSY = r"(out|out\.txt): another geolabel \(process {}\) is writing it; wait for it, or write elsewhere with -o"
OWNERS = {
    "a file": "with files.claims(), files.new_file(out) as draft:\n    draft.write_text('half')\n    stay()",
    "a file to be replaced": "with files.claims(), files.new_file(out, overwrite=True) as draft:\n    stay()",
    "a folder": "with files.new_directory(out, 'demo') as draft:\n    (draft / 'half').touch()\n    stay()",
    "a claim": "with files.claims():\n    files.check_new(out, overwrite=True, folder='demo')\n    stay()",
    "a folder at work": "with files.work_directory(out, 'demo', overwrite=True):\n    stay()",
}
PROGRAM = """
import sys, time
from pathlib import Path
from geolabel import files
out = Path(sys.argv[1])
def stay():
    print("at work", flush=True)
    time.sleep(60)
{}
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for what is needed for a while."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@contextmanager
def owner(body: str, out: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the output, until it is killed."""
    words = [sys.executable, "-c", PROGRAM.format(body), str(out)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        try:
            yield process
        finally:
            process.kill()


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def make_file(out: Path) -> None:
    with files.new_file(out, overwrite=True) as draft:
        draft.write_text("whole")


def make_folder(out: Path) -> None:
    with files.new_directory(out, "demo", overwrite=True) as draft:
        (draft / "whole").touch()


def make(name: str) -> tuple[str, Callable[[Path], None], list[str]]:
    if "folder" in name or name == "a claim":
        return "out", make_folder, ["out", "out/whole"]
    return "out.txt", make_file, ["out.txt"]


@pytest.mark.parametrize("name", OWNERS)
def test_a_second_process_is_refused_and_one_that_comes_after_a_kill_sweeps(
    tmp_path: Path, temporary: Path, name: str
) -> None:
    called, write, made = make(name)
    folder = tmp_path / "place"
    folder.mkdir()
    out = folder / called
    with owner(OWNERS[name], out) as process:
        before = listing(folder)
        for again in (lambda: files.check_new(out, overwrite=True, folder="demo"), lambda: write(out)):
            with pytest.raises(OutputError, match=BUSY.format(process.pid)):
                again()
        assert listing(folder) == before
        os.kill(process.pid, signal.SIGSTOP)  # who is stopped may go on later
        with pytest.raises(OutputError, match=BUSY.format(process.pid)):
            write(out)
    assert process.returncode == -signal.SIGKILL
    assert listing(folder), "the dead one left something to sweep"
    write(out)
    assert listing(folder) == made
    assert listing(temporary) == []


def test_scratch_of_the_dead_is_swept_and_that_of_the_living_stays(tmp_path: Path, temporary: Path) -> None:
    body = "with files.scratch(out.parent) as near, files.scratch() as far:\n    (near / 'a').touch()\n    stay()"
    place = tmp_path / "place"
    place.mkdir()
    with owner(body, place / "out"):
        with files.scratch(place), files.scratch():
            assert (len(list(place.iterdir())), len(list(temporary.iterdir()))) == (2, 2)
        assert (len(list(place.iterdir())), len(list(temporary.iterdir()))) == (1, 1)
    with files.scratch(place), files.scratch():
        assert (len(list(place.iterdir())), len(list(temporary.iterdir()))) == (1, 1)
    assert listing(place) == listing(temporary) == []


def test_what_a_dead_run_was_to_replace_comes_back(tmp_path: Path, temporary: Path) -> None:
    out = tmp_path / "place" / "out"
    with files.new_directory(out, "demo") as draft:
        (draft / files.RECORD).write_text('{"command": "demo"}')
    with owner(OWNERS["a folder at work"], out):
        assert listing(out) == []
    with pytest.raises(OutputError, match="exists already"):
        files.check_new(out, overwrite=False, folder="demo")
    assert listing(tmp_path / "place") == ["out", "out/run.json"]


def test_a_work_folder_goes_with_the_next_run_where_its_output_was_whole(tmp_path: Path) -> None:
    out, work = tmp_path / "place" / "out", tmp_path / "place" / "out.work"
    work.mkdir(parents=True)
    (work / "done.bin").touch()
    body = (
        "with files.claims():\n"
        "    files.check_new(out, overwrite=False, folder='demo')\n"
        "    with files.new_directory(out, 'demo', work=out.with_name('out.work')) as draft:\n"
        "        (draft / 'run.json').write_text('{}')\n"
        "    stay()"
    )
    with owner(body, out):
        assert (out / files.RECORD).exists()
    with pytest.raises(OutputError, match="exists already"):
        files.check_new(out, overwrite=False, folder="demo", work=files.Work(work, files.take_away))
    assert listing(tmp_path / "place") == ["out", "out/run.json"]


def test_a_work_folder_of_a_run_that_was_not_done_stays(tmp_path: Path) -> None:
    out, work = tmp_path / "out", tmp_path / "out.work"
    work.mkdir()
    (work / "done.bin").touch()
    body = (
        "work = files.Work(out.with_name('out.work'), files.take_away)\n"
        "with files.claims():\n"
        "    files.check_new(out, overwrite=False, folder='demo', work=work)\n"
        "    with files.new_directory(out, 'demo', work=work.folder) as draft:\n"
        "        stay()"
    )
    with owner(body, out):
        pass
    with files.claims():
        files.check_new(out, overwrite=False, folder="demo", work=files.Work(work, files.take_away))
    assert listing(tmp_path) == ["out.work", "out.work/done.bin", "temporary"]


def test_many_share_an_output_and_one_that_wants_it_alone_is_refused_until_the_last_is_done(tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = "with files.claims():\n    files.check_new(out, overwrite=False, folder='demo', shared=True)\n    stay()"
    with owner(body, out) as process:
        with files.claims():
            files.check_new(out, overwrite=False, folder="demo", shared=True)
        with pytest.raises(OutputError, match="another geolabel"):
            files.check_new(out, overwrite=False, folder="demo")
        assert process.poll() is None
    files.check_new(out, overwrite=False, folder="demo")
    assert listing(tmp_path) == ["temporary"]


def test_who_waits_gets_what_the_other_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = (
        "with files.new_directory(out, 'demo') as draft:\n"
        "    print('at work', flush=True)\n"
        "    time.sleep(1)\n"
        "print('done', flush=True)"
    )
    with owner(body, out), pytest.raises(OutputError, match="exists already"):
        began = time.monotonic()
        with files.new_directory(out, "demo", wait=True):
            pytest.fail("the body ran")
    assert time.monotonic() - began > 0.5


def test_a_child_of_a_dead_run_does_not_hold_its_lock(tmp_path: Path) -> None:
    body = (
        "import os\n"
        "begun, tell = os.pipe()\n"
        "with files.new_file(out) as draft:\n"
        "    if os.fork() == 0:\n"
        "        os.write(tell, b'.')\n"
        "        time.sleep(5)\n"
        "        os._exit(0)\n"
        "    os.read(begun, 1)\n"  # a child that has not run yet could not let go of anything
        "    stay()"
    )
    with owner(body, tmp_path / "out.txt"):
        pass
    make_file(tmp_path / "out.txt")
    assert listing(tmp_path) == ["out.txt", "temporary"]


def test_one_process_may_write_within_what_it_holds(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with files.claims():
        files.check_new(out, overwrite=False, folder="demo")
        with files.work_directory(out, "demo"):
            files.write_json(out / "a.json", 1)
            files.check_new(out / "b.json", overwrite=False)
            files.write_json(out / "b.json", 2)
            assert listing(out) == ["a.json", "b.json"], "no lock within a lock"
    assert listing(tmp_path) == ["out", "out/a.json", "out/b.json", "temporary"]


def test_a_lock_that_somebody_takes_away_is_taken_anew(tmp_path: Path) -> None:
    """Between the opening of its file and the lock, its owner may have gone with it."""
    out, taken = tmp_path / "out.txt", []
    plain = kernel.lock

    def late(descriptor: int, **how: bool) -> kernel.Answer:
        answer = plain(descriptor, **how)
        if not taken:
            taken.append(next(tmp_path.glob(".*-lock")))
            taken[0].unlink()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "lock", late)
        with files.new_file(out) as draft:
            draft.write_text("whole")
            assert len(list(tmp_path.glob(".*-lock"))) == 1
    assert listing(tmp_path) == ["out.txt", "temporary"]


def test_a_file_system_without_locks_does_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "lock", lambda *_, **__: "unknown")
    with files.claims():
        files.check_new(tmp_path / "out.txt", overwrite=False)
        make_file(tmp_path / "out.txt")
    with files.scratch(), files.scratch(tmp_path):
        pass
    assert listing(tmp_path) == ["out.txt", "temporary"]


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "a b", "-"])
def test_names_at_their_edges(tmp_path: Path, name: str) -> None:
    make_file(tmp_path / name)
    make_folder(tmp_path / "room" / name)
    assert listing(tmp_path) == sorted([name, "room", f"room/{name}", f"room/{name}/whole", "temporary"])


def test_what_only_looks_like_a_draft_of_it_stays(tmp_path: Path) -> None:
    for name in (".out.tif.abcdefgh.draft", ".out.draft", ".out.abcdefghi.draft", ".other.abcdefgh.draft"):
        (tmp_path / name).mkdir()
    (tmp_path / ".out.geolabel-lock").write_text("1")
    make_folder(tmp_path / "out")
    assert len(listing(tmp_path)) == 4 + len(["out", "out/whole", "temporary"])


def test_what_a_killed_run_was_to_replace_is_kept_until_that_run_is_whole(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    out = here / "run"
    with files.work_directory(out, "demo"):
        (out / files.RECORD).write_text('{"command": "demo"}', encoding="utf-8")
        (out / "model").write_text("yesterday's", encoding="utf-8")

    def killed() -> None:
        body = (
            "with files.work_directory(out, 'demo', overwrite=True):\n"
            '    (out / files.RECORD).write_text(\'{"command": "demo"}\')\n'
            "    stay()"
        )
        with owner(body, out) as process:
            process.kill()
            process.wait()

    killed()
    files.check_new(out, overwrite=True, folder="demo")  # whoever comes next sweeps
    assert not (out / "model").exists()
    assert len(list(here.iterdir())) == 2, "the old run is gone"

    with pytest.raises(RuntimeError), files.work_directory(out, "demo", overwrite=True):
        raise RuntimeError  # anew, in vain: yesterday's is there again
    assert (out / "model").read_text(encoding="utf-8") == "yesterday's"
    assert list(here.iterdir()) == [out]

    killed()
    with files.resumed_directory(out):
        (out / "model").write_text("today's", encoding="utf-8")
    assert (out / "model").read_text(encoding="utf-8") == "today's"
    assert list(here.iterdir()) == [out]


def test_folders_made_for_an_output_that_did_not_come_go_again(tmp_path: Path) -> None:
    with files.claims():
        files.check_new(tmp_path / "new" / "dir" / "out.txt", overwrite=False)
        assert (tmp_path / "new" / "dir").is_dir()
    assert not (tmp_path / "new").exists()
