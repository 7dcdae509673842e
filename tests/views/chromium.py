"""A page in a real browser, as the tests of all pages with a program open it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def launched() -> Iterator[Any]:
    """Chromium; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt install chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser: Any, report: Path, fragment: str = "", **options: Any) -> Iterator[Any]:
    """The page in a fresh window; afterwards, that it asked for nothing and had nothing to complain of."""
    context = browser.new_context(reduced_motion="reduce", **{"viewport": {"width": 1300, "height": 900}} | options)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_default_timeout(5000)
    page.goto(report.as_uri() + fragment)
    yield page
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert said == []
    assert page.evaluate("window.broken") is None
    context.close()


def settled(page: Any) -> None:
    """After what is due has been drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
