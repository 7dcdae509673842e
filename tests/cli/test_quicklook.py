"""The picture in a terminal: two pixels a character, within the screen, only where it is wanted."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from geolabel.cli import quicklook, show
from geolabel.cli.quicklook import fitted, print_look, show_look
from geolabel.steps.inspection.sheet import Look

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster


def _terminal(width: int = 80, height: int = 50) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=width, height=height, markup=False
    )


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(width=st.integers(1, 300), height=st.integers(1, 300), columns=st.integers(8, 120), rows=st.integers(4, 40))
def test_a_picture_fits_and_keeps_its_form(width: int, height: int, columns: int, rows: int) -> None:
    small = fitted(np.zeros((height, width, 3), np.uint8), columns, 2 * rows)
    high, wide = small.shape[:2]
    assert (wide <= columns, high <= 2 * rows, high % 2) == (True, True, 0)
    scale = min(columns / width, 2 * rows / height, 1)
    assert abs(wide - width * scale) <= 1
    assert abs(high - height * scale) <= 2


def test_colours_of_two_pixels_stand_in_one_character() -> None:
    console = _terminal()
    pixels = np.array([[[255, 0, 0]], [[0, 0, 255]]], np.uint8)
    show_look(console, Look(pixels, "a caption", (("Forest", "#008000"),)))
    told = _printed(console)
    assert "\x1b[38;2;255;0;0;48;2;0;0;255m▀" in told
    assert "a caption" in told
    assert "Forest" in told


def test_a_tall_picture_stays_within_the_screen() -> None:
    console = _terminal(width=60, height=30)
    show_look(console, Look(np.zeros((500, 300, 3), np.uint8), "tall", ()))
    lines = _printed(console).splitlines()
    assert len(lines) <= 30
    assert max(line.count("▀") for line in lines) <= 60


@pytest.mark.parametrize("variable", ["", "NO_COLOR"])
def test_only_a_terminal_with_colours_gets_one(
    write_raster: WriteRaster, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    path: Path = write_raster("r.tif", np.arange(300, dtype="uint8").reshape(3, 10, 10))
    console = _terminal()
    monkeypatch.setattr(quicklook, "Console", lambda **_: console)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    print_look(str(path), ())
    assert ("▀" in _printed(console)) == (not variable)


@pytest.mark.parametrize(
    ("share", "blocks"), [(0.0, ""), (1e-6, "▏"), (0.5, "█" * 8), (1.0, "█" * 16), (0.25 + 1 / 32, "████▌")]
)
def test_a_bar_is_as_long_as_its_share(share: float, blocks: str) -> None:
    found = show._bar(share, "#008000", 16).plain
    assert re.fullmatch(rf"\s*{100 * share:.1f} % {blocks}", found)
