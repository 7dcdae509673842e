"""Colours as people write them."""

from __future__ import annotations


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0–255, of #rrggbb."""
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
