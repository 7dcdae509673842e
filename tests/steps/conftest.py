"""What the tests of the label report share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.steps.label_region import Region

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


@pytest.fixture
def region(tmp_path: Path, write_raster: WriteRaster) -> Region:
    return Region(tmp_path, write_raster)
