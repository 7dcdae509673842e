"""The page of `label --report`: one file that loads nothing, in which names are text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.steps.label_region import Region


class Links(HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(region: Region):
    report = region.label()
    page = (report / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert not links.open
    assert not links.tags & {"script", "link", "iframe"}
    pictures = [link for link in links.found if link.startswith("data:image/png;base64,")]
    assert len(pictures) == 50
    beside = {link for link in links.found if not link.startswith("data:")}
    assert beside == {path.name for path in report.iterdir()} - {"report.html", "run.json"}
    assert not re.search(r"https?://", page)
    for words in ("Cohen’s kappa", "Class balance", "Labels to doubt", "first.tif", "Forest"):
        assert words in page


def test_names_are_text_on_the_page(region: Region):
    strange = '<b>mine</b> & "co"'
    text = region.legend.read_text(encoding="utf-8").replace("mine", '"<b>mine</b> & ""co"""')
    region.legend.write_text(text, encoding="utf-8")
    page = (region.label() / "report.html").read_text(encoding="utf-8")
    assert strange not in page
    assert "&lt;b&gt;mine&lt;/b&gt; &amp; &quot;co&quot;" in page
