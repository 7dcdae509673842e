"""Errors as pictures: names are text, counts are told, and sentences say what the table says."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from geolabel.scoring.mistaken import Confusion
from geolabel.views.error_grids import ClassErrors, ErrorsShown, TileShown, confusions_section, errors_section, sentence
from geolabel.views.thumbnails import thumbnails
from geolabel.views.words import Legend

LEGEND = Legend({"mine": "Mine <b>", "river": "River"}, {})
ALARM = Confusion("false alarm", "mine", "river", 31, 40, 0.19, 4.08, 2.1, 7.9)
MISS = Confusion("miss", "mine", "river", 8, 10, 0.1, 8.0, 2.0, 30.0)


class Read(HTMLParser):
    """Which tags a page has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def tile(number: int, share: float | None = 0.0) -> TileShown:
    return TileShown(number, "a<i>.tif", 0.9, ("river",), share, "1.0,2.0", b"RIFF" if number else None)


def shown(*classes: ClassErrors, confusions: tuple[Confusion, ...] = ()) -> ErrorsShown:
    return ErrorsShown("test", classes, confusions)


def test_every_tile_has_its_picture_and_what_is_known_of_it():
    mine = ClassErrors("mine", 0.5, (tile(0), tile(1, 0.04)), 30, (tile(2, None),), 1, (tile(3, 1.0),))
    right = ClassErrors("river", None, (), 0, (), 0, (tile(4),))
    page = Read(errors_section(shown(mine, right), LEGEND))
    assert not page.open
    pictures = [attrs for tag, attrs in page.tags if tag == "img"]
    assert [one["alt"] for one in pictures] == [f"tile {number} of a<i>.tif" for number in (1, 2, 3)]
    assert all(one["src"] == "data:image/webp;base64,UklGRg==" and one["loading"] == "lazy" for one in pictures)
    assert len([tag for tag, _ in page.tags if tag == "figure"]) == 4  # one has no picture, and is there
    words = ("30 false alarms, 1 miss; found from 0.500", "the surest 2 of 30", "Mine <b> 4.0 %", "No error: River.")
    for said in words:
        assert said in page.text, said
    assert "i" not in {tag for tag, attrs in page.tags if tag == "i" and not attrs}  # names are text
    assert [attrs for tag, attrs in page.tags if tag == "details"] == [{"class": "errors", "open": None}]


def test_many_classes_are_folded():
    many = [ClassErrors(f"c{number}", 0.5, (tile(1),), 1, (), 0, ()) for number in range(5)]
    page = Read(errors_section(shown(*many), LEGEND))
    assert ["open" in attrs for tag, attrs in page.tags if tag == "details"] == [True, True, True, False, False]


def test_what_errors_have_in_common_in_words():
    assert sentence(ALARM, LEGEND) == (
        "Mine <b> is claimed on River in 31 of 40 false alarms, 4.1 × as often as River is in tiles without Mine <b>."
    )
    assert "River is found in error in 8 of 10 tiles, 8.0 ×" in sentence(MISS, LEGEND)
    two = [ClassErrors(name, 0.5, (), 0, (), 0, ()) for name in ("mine", "river")]
    page = Read(confusions_section(shown(*two, confusions=(ALARM, MISS)), LEGEND))
    assert not page.open
    assert sentence(ALARM, LEGEND) in page.text
    assert "31 of 40" in page.text
    assert "2.1–7.9" in page.text
    assert "chance could not have done" in confusions_section(shown(*two), LEGEND)
    assert not confusions_section(shown(two[0]), LEGEND)


def test_all_pictures_have_one_stretch():
    level = [np.full((3, 20, 20), value, np.uint16) for value in (100, 2000, 4000)]
    made = thumbnails([(one, np.ones((20, 20), bool)) for one in level], ("red", "green", "blue"), "WEBP")
    seen = [np.asarray(Image.open(io.BytesIO(one)).convert("L")).mean() for one in made]
    dark, grey, light = seen  # each by itself would be one grey
    assert dark < 10
    assert 100 < grey < 240 < light
