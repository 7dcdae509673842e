"""Colours as CIE L*a*b* (D65) of sRGB: lightness can be changed and tints stay.

Source: CIE 15; IEC 61966-2-1 for sRGB's curve and primaries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _TO_XYZ.sum(axis=1)
_TO_RGB = np.linalg.inv(_TO_XYZ)
_EDGE = 6 / 29
WHITEST = 100.0
"""L* of white."""


def to_lab(rgb: NDArray[np.floating]) -> NDArray[np.floating]:
    """L*, a*, b* (3, …) of red, green and blue (3, …), 0–1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - the standard's
    x, y, z = _bent(_mixed(_TO_XYZ / _WHITE[:, None], linear))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def to_rgb(lab: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverse of `to_lab`; colours that a screen cannot show are cut to 0–1."""
    y = (lab[0] + 16) / 116
    bent = np.stack([y + lab[1] / 500, y, y - lab[2] / 200])
    light = np.where(bent > _EDGE, bent**3, 3 * _EDGE**2 * (bent - 4 / 29))
    linear = np.clip(_mixed(_TO_RGB * _WHITE, light), 0, 1)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))  # noqa: PLR2004


def _mixed(matrix: NDArray[np.float64], values: NDArray[np.floating]) -> NDArray[np.floating]:
    # band by band: a product of matrices may add up in another order for other sizes
    return np.stack([sum(float(w) * band for w, band in zip(row, values, strict=True)) for row in matrix])


def _bent(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(values > _EDGE**3, np.cbrt(np.maximum(values, 0)), values / (3 * _EDGE**2) + 4 / 29)
