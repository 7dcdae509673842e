"""What a step is said to be: options that are not the default, no secrets, no places, nothing about how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geolabel import provenance
from geolabel.steps.making import asking, makes


@dataclass(frozen=True)
class Choice:
    rate: float = 0.1
    seed: int = 3
    file: Path | None = None


@makes("do it", "source", "others")
def step(
    source: str | Path,
    *,
    others: tuple[Path, ...] = (),
    size: int = 4,
    names: tuple[str, ...] = (),
    choice: Choice | None = None,
    workers: int = 1,
    output: Path | None = None,
    again: Choice | None = None,
) -> dict[str, object]:
    del source, others, size, names, choice, workers
    assert output is not None
    if again:
        with asking(again):
            return provenance.said(output) or {}
    return provenance.said(output) or {}


def test_only_what_decides_is_told(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(name.encode())
    told = step(
        tmp_path / "a.tif", others=(tmp_path / "b.tif",), size=5, names=[], workers=3, output=tmp_path / "out" / "x"
    )
    assert told["options"] == {"size": 5}
    assert [one["path"] for one in told["inputs"]["source"]] == ["../a.tif"]
    assert [one["path"] for one in told["inputs"]["others"]] == ["../b.tif"]
    assert str(tmp_path) not in str(told)


def test_choices_are_told_by_what_differs_with_their_files_and_seed(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"w")
    choice = Choice(rate=0.2, seed=9, file=tmp_path / "w.bin")
    told = step("builtin", choice=choice, output=tmp_path / "x")
    assert told["options"] == {"source": "builtin", "rate": 0.2, "file": "w.bin"}
    assert told["seed"] == 9
    assert [one["path"] for one in told["inputs"]["file"]] == ["w.bin"]


def test_an_address_is_told_without_what_may_be_secret(tmp_path: Path) -> None:
    told = step("https://me:pass@host/a.tif?token=t#x", output=tmp_path / "x")
    assert told["inputs"] == {"source": [{"path": "https://host/a.tif", "fingerprint": None}]}


def test_a_run_that_goes_on_is_what_it_was_begun_as(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"w")
    choice = Choice(rate=0.5, file=tmp_path / "w.bin")
    began = step("m", choice=choice, output=tmp_path / "x")
    went_on = step("m", again=choice, output=tmp_path / "x")
    assert began["options"] == went_on["options"]
    assert began["inputs"] == went_on["inputs"]
    assert began["seed"] == went_on["seed"] == 3
