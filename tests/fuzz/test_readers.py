"""Whatever is done to a file of geolabel's own, its reader raises GeolabelError, or nothing."""

from __future__ import annotations

import shutil
import warnings
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.__main__ import met
from tests.fuzz.readers import READERS
from tests.fuzz.valid import add_rest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Way

_SLOW = {"config": 10, "model": 30, "index: description": 40, "index: columns": 40}
_MANY, _FEW = 60, 25
"""Inputs; those that take long get by with fewer."""


@pytest.fixture(scope="module")
def folder(way: Way, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valid files, one for every reader; a test puts back what it damages."""
    found = tmp_path_factory.mktemp("fuzz") / "valid"
    shutil.copytree(way.folder, found)
    return add_rest(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_refused_or_read(folder: Path, name: str) -> None:
    reader = READERS[name]
    path = folder / reader.file
    valid, random = path.read_bytes(), Random(name)
    try:
        assert not met(reader, folder)
        for _ in range(_SLOW.get(name, _FEW if reader.file.startswith(("run/", "region.geolabel/")) else _MANY)):
            path.write_bytes(reader.damaged(random, valid))
            kept = path.read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert not met(reader, folder), kept[:2000]
    finally:
        path.write_bytes(valid)
        shutil.rmtree(folder / "out", ignore_errors=True)
