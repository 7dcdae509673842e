"""Records that are right, and odd all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geolabel.steps.inspection.prediction import source_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_names_of_many_rasters_are_no_name_of_a_file(tmp_path: Path) -> None:
    """A prediction of many rasters names them all in one text, longer than a file's name may be."""
    names = ", ".join(f"S2A_20230101T000000_{number:03}.tif" for number in range(60))
    assert source_of(tmp_path, names, "abc") is None
