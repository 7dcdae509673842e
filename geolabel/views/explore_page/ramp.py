"""Colours of numbers: even to the eye, dark blue to light yellow, so that the colour-blind see their order."""

from __future__ import annotations

import numpy as np

_HUE_DEG = (285.0, 105.0)
_CHROMA = (0.115, 0.125)
_STEPS = 64
_LINEAR_UNTIL = 0.0031308
"""sRGB is a line up to here, and a power from here (IEC 61966-2-1)."""
_TO_LMS = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def ramp(dark: float, light: float) -> list[str]:
    """#rrggbb from lightness `dark` to `light` of OKLab, 0–1, in even steps (B. Ottosson, 2020)."""
    share = np.linspace(0, 1, _STEPS)
    lightness, chroma = dark + (light - dark) * share, _CHROMA[0] + (_CHROMA[1] - _CHROMA[0]) * share
    hue = np.radians(_HUE_DEG[0] + (_HUE_DEG[1] - _HUE_DEG[0]) * share)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    linear = np.clip(((lab @ _TO_LMS.T) ** 3) @ _TO_RGB.T, 0, 1)
    encoded = np.where(linear <= _LINEAR_UNTIL, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ["#{:02x}{:02x}{:02x}".format(*color) for color in np.rint(encoded * 255).astype(int).tolist()]
