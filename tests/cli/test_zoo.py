"""Every animal of the zoo works, or is refused in one line with exit code 1; nothing is half-written, nothing lost."""

from __future__ import annotations

import hashlib
import runpy
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import mounted
from tests.zoo import ZOO
from tests.zoo_rooms.animal import Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Done, Way

_MOST_BYTES = 1 << 30
"""What an animal may take above what the process holds already."""


def _tree(folder: Path) -> dict[str, str]:
    """What lies in a folder: names of all, and hashes of the files."""
    return {
        path.relative_to(folder).as_posix(): hashlib.blake2b(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def _memory(name: str) -> int:
    """VmHWM (the most) or VmRSS (now) of this process, bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


@pytest.fixture
def den(animal: Animal, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Den]:
    """The working directory of an animal, with a disk of its own where it wants one."""
    found = Den(tmp_path / "den", way.folder, monkeypatch.setattr)
    found.folder.mkdir()
    monkeypatch.chdir(found.folder)
    with ExitStack() as stack:
        if animal.disk:
            stack.enter_context(contextmanager(mounted)(found.folder / "disk", animal.disk))
        yield found


@pytest.mark.parametrize(
    "animal", [pytest.param(each, id=each.name, marks=[pytest.mark.slow] if each.slow else []) for each in ZOO]
)
def test_an_animal_works_or_is_refused_in_one_line(animal: Animal, den: Den, cli: Callable[..., Done]) -> None:
    words = animal.bring(den)
    assert " ".join(map(str, words)).startswith(animal.command)
    before = _tree(den.folder)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is counted from here
    held = _memory("VmRSS")

    done = cli(*words)

    assert _memory("VmHWM") - held < _MOST_BYTES
    after = _tree(den.folder)
    kept = {name: content for name, content in before.items() if name not in animal.loses}
    assert {name: after.get(name) for name in kept} == kept, "an input was changed or lost"
    assert not [name for name in after if ".draft" in name]
    assert "Traceback" not in done.err
    if animal.works:
        assert done.code == 0, done.err
        new = {name.split("/")[0] for name in after.keys() - before.keys()}
        assert new == {name.split("/")[0] for name in animal.makes}
        assert all((den.folder / name).exists() for name in animal.makes)
        assert animal.shows is None or animal.shows(den.folder), animal.then
    else:
        assert done.code == 1, (done.code, done.out, done.err)
        lines = [line for line in done.err.strip().splitlines() if not line.startswith(("WARNING", "INFO"))]
        assert len(lines) == 1, done.err
        assert animal.is_said_in(lines[0]), lines[0]
        assert not done.out
        assert after.keys() <= before.keys(), "something half-written stays"


def test_the_zoo_has_a_hundred_animals_and_each_has_its_own_name() -> None:
    names = [animal.name for animal in ZOO]
    assert len(names) == len(set(names)) >= 100


def test_the_page_is_what_the_table_says() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page = runpy.run_path(str(docs / "generate_robustness.py"))["page"]
    assert (docs / "robustness.md").read_text(encoding="utf-8") == page(), "run docs/generate_robustness.py"
