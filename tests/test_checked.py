"""Values out of JSON: what is right comes through, what is wrong is named by its place, and nothing else is raised."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.checked import DEEPEST, Told, check, fields_of, is_one_line, parse
from geolabel.errors import DamagedError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
READS = (
    Told.table,
    Told.items,
    Told.entries,
    Told.text,
    Told.texts,
    Told.flag,
    Told.number,
    Told.whole,
    Told.numbers,
    lambda told: told["a"],
    lambda told: told.get("a"),
    lambda told: told.only(("a",)),
    lambda told: told.one_of(("a", "b")),
    lambda told: told.number(least=0, most=1),
    lambda told: fields_of(told, Some),
)


@dataclass(frozen=True)
class Some:
    """One field of each kind."""

    size: int = 3
    lr: float = 0.1
    name: str = ""
    on: bool = False
    way: Literal["near", "far"] = "near"
    limit: float | None = None
    paths: tuple[Path, ...] = field(default=())


@given(JSON)
def test_nothing_but_damaged_error_is_raised(value: Any) -> None:
    for read in READS:
        try:
            read(Told(value, "x"))
        except DamagedError as error:
            said = str(error)
        else:
            continue
        assert "x" in said


@given(st.binary(max_size=60) | st.text().map(lambda text: text.encode()))
def test_bytes_are_json_or_refused(content: bytes) -> None:
    try:
        parse(content)
    except DamagedError:
        return
    json.loads(content)


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (
            lambda told: told["bands"].items()[1]["std"].number(above=0),
            r"'bands\[1\]\.std' must be a number above 0, got -1",
        ),
        (lambda told: told["bands"].items()[0]["std"], r"'bands\[0\]\.std' is missing"),
        (lambda told: told["bands"].items(3), "'bands' must be a list of 3, got a list of 2"),
        (lambda told: told["size"].whole(), "'size' must be a whole number, got 2.5"),
        (lambda told: told["size"].text(), "'size' must be a text, got 2.5"),
        (lambda told: told["huge"].number(), "'huge' must be a number, got a number without end"),
        (lambda told: told["on"].number(), "'on' must be a number, got True"),
        (lambda told: told.only(("bands", "size", "huge")), "'on' is unknown"),
        (lambda told: told.items(), "it must be a list, got a table of 4"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(read: Any, says: str) -> None:
    told = Told({"bands": [{}, {"std": -1}], "size": 2.5, "huge": 10**400, "on": True})
    with pytest.raises(DamagedError, match=f"^{says}$"):
        read(told)


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    assert Told(3.0).whole() == 3
    assert Told(2**63).whole() == 2**63


def test_depth_and_halves_of_characters() -> None:
    assert parse("[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)).value
    for text in ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "[" * 100_000, '"\\ud800"', '{"\\udfff": 1}', "1" * 5000):
        with pytest.raises(DamagedError):
            parse(text)
    with pytest.raises(DamagedError, match="nan"):
        Told(math.nan).number()


def test_a_long_value_is_quoted_in_part() -> None:
    with pytest.raises(DamagedError) as raised:
        Told("x" * 10_000, "name").number()
    assert len(str(raised.value)) < 120


def test_fields_are_of_the_types_that_they_are_declared_with() -> None:
    told = Told({"size": 4, "lr": 1, "on": True, "way": "far", "limit": None, "paths": ["a", "b"]})
    assert Some(**fields_of(told, Some)) == Some(4, 1.0, "", True, "far", None, (Path("a"), Path("b")))
    for wrong in ({"size": 4.5}, {"lr": "1"}, {"on": 1}, {"way": "up"}, {"paths": "a"}, {"surprise": 1}, {"lr": None}):
        with pytest.raises(DamagedError):
            fields_of(Told(wrong), Some)


def test_one_line() -> None:
    assert all(map(is_one_line, ("", "forêt", "São\u00a0Paulo", "森林", "👩‍🌾")))
    assert not any(map(is_one_line, ("a\nb", "a\0", "\u2028", "\x1b[31m", "\ud800")))


@given(JSON)
def test_whatever_passes_can_be_written(value: Any) -> None:
    try:
        check(value)
    except DamagedError:
        return
    json.dumps(value, ensure_ascii=False).encode()
