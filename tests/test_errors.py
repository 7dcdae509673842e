"""The tree in the docstring is the tree in the code, and a message is one line."""

from __future__ import annotations

import inspect
import re

from geolabel import errors


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = set(re.findall(r"\b(\w+Error)\b", errors.__doc__))
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    assert drawn == set(classes)
    under_input = set(re.findall(r"│\s+[├└]── (\w+)", errors.__doc__))
    assert {name for name, found in classes.items() if found.__base__ is errors.InputError} == under_input
    others = set(classes) - under_input - {"GeolabelError"}
    assert all(classes[name].__base__ is errors.GeolabelError for name in others)


def test_a_message_is_one_line() -> None:
    assert str(errors.InputError("a.tif: broken\n  at row 3\n")) == "a.tif: broken at row 3"
