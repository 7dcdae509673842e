"""What is released: versions made of tags, and what the wheel and the sdist hold."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import geolabel

pytest.importorskip("hatch_vcs", reason="the build needs hatch-vcs: make test installs it")

ROOT = Path(__file__).parents[1]
MODEL = "geolabel/models/amazon-mining-rgb.safetensors"
MIB = 2**20


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def version_of(folder: Path) -> str:
    """What a build in this folder would be called."""
    words = [sys.executable, "-m", "hatchling", "version"]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with this project's rules of building, and one commit."""
    folder = tmp_path / "repository"
    (folder / "geolabel").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "geolabel/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_version_is_the_tags_and_counts_commits_after_it(repository: Path) -> None:
    assert version_of(repository) == "0.9.0.dev1", "no tag yet"

    git(repository, "tag", "v0.9.0")
    assert version_of(repository) == "0.9.0"

    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    assert version_of(repository) == "0.9.1.dev1"

    (repository / "README.md").write_text("changed, not committed")
    assert version_of(repository) == "0.9.1.dev1", "no day and no hash: the same input gives the same outputs"


def test_a_version_is_found_in_a_worktree_and_in_a_shallow_clone(repository: Path, tmp_path: Path) -> None:
    git(repository, "tag", "v0.9.0")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")

    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert version_of(tmp_path / "tree") == "0.9.1.dev1"

    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "shallow")
    assert Version(version_of(tmp_path / "shallow")).release == (0, 9, 0), "no tag in sight: that of the fallback"


def test_without_git_there_is_a_version_all_the_same(repository: Path) -> None:
    shutil.rmtree(repository / ".git")

    assert version_of(repository) == "0.9.0.dev0"


@dataclass(frozen=True)
class Built:
    wheel: Path
    sdist: Path
    again: Path
    """The wheel built from the sdist, in a folder without git."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation"]

    def made(source: Path, out: Path, kind: str) -> Path:
        subprocess.run([*build, f"--{kind}", "--outdir", str(out), str(source)], check=True, capture_output=True)
        return next(out.iterdir())

    sdist = made(ROOT, folder / "sdist", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    unpacked = next((folder / "unpacked").iterdir())
    return Built(made(ROOT, folder / "wheel", "wheel"), sdist, made(unpacked, folder / "again", "wheel"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    source = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "geolabel").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    about = {name for name in names(built.wheel) if ".dist-info/" in name}

    assert names(built.wheel) - about == source
    assert {"geolabel/py.typed", MODEL, "geolabel/labels/schemes/mining.toml", "geolabel/views/base.css"} <= source
    assert any(name.endswith("/licenses/LICENSE") for name in about)
    assert built.wheel.stat().st_size < 4 * MIB


def test_the_sdist_is_small_and_builds_the_same_wheel(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}

    assert tops == {"geolabel", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert built.sdist.stat().st_size < 4 * MIB
    assert built.again.name == built.wheel.name
    assert hashlib.sha256(built.again.read_bytes()).digest() == hashlib.sha256(built.wheel.read_bytes()).digest()


def test_the_wheel_names_no_machine(built: Built) -> None:
    places = [f"{place}/".encode() for place in (ROOT, Path.home()) if place != Path("/")]
    with zipfile.ZipFile(built.wheel) as archive:
        told = [name for name in archive.namelist() if any(place in archive.read(name) for place in places)]

    assert not told


def test_the_metadata_says_what_is_needed(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()

    assert "License-Expression: MIT" in text
    assert re.search(r"^Requires-Python: >=3\.11$", text, re.MULTILINE)
    for minor in (11, 12, 13):
        assert f"Classifier: Programming Language :: Python :: 3.{minor}\n" in text


def test_geolabel_says_its_version() -> None:
    assert geolabel.__version__ == version("geolabel")
    assert Version(geolabel.__version__).local is None


def test_what_extras_need_is_installed_for_the_tests_too() -> None:
    """Else what an extra brings would be tested by nobody."""
    needed = [Requirement(text) for text in requires("geolabel") or []]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    own = {name for name in extras if name not in {"dev", "docs"}}
    of = {
        extra: {each.name for each in needed if each.marker and each.marker.evaluate({"extra": extra})}
        for extra in [*own, "dev"]
    }

    assert set().union(*(of[extra] for extra in own)) <= of["dev"]
