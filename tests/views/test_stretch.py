"""Values as pictures: which bands, and what is black and white."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geolabel.labels.colour import rgb
from geolabel.views.stretch import shown_bands, stretch_of


@pytest.mark.parametrize(
    ("names", "shown", "caption"),
    [
        (("blue", "green", "red", "nir"), ("red", "green", "blue"), "true colour"),
        (("nir", "red", "green"), ("nir", "red", "green"), "false colour: near infrared, red, green"),
        (("vv", "vh", "angle", "slope"), ("vv", "vh", "angle"), "bands vv, vh, angle as colours"),
        (("height", "slope"), ("height",), "height, in grey"),
    ],
)
def test_bands_that_are_seen(names: tuple[str, ...], shown: tuple[str, ...], caption: str) -> None:
    assert shown_bands(names) == (shown, caption)


def test_true_colour_has_one_stretch_and_others_have_one_each() -> None:
    values = [np.arange(101) * factor for factor in (1, 2, 3)]
    true = stretch_of(values, ("red", "green", "blue"), "uint16")
    assert (true.low.tolist(), true.high.tolist(), true.gamma) == ([1] * 3, [3 * 98] * 3, 0.7)
    false = stretch_of(values, ("nir", "red", "green"), "uint16")
    assert (false.low.tolist(), false.high.tolist()) == ([1, 2, 3], [98, 2 * 98, 3 * 98])
    assert false.brightness(np.array([1, 99, 294], np.float32)[:, None, None]).ravel() == pytest.approx(
        [0, 0.5**0.7, 1]
    )


def test_bytes_are_made_brighter_at_the_most() -> None:
    found = stretch_of([np.arange(101)], ("grey",), "uint8")
    assert (found.low.tolist(), found.high.tolist(), found.gamma) == ([0], [98], 1)
    nothing = stretch_of([np.zeros(0)] * 3, ("red", "green", "blue"), "uint16")
    assert (nothing.low.tolist(), nothing.high.tolist()) == ([0] * 3, [1] * 3)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_come_back(values: tuple[int, int, int]) -> None:
    assert rgb("#{:02x}{:02x}{:02x}".format(*values)) == values
