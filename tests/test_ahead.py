"""Items made in a thread: the same ones, in order, and nothing left behind."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.ahead import ahead


@given(st.lists(st.integers()), st.integers(1, 4))
def test_the_items_are_the_same(items: list[int], count: int) -> None:
    with ahead(iter(items), count) as taken:
        assert list(taken) == items


def test_they_are_made_in_another_thread_and_not_too_far_ahead() -> None:
    made: list[int] = []
    names: set[str] = set()

    def items():
        for number in range(100):
            made.append(number)
            names.add(threading.current_thread().name)
            yield number

    with ahead(items(), 2) as taken:
        for number in taken:
            assert len(made) <= number + 5
            if number == 10:
                break
    assert names == {"ahead"}
    assert len(made) < 20
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_an_error_is_raised_where_the_items_are_used_and_the_source_is_closed() -> None:
    closed = []

    def items():
        try:
            yield 1
            yield 2
            raise ValueError("no three")
        finally:
            closed.append(True)

    with ahead(items()) as taken, pytest.raises(ValueError, match="no three"):
        assert list(taken) == [1, 2]
    with ahead(items()) as taken:
        assert next(taken) == 1
    assert closed == [True, True]
