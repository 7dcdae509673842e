"""The page of `geolabel explore` with 50,000 tiles in a browser, beside the same points by Bokeh.

Headless Chromium without a GPU, 1300 × 900 px. First picture: from asking for the file to the first frame in which the
plot is drawn. Steps: the mouse moves, or its wheel turns, 24 times; from each to the second frame after it, which shows
what it asked for. Two frames take 33 ms at the least, and an empty page shows what else the way to the browser costs.
Drawing: what geolabel's program itself takes of it. Bokeh, in an environment of its own: a scatter of the same points
and colours with the tile's picture on hover, JPEG in the data as its documentation does it; once on a plain canvas,
where it draws 500 of the points while they move and all afterwards, and once by WebGL.

Run: python benchmarks/explore.py, then this; needs playwright and Chromium [--repeats 3]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from labels_run import environment
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable

    Steps = dict[str, list[float]]

OUT = Path(__file__).parent / "out"
OURS = OUT / "explore" / "50000-tiles.html"
STEPS, AIM_MS = 24, 16
DRAW = """([projection, gesture]) => {
    project(projection);
    return Array.from({length: 41}, (_, at) => {
        const began = performance.now();
        if (gesture === "turn") plot.turn(.03, .01);
        else if (gesture === "zoom") plot.zoomAt(at % 2 ? 1.2 : 1 / 1.2);
        else plot.move(plot.k, plot.x + (at % 2 ? 3 : -3), plot.y);
        plot.draw();
        return performance.now() - began;
    }); }"""
DRAWN = "document.querySelector('canvas') || [...document.querySelectorAll('*')].some((one) => one.shadowRoot)"
NOW = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
TAKE = """async () => {
    const found = {u: [], v: [], color: [], pictures: []}, side = 32;
    const canvas = new OffscreenCanvas(side, side), ink = canvas.getContext("2d");
    for (let row = 0; row < COUNT; row++) {
        drawPicture(ink, row, 0, 0, side, side);
        const blob = await canvas.convertToBlob({type: "image/jpeg", quality: .8});
        found.pictures.push(btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer()))));
        found.u.push(plot.u[row]); found.v.push(-plot.v[row]); found.color.push(hex(paint[row]));
    }
    return found; }"""
BOKEH = """
import sys
import numpy as np
from bokeh.models import HoverTool
from bokeh.plotting import figure, output_file, save
kept = np.load(sys.argv[1])
pictures = ["data:image/jpeg;base64," + one for one in kept["pictures"].tolist()]
for way in ("canvas", "webgl"):
    output_file(f"{sys.argv[2]}-{way}.html", mode="inline")
    plot = figure(width=840, height=620, output_backend=way, tools="pan,wheel_zoom")
    plot.add_tools(HoverTool(tooltips="<img src='@picture' width=64>"))
    columns = {"x": kept["x"], "y": kept["y"], "color": kept["color"], "picture": pictures}
    plot.scatter("x", "y", color="color", size=3, line_color=None, source=columns)
    save(plot)
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser needed for a page."""

    first_s: float
    steps_ms: Steps
    drawing_ms: dict[str, float]
    """Of the program alone; {} where nobody can ask it."""


def main() -> None:
    """A row a page and gesture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rivals = make_rivals(browser)
        empty = OUT / "explore" / "empty.html"
        empty.write_text("<!doctype html><title>Nothing</title><canvas></canvas>", encoding="utf-8")
        rivals["nothing"] = empty
        runs: dict[str, list[Opened]] = {"geolabel": [], **{name: [] for name in rivals}}
        for _ in range(given.repeats):
            runs["geolabel"].append(opened(browser, OURS, ours))
            for name, path in rivals.items():
                runs[name].append(opened(browser, path, theirs))
        browser.close()
    for name, path in {"geolabel": OURS, **rivals}.items():
        found = runs[name]
        first = statistics.median(one.first_s for one in found)
        print(f"\n{name}: {path.stat().st_size / 1e6:.1f} MB, first picture after {first:.1f} s")
        for gesture in found[0].steps_ms:
            steps = np.concatenate([one.steps_ms[gesture] for one in found])
            drawing = [one.drawing_ms[gesture] for one in found if gesture in one.drawing_ms]
            told = f", drawing {statistics.median(drawing):.1f} ms (aim {AIM_MS})" if drawing else ""
            print(f"  {gesture:12} steps {np.median(steps):6.0f} ms, 95 % {np.quantile(steps, 0.95):6.0f} ms{told}")


def opened(browser: Any, path: Path, gestures: Callable[[Any], tuple[Steps, dict[str, float]]]) -> Opened:
    """Open a page in a fresh window and do with it what `gestures` does."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(path.as_uri())
    page.wait_for_function(DRAWN)
    first = page.evaluate(NOW)
    found = Opened(first / 1e3, *gestures(page))
    context.close()
    return found


def ours(page: Any) -> tuple[Steps, dict[str, float]]:
    """Pan, zoom and turn."""
    page.evaluate("decoding")
    flat, space = (page.evaluate(f"DATA.projections.findIndex((one) => one.dimensions === {dims})") for dims in (2, 3))
    page.select_option("#markers", "dots")
    box = page.locator("#plot").bounding_box()
    page.evaluate(f"project({flat})")
    steps = {"pan": dragged(page, box), "zoom": rolled(page, box)}
    page.evaluate(f"plot.whole(false); project({space})")
    steps["turn"] = dragged(page, box)
    drawing = {
        gesture: statistics.median(page.evaluate(DRAW, [space if gesture == "turn" else flat, gesture]))
        for gesture in steps
    }
    return steps, drawing


def theirs(page: Any) -> tuple[Steps, dict[str, float]]:
    """Pan and zoom."""
    box = {"x": 60, "y": 20, "width": 740, "height": 560}
    return {"pan": dragged(page, box), "zoom": rolled(page, box)}, {}


def dragged(page: Any, box: dict[str, float]) -> list[float]:
    """Milliseconds a step while the mouse drags."""
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    found = [
        step_ms(page, lambda at=at: page.mouse.move(x + 80 * np.sin(at / 4), y + 40 * np.cos(at / 4)))
        for at in range(STEPS)
    ]
    page.mouse.up()
    return found


def rolled(page: Any, box: dict[str, float]) -> list[float]:
    """The same while its wheel turns, in and out."""
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return [step_ms(page, lambda at=at: page.mouse.wheel(0, -40 if at < STEPS / 2 else 40)) for at in range(STEPS)]


def step_ms(page: Any, act: Callable[[], None]) -> float:
    """From a gesture to the second frame after it, in which what it asked for is seen."""
    began = time.perf_counter()
    act()
    page.evaluate(NOW)
    return (time.perf_counter() - began) * 1e3


def make_rivals(browser: Any) -> dict[str, Path]:
    """Bokeh's pages, of the points, colours and pictures of geolabel's."""
    python = environment(OUT / "explore-peers", ("bokeh", "numpy", "pillow", "pandas"))
    made = {name: OUT / "explore" / f"bokeh-{name}.html" for name in ("canvas", "webgl")}
    if not all(path.exists() for path in made.values()):
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(OURS.as_uri())
        page.evaluate("decoding")
        given = page.evaluate(TAKE)
        page.close()
        table = OUT / "explore" / "bokeh.npz"
        np.savez(table, x=given["u"], y=given["v"], color=given["color"], pictures=given["pictures"])
        subprocess.run([python, "-c", BOKEH, table, OUT / "explore" / "bokeh"], check=True)
    return {"Bokeh, canvas": made["canvas"], "Bokeh, WebGL": made["webgl"]}


if __name__ == "__main__":
    main()
