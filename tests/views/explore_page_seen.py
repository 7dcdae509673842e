"""What the page of an exploration holds, and what a browser shows of it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np

from tests.views.chromium import settled


def data_of(html: str) -> Any:
    """The numbers in a page."""
    found = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def unpacked(entry: dict[str, str]) -> np.ndarray:
    """Numbers as the page carries them."""
    return np.frombuffer(base64.b64decode(entry["data"]), dtype="<" + entry["type"])


def where(page: Any, view: str, row: int) -> tuple[float, float]:
    """Where a tile is drawn, in the window."""
    x, y = page.evaluate(f"[{view}.x + {view}.k * {view}.u[{row}], {view}.y + {view}.k * {view}.v[{row}]]")
    box = page.locator("#" + view).bounding_box()
    return box["x"] + x, box["y"] + y


def mean_color(page: Any, canvas: str, box: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Mean red, green, blue of a canvas, or of x, y, width, height within it."""
    script = """([found, box]) => { const canvas = document.querySelector(found);
        const [x, y, w, h] = box || [0, 0, canvas.width, canvas.height];
        const ink = new OffscreenCanvas(w, h).getContext("2d", {willReadFrequently: true}), sums = [0, 0, 0];
        ink.drawImage(canvas, -x, -y);
        const {data} = ink.getImageData(0, 0, w, h);
        data.forEach((value, at) => { if (at % 4 < 3) sums[at % 4] += value; });
        return sums.map((sum) => sum * 4 / data.length); }"""
    return np.array(page.evaluate(script, [canvas, box]))


def decoded(page: Any) -> None:
    """After the pictures that are asked for have come."""
    page.evaluate("decoding")
    settled(page)


def drag(page: Any, *places: tuple[float, float], key: str = "", button: str = "left") -> None:
    """Along places of the window."""
    page.mouse.move(*places[0])
    if key:
        page.keyboard.down(key)
    page.mouse.down(button=button)
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up(button=button)
    if key:
        page.keyboard.up(key)
    settled(page)


def chosen(page: Any) -> list[int]:
    """Rows that are selected."""
    return sorted(page.evaluate("seen.rows"))
