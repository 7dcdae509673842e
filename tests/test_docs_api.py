"""docs/api.md: every function of the package is on it, with its report, and nothing on it is without a word."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import geolabel
from geolabel import errors

PAGE = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
SHOWN = re.findall(r"^::: (\S+)", PAGE, re.MULTILINE)
CLASSES = [
    name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.GeolabelError)
]


def found(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def shown() -> list[tuple[str, object]]:
    return [(path, found(path)) for path in SHOWN if path != "geolabel.errors"]


@pytest.mark.parametrize("name", geolabel.__all__)
def test_every_function_of_the_package_is_on_the_page(name):
    function = inspect.unwrap(getattr(geolabel, name))
    assert any(inspect.unwrap(each) is function for _, each in shown() if callable(each))
    assert f"heading: geolabel.{name}," in PAGE


def test_the_page_names_no_function_that_the_package_has_not():
    assert set(re.findall(r"heading: geolabel\.(\w+),", PAGE)) == set(geolabel.__all__)


@pytest.mark.parametrize("path", [path for path in SHOWN if path != "geolabel.errors"])
def test_nothing_on_the_page_is_without_a_word(path):
    assert (inspect.getdoc(found(path)) or "").strip()


def test_the_report_of_every_function_is_on_the_page():
    reports = {
        word
        for path, function in shown()
        if inspect.isfunction(function) and path.startswith("geolabel.steps")
        for word in re.findall(
            r"\w*(?:Report|Plan)\b", str(inspect.signature(inspect.unwrap(function)).return_annotation)
        )
    }
    assert len(reports) > 20
    assert reports - {path.rpartition(".")[2] for path in SHOWN} == {"Report"}  # inspect has one for each kind of file


def test_every_error_is_on_the_page():
    members = re.search(r"members: \[(.*)\]", PAGE)
    assert members
    assert set(members[1].split(", ")) == set(CLASSES)
