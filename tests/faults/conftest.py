"""Materials for all that is disturbed, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.jobs import prepare


@pytest.fixture(scope="session")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the jobs read; not to be written to."""
    folder = tmp_path_factory.mktemp("materials")
    prepare(folder)
    return folder
