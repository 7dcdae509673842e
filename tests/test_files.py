"""Whole or nothing: what is written is there complete, or the folder is as it was."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel import files
from geolabel.errors import InputError, OutputError


def listing(folder: Path) -> list[str]:
    return sorted(str(entry.relative_to(folder)) for entry in folder.rglob("*"))


class WrongError(Exception):
    """What goes wrong inside a body."""


def write_half_then_fail(path: Path, *, overwrite: bool) -> None:
    with files.new_file(path, overwrite=overwrite) as draft:
        draft.write_text("half")
        raise WrongError


def fill_half_then_fail(path: Path, *, overwrite: bool) -> None:
    with files.new_directory(path, "demo", overwrite=overwrite) as draft:
        (draft / "half.txt").write_text("half")
        raise WrongError


def test_a_file_appears_only_when_its_body_is_done(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with files.new_file(path) as draft:
        draft.write_text("whole")
        assert not path.exists()
        assert draft.name == path.name, "drivers look at the ending"
    assert path.read_text() == "whole"
    assert listing(tmp_path) == ["deep", "deep/a.txt"]


def test_a_folder_appears_only_when_its_body_is_done(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with files.new_directory(path, "demo") as draft:
        (draft / "one.txt").write_text("1")
        assert not path.exists()
    assert listing(tmp_path) == ["out", "out/one.txt"]


@pytest.mark.parametrize("fail", [write_half_then_fail, fill_half_then_fail])
def test_an_error_leaves_nothing_behind(tmp_path: Path, fail) -> None:
    with pytest.raises(WrongError):
        fail(tmp_path / "out", overwrite=False)
    assert listing(tmp_path) == []


def test_what_exists_is_refused_with_the_remedy_before_the_body_runs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"a\.txt: .*exists already; give --overwrite"), files.new_file(path):
        pytest.fail("the body ran")
    with pytest.raises(OutputError, match=r"exists already"), files.new_directory(path, "demo"):
        pytest.fail("the body ran")
    assert path.read_text() == "old"


def test_overwrite_replaces_a_file_and_a_folder(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.txt", tmp_path / "out"
    path.write_text("old")
    folder.mkdir()
    (folder / files.RECORD).write_text('{"command": "demo"}')
    with files.new_file(path, overwrite=True) as draft:
        draft.write_text("new")
    with files.new_directory(folder, "demo", overwrite=True) as draft:
        (draft / "new.txt").write_text("new")
    assert path.read_text() == "new"
    assert listing(tmp_path) == ["a.txt", "out", "out/new.txt"]


def test_overwrite_keeps_the_old_file_when_the_body_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(WrongError):
        write_half_then_fail(path, overwrite=True)
    assert (path.read_text(), listing(tmp_path)) == ("old", ["a.txt"])


def test_overwrite_keeps_the_old_folder_when_the_body_fails(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / files.RECORD).write_text('{"command": "demo"}')
    with pytest.raises(WrongError):
        fill_half_then_fail(folder, overwrite=True)
    assert listing(tmp_path) == ["out", "out/run.json"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_overwrite_keeps_the_old_one_when_the_body_wrote_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "file":
        path.write_text("old")
    else:
        path.mkdir()
        (path / files.RECORD).write_text('{"command": "demo"}')
    before = listing(tmp_path)
    make = files.new_file if kind == "file" else partial(files.new_directory, command="demo")
    with pytest.raises(FileNotFoundError), make(path, overwrite=True) as draft:
        if kind == "folder":
            draft.rmdir()
    assert listing(tmp_path) == before


def test_overwrite_never_takes_a_whole_folder_for_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "wedding.jpg").write_text("dear")
    with pytest.raises(OutputError, match=r"photos: is a folder; .*-o"), files.new_file(folder, overwrite=True):
        pytest.fail("the body ran")
    assert listing(tmp_path) == ["photos", "photos/wedding.jpg"]


def test_overwrite_never_takes_a_strangers_folder(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    with files.new_directory(folder, "demo", overwrite=True) as draft:  # an empty one holds nothing dear
        (draft / "wedding.jpg").write_text("dear")
    with (
        pytest.raises(OutputError, match=r"photos: is a folder that geolabel demo did not make.*-o"),
        files.new_directory(folder, "demo", overwrite=True),
    ):
        pytest.fail("the body ran")
    assert listing(tmp_path) == ["photos", "photos/wedding.jpg"]


def test_overwrite_never_takes_a_file_for_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "thesis.doc"
    path.write_text("dear")
    with (
        pytest.raises(OutputError, match=r"thesis\.doc: is no folder; .*-o"),
        files.new_directory(path, "demo", overwrite=True),
    ):
        pytest.fail("the body ran")
    assert path.read_text() == "dear"


def test_an_output_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OutputError, match=r"a\.txt: appeared while"), files.new_file(path) as draft:
        draft.write_text("mine")
        path.write_text("theirs")
    assert (path.read_text(), listing(tmp_path)) == ("theirs", ["a.txt"])


def test_a_folder_that_cannot_be_written_is_named_before_any_work(read_only_folder: Path) -> None:
    path = read_only_folder / "a.txt"
    with pytest.raises(OutputError, match=r"read_only: cannot be written \(.+\); choose another folder with -o"):
        files.check_new(path, overwrite=False)
    with pytest.raises(OutputError, match="cannot be written"), files.new_file(path):
        pytest.fail("the body ran")


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("")
    with pytest.raises(OutputError, match=r"in_the_way: cannot be written .*-o"):
        files.check_new(tmp_path / "in_the_way" / "a.txt", overwrite=False)


def test_a_full_disk_is_named_and_left_empty(small_disk: Path) -> None:
    path = small_disk / "a.bin"
    with pytest.raises(OutputError, match=r"a\.bin: the disk is full; free some space"), files.new_file(path) as draft:
        draft.write_bytes(bytes(2 << 20))
    assert listing(small_disk) == []
    with pytest.raises(OutputError, match="the disk is full"), files.new_directory(small_disk / "out", "demo") as draft:
        (draft / "a.bin").write_bytes(bytes(2 << 20))
    assert listing(small_disk) == []


def test_a_full_disk_keeps_the_old_file(small_disk: Path) -> None:
    path = small_disk / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="full"), files.new_file(path, overwrite=True) as draft:
        draft.write_bytes(bytes(2 << 20))
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, r"x: no such file; a table was expected"),
        (lambda path: path.mkdir(), r"x: is a folder; a table was expected"),
        (lambda path: path.touch(), r"x: the file is empty; a table was expected, copy or download it again"),
    ],
)
def test_unreadable_inputs_are_named(tmp_path: Path, make, says: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(InputError, match=says):
        files.check_readable(tmp_path / "x", "a table")


@given(st.binary(min_size=1, max_size=200), st.data())
def test_fingerprint_of_a_small_file_sees_every_byte(tmp_path_factory, content: bytes, data) -> None:
    path = tmp_path_factory.mktemp("fingerprint") / "a.bin"
    path.write_bytes(content)
    first = files.fingerprint(path)
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= 1 + data.draw(st.integers(0, 254))
    path.write_bytes(bytes(changed))
    assert files.fingerprint(path) != first
    path.write_bytes(content + b"\0")
    assert files.fingerprint(path) != first
    path.write_bytes(content)
    assert files.fingerprint(path) == first


def test_fingerprint_of_a_large_file_sees_its_ends_its_samples_and_its_size(tmp_path: Path) -> None:
    path, size = tmp_path / "a.bin", 3 << 20
    content = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
    content.tofile(path)
    first = files.fingerprint(path)
    for at in (0, 65_535, size - 65_536, size - 1, (size - 65_536) * 7 // 15):
        content[at] ^= 255
        content.tofile(path)
        assert files.fingerprint(path) != first, at
        content[at] ^= 255
    content[:-1].tofile(path)
    assert files.fingerprint(path) != first
    content.tofile(path)
    assert files.fingerprint(path) == first


def test_fingerprint_of_a_folder_sees_names_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = files.fingerprint(tmp_path)
    (tmp_path / "a").write_text("12")
    second = files.fingerprint(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, files.fingerprint(tmp_path)}) == 3


@dataclass
class Report:
    path: Path
    share: float
    counts: np.ndarray


def test_json_of_what_reports_hold() -> None:
    report = Report(Path("a/b.tif"), math.nan, np.array([1.5, np.inf], dtype=np.float32))
    value = {1: report, "scalar": np.int64(3), "flag": np.bool_(True), "tuple": (1, {2}), "none": None}
    assert files.to_json(value) == {
        "1": {"path": "a/b.tif", "share": None, "counts": [1.5, None]},
        "scalar": 3,
        "flag": True,
        "tuple": [1, [2]],
        "none": None,
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_to_json_is_always_strict_json_and_changes_nothing_else(value) -> None:
    plain = files.to_json(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert files.to_json(plain) == plain


def test_write_json_reads_back_and_keeps_umlauts(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"name": "Gräser", "share": np.float32(0.5)})
    assert files.read_json(path, "a manifest") == {"name": "Gräser", "share": 0.5}
    assert "Gräser" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe{}"])
def test_what_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json: is not JSON .*; a manifest was expected"):
        files.read_json(path, "a manifest")


def test_versions_name_what_a_result_hangs_on() -> None:
    found = files.versions()
    assert found["numpy"] == np.__version__
    assert {"geolabel", "torch", "timm", "rasterio", "python", "platform"} <= set(found)
