"""The page in a real browser: pointing, selecting, turning, keys, phones, and that nothing leaves it."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from geolabel.views.explore_page import ExplorePage, document
from tests.views.chromium import opened, settled
from tests.views.explore_page_scene import CLASSES, EVIL, SHADES, plain_pictures, scene
from tests.views.explore_page_seen import chosen, decoded, drag, mean_color, where

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 240


@pytest.fixture(scope="module")
def shown() -> ExplorePage:
    return scene(COUNT)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, shown: ExplorePage) -> Path:
    path = tmp_path_factory.mktemp("explore") / "explore.html"
    path.write_text(document(shown), encoding="utf-8")
    return path


def test_pointing_shows_the_tile_and_its_picture_in_both_views(browser: Any, report: Path, shown: ExplorePage):
    true = plain_pictures(shown.colourings[2].codes * 0, 1)  # noise is the same whatever the class
    noise = true[:, 0, 0].astype(int) - SHADES[0]
    with opened(browser, report) as page:
        for view, row in (("map", 17), ("map", 200), ("plot", None), ("plot", None)):
            place = where(page, view, 40 if row is None else row)
            page.mouse.move(place[0], place[1])
            found = page.evaluate("seen.hover")
            assert found >= 0
            assert row is None or found == row
            decoded(page)
            card = page.locator("#card")
            assert card.locator("h2").inner_text() == f"Tile {shown.tiles[found]}"
            class_at = found % 16 * 3 // 16
            expected = np.clip(SHADES[class_at] + noise[found], 0, 255)
            assert np.abs(mean_color(page, "#card canvas") - expected).max() < 8
            text = card.inner_text()
            assert f"{shown.lon[found]:.5f}, {shown.lat[found]:.5f}" in text
            assert EVIL in text or "a.tif" in text
            page.mouse.move(2, 2)
            assert not card.is_visible()


def test_a_lasso_in_the_plot_is_seen_on_the_map_and_told(browser: Any, report: Path, shown: ExplorePage):
    points = shown.projections[0].points
    wanted = np.flatnonzero((points[:, 1] > 2.4) & (np.abs(points[:, 0]) < 3)).tolist()  # the river, all of it
    with opened(browser, report) as page:
        page.select_option("#markers", "dots")
        box = page.locator("#plot").bounding_box()
        ys = page.evaluate(f"{[int(row) for row in wanted]}.map((row) => plot.y + plot.k * plot.v[row])")
        top, bottom = box["y"] + min(ys) - 12, box["y"] + max(ys) + 12
        left, right = box["x"] + 8, box["x"] + box["width"] - 60
        before = mean_color(page, "#map canvas")
        drag(page, (left, top), (right, top), (right, bottom), (left, bottom), (left, top + 5), key="Shift")
        assert chosen(page) == wanted
        settled(page)
        assert np.abs(mean_color(page, "#map canvas") - before).max() > 10  # the others are pale
        said = page.locator("#said").inner_text()
        assert said.startswith(f"{len(wanted)} tiles selected: ")
        assert "river" in said
        assert page.locator("#chosen .tile").count() == len(wanted)
        page.keyboard.press("Escape")
        assert chosen(page) == []
        assert page.locator("#chosen .tile").count() == 0


def test_a_rectangle_on_the_map_is_seen_in_the_plot(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.select_option("#markers", "dots")
        page.locator('[data-mode="box"]').click()
        one, other = where(page, "map", 16 * 2 + 3), where(page, "map", 16 * 4 + 5)
        drag(page, (one[0] - 5, one[1] - 5), (other[0] + 5, other[1] + 5))
        inside = [16 * row + col for row in (2, 3, 4) for col in (3, 4, 5)]
        assert chosen(page) == inside
        box = page.locator("#plot").bounding_box()
        for row in inside:  # a ring about each
            x, y = where(page, "plot", row)
            about = round(x - box["x"]) - 12, round(y - box["y"]) - 12, 24, 24
            assert mean_color(page, "#plot canvas + canvas", about).max() > 0
        page.keyboard.down("Control")
        page.mouse.click(*where(page, "map", 0))
        page.mouse.click(*where(page, "map", inside[0]))
        page.keyboard.up("Control")
        assert chosen(page) == [0, *inside[1:]]  # one more, and one less


def test_near_tiles_are_pictures_in_plot_and_map(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.select_option("#markers", "dots")
        settled(page)
        assert page.evaluate("[plot.pictures.length, map.pictures.length]") == [0, 0]
        page.select_option("#markers", "zoom")
        for view in ("plot", "map"):
            page.evaluate(f"select([100]); {view}.frame([100])")
            decoded(page)
            assert page.evaluate(f"{view}.pictures.includes(100)")
            x, y = where(page, view, 100)
            box = page.locator("#" + view).bounding_box()
            found = mean_color(page, f"#{view} canvas", (round(x - box["x"]) - 3, round(y - box["y"]) - 3, 6, 6))
            picture = plain_pictures(np.zeros(COUNT, int), 1)[100, 0, 0].astype(int) - SHADES[0]
            assert np.abs(found - np.clip(SHADES[100 % 16 * 3 // 16] + picture, 0, 255)).max() < 8
        assert page.evaluate("map.halves(100).map((half) => half * 2)") == pytest.approx([90, 90], rel=0.2)


def test_pictures_always_keep_apart(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.select_option("#markers", "always")
        page.select_option("#projection", "1")
        decoded(page)
        rows = page.evaluate("plot.pictures")
        assert 3 < len(rows) <= COUNT
        places = np.array(page.evaluate("plot.pictures.map((row) => [plot.k * plot.u[row], plot.k * plot.v[row]])"))
        away = np.abs(places[:, None] - places).max(axis=2) + 1e9 * np.eye(len(rows))
        assert away.min() >= 0.8 * page.evaluate("plot.side") - 1e-3


def test_space_turns_and_what_is_near_is_drawn_last(browser: Any, report: Path, shown: ExplorePage):
    points = shown.projections[1].points.astype(float)
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    scaled = (points - middle) / (np.ptp(points, axis=0).max() / 2)
    with opened(browser, report) as page:
        page.select_option("#projection", "1")
        settled(page)
        places = []
        for step in range(3):
            yaw, pitch = page.evaluate("[plot.turned.yaw, plot.turned.pitch]")
            # two rotations, about the upright axis and then about the level one, and the eye at 4.2
            about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
            about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
            turned = scaled @ (about_x @ about_y).T
            flat = turned[:, :2] * [1, -1] * (4.2 / (4.2 - turned[:, 2:]))
            seen = np.array(page.evaluate("Array.from(plot.u, (u, row) => [u, plot.v[row]])"))
            np.testing.assert_allclose(seen, flat, atol=2e-4)
            order = page.evaluate("Array.from(plot.order)")
            assert np.diff(turned[order, 2]).min() > -2e-3  # within one of the 4,096 steps of depth
            places.append(seen)
            box = page.locator("#plot").bounding_box()
            start = box["x"] + 60, box["y"] + 60
            if step == 0:
                drag(page, start, (start[0] + 90, start[1] + 40))
            else:
                page.locator("#plot").focus()
                page.keyboard.press("ArrowLeft")
        assert np.abs(places[1] - places[0]).max() > 0.1
        assert np.abs(places[2] - places[1]).max() > 0.01
        x = page.evaluate("plot.x")
        drag(page, start, (start[0] + 30, start[1]), button="right")
        assert page.evaluate("plot.x") == pytest.approx(x + 30)


def test_turning_from_near_keeps_what_is_looked_at(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.select_option("#projection", "1")
        page.evaluate("plot.frame([50])")
        settled(page)
        anchor = page.evaluate("plot.anchor()")
        before = where(page, "plot", anchor)
        page.evaluate(f"plot.turn(.4, .2, {anchor})")
        assert where(page, "plot", anchor) == pytest.approx(before, abs=1e-3)


def test_the_legend_counts_and_switches(browser: Any, report: Path, shown: ExplorePage):
    codes = shown.colourings[0].codes
    with opened(browser, report) as page:
        entries = page.locator("#legend label")
        expected = [f"{name} {(codes == code).sum()}" for code, name in enumerate(CLASSES)]
        assert [" ".join(text.split()) for text in entries.all_inner_texts()] == [
            *expected,
            f"unknown {(codes == -1).sum()}",
        ]
        entries.nth(1).click()
        settled(page)
        assert (
            sorted(page.evaluate("Array.from(plot.list.slice(0, plot.shown))")) == np.flatnonzero(codes != 1).tolist()
        )
        x, y = where(page, "map", 16 * 3 + 8)
        page.mouse.click(x, y)
        assert chosen(page) == []
        page.locator("#legend button").nth(1).click()
        settled(page)
        assert page.evaluate("[plot.shown, map.shown]") == [0, 0]
        page.locator("#finding .tile").nth(0).click()  # what is asked for is shown
        settled(page)
        assert chosen(page) == [7]
        assert page.evaluate("seen.on.every(Boolean)")
        page.locator("#legend button").nth(1).click()
        page.locator("#legend button").nth(0).click()
        page.locator("#map").focus()
        page.keyboard.press("0")
        settled(page)
        assert page.evaluate("map.shown") == COUNT
        page.select_option("#colouring", "2")
        assert entries.nth(1).inner_text().startswith(EVIL)


def test_numbers_have_a_bar_and_unknown_ones_are_grey(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.select_option("#colouring", "1")
        assert page.locator("#legend canvas").get_attribute("aria-label").startswith("Score from 0.0")
        assert "unknown 1" in page.locator("#legend").inner_text()
        assert page.evaluate("hex(paint[3])") == "#8a938f"
        low, high = page.evaluate(
            "(() => { const known = [...Array(COUNT).keys()].filter((row) => row !== 3)"
            ".sort((a, b) => colourings[1].codes[a] - colourings[1].codes[b]);"
            "return [hex(paint[known[0]]), hex(paint[known.at(-1)])]; })()"
        )
        assert [low, high] == page.evaluate("[ramp()[0], ramp().at(-1)]")


def test_what_is_saved_is_what_is_selected(browser: Any, report: Path, shown: ExplorePage, tmp_path: Path):
    with opened(browser, report, accept_downloads=True) as page:
        page.locator("#tab-1").click()
        page.locator(".group button:not(.tile)").nth(0).click()
        assert chosen(page) == [4, 5]
        with page.expect_download() as download:
            page.locator("#csv").click()
        assert download.value.suggested_filename == "scene.explore.csv"
        download.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["tile", "lon", "lat", "Source", "Class", "Score", "Split"]
    assert [int(row["tile"]) for row in rows] == shown.tiles[[4, 5]].tolist()
    assert [row["Class"] for row in rows] == ["forest", ""]
    assert [row["Source"] for row in rows] == ["a.tif", EVIL]
    assert [float(row["lon"]) for row in rows] == pytest.approx(shown.lon[[4, 5]])
    assert [float(row["Score"]) for row in rows] == pytest.approx(shown.colourings[1].codes[[4, 5]], rel=1e-6)


def test_findings_lead_to_the_views_and_leaks_are_red(browser: Any, report: Path, shown: ExplorePage):
    with opened(browser, report) as page:
        assert page.locator("#tabs button").all_inner_texts() == ["Outliers6", "Leaks2"]
        page.locator("#finding .tile").nth(1).click()
        assert chosen(page) == [3]
        assert page.evaluate("location.hash").startswith(f"#tile={shown.tiles[3]}&")
        settled(page)
        assert page.evaluate("plot.inSight(3) && map.inSight(3)")
        assert (
            page.evaluate(
                "Math.hypot(map.x + map.k * map.u[3] - map.wide / 2, map.y + map.k * map.v[3] - map.high / 2)"
            )
            < 1
        )
        page.locator("#tab-0").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("#finding h3").all_inner_texts() == ["Pair 1", EVIL]
        border = page.locator(".group").nth(0).evaluate("(box) => getComputedStyle(box).borderColor")
        red, green, blue = map(int, border[4:-1].split(","))
        assert red > 150 > green + blue
        page.locator("#finding .tile").nth(2).focus()
        page.keyboard.press("Enter")
        assert chosen(page) == [8]


def test_a_number_and_an_address_find_a_tile(browser: Any, report: Path):
    with opened(browser, report, "#tile=120&plot=1&colour=2") as page:
        assert chosen(page) == [10]
        assert page.locator("#projection").input_value() == "1"
        assert page.locator("#colouring").input_value() == "2"
        page.locator("#number").fill("140")
        page.keyboard.press("Enter")
        assert chosen(page) == [20]
        page.locator("#number").fill("141")
        page.locator("#find button").click()
        assert page.locator("#missing").inner_text() == "No tile 141"
        assert chosen(page) == [20]


def test_keys_alone_are_enough(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.locator("#map").focus()
        k, x = page.evaluate("[map.k, map.x]")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("map.x") == x - 50
        page.keyboard.press("+")
        assert page.evaluate("map.k") == pytest.approx(1.4 * k)
        assert page.locator("#card").is_visible()
        page.keyboard.press("Enter")
        assert chosen(page) == [page.evaluate("map.rowAt(map.wide / 2, map.high / 2, 40)")]
        page.keyboard.press("0")
        settled(page)
        assert page.evaluate("map.k") == pytest.approx(k)
        page.locator('[data-mode="move"]').focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("seen.mode") == "box"


def test_two_fingers_zoom(browser: Any, report: Path):
    with opened(browser, report, has_touch=True) as page:
        before = page.evaluate("map.k")
        page.evaluate("""() => { const pane = document.getElementById("map"), frame = pane.getBoundingClientRect();
            pane.setPointerCapture = () => {};
            const send = (kind, id, x, y) => pane.dispatchEvent(new PointerEvent(kind,
              {pointerId: id, pointerType: "touch", clientX: frame.x + x, clientY: frame.y + y, bubbles: true}));
            send("pointerdown", 1, 200, 200); send("pointerdown", 2, 300, 200);
            send("pointermove", 2, 400, 200); send("pointerup", 1, 200, 200); send("pointerup", 2, 400, 200); }""")
        assert page.evaluate("map.k") == pytest.approx(2 * before)
        assert chosen(page) == []


def test_a_phone_shows_all_without_scrolling_sideways(browser: Any, report: Path):
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with opened(browser, report, **phone) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.locator("#map").scroll_into_view_if_needed()
        x, y = where(page, "map", 120)
        page.touchscreen.tap(x, y)
        assert chosen(page) == [120]
        card = page.locator("#card").bounding_box()
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= 360
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_dark_is_dark_and_dots_follow(browser: Any, report: Path):
    shades, ramps = [], []
    for scheme in ("light", "dark"):
        with opened(browser, report, color_scheme=scheme) as page:
            back = page.evaluate("getComputedStyle(document.querySelector('.pane')).backgroundColor")
            shades.append(sum(map(int, back[4:-1].split(","))))
            ramps.append(page.evaluate("ramp()[0]"))
    assert shades[0] > 700
    assert shades[1] < 100
    assert ramps[0] < ramps[1]


def test_a_tile_without_a_point_or_place_is_left_out(browser: Any, shown: ExplorePage, tmp_path: Path):
    lon = shown.lon.copy()
    lon[5] = np.nan
    path = tmp_path / "page.html"
    path.write_text(document(replace(shown, lon=lon, side_deg=None)), encoding="utf-8")
    with opened(browser, path) as page:
        page.select_option("#projection", "2")
        settled(page)
        assert page.evaluate("[plot.shown, map.shown]") == [COUNT - 1, COUNT - 1]
        assert "1 tile has no place" in page.locator("#map-caption").inner_text()
        page.locator("#number").fill(str(shown.tiles[5]))
        page.keyboard.press("Enter")
        assert chosen(page) == [5]


def test_a_tile_is_found_where_the_first_has_no_place(browser: Any, shown: ExplorePage, tmp_path: Path):
    lon, lat, side = (np.array(values, dtype=float) for values in (shown.lon, shown.lat, shown.side_deg))
    lon[0] = lat[0] = np.nan
    side[0] = np.nan
    report = tmp_path / "some.html"
    report.write_text(document(replace(shown, lon=lon, lat=lat, side_deg=side)), encoding="utf-8")
    with opened(browser, report) as page:
        page.locator("#number").fill(str(shown.tiles[10]))
        page.keyboard.press("Enter")
        settled(page)
        assert page.evaluate("map.inSight(10) && plot.inSight(10)")
        assert page.evaluate("Number.isFinite(map.k) && Number.isFinite(map.x)")


def test_no_place_no_map_and_no_picture_no_markers(browser: Any, tmp_path: Path):
    path = tmp_path / "page.html"
    path.write_text(document(replace(scene(60, placed=False, pictured=False), findings=())), encoding="utf-8")
    with opened(browser, path) as page:
        assert not page.locator("#map-box").is_visible()
        assert not page.locator("#markers").is_visible()
        assert not page.locator("#findings").is_visible()
        page.mouse.click(*where(page, "plot", 9))
        assert len(chosen(page)) == 1
        assert "Tile " in page.locator("#card").inner_text()
        assert page.locator("#card canvas").count() == 0


def test_fifty_thousand_stay_fluid(browser: Any, tmp_path: Path):
    path = tmp_path / "page.html"
    path.write_text(document(scene(50_000)), encoding="utf-8")
    script = """([projection, turning]) => { project(projection);
        const took = Array.from({length: 15}, () => {
            const began = performance.now();
            if (turning) plot.turn(.03, .01); else plot.move(plot.k, plot.x + 3, plot.y);
            plot.draw();
            return performance.now() - began;
        });
        return took.sort((a, b) => a - b)[7]; }"""
    with opened(browser, path) as page:
        assert page.evaluate(script, [0, False]) < 200  # ms; 7 on an idle core, these are shared
        assert page.evaluate(script, [1, True]) < 200
        assert page.evaluate("[plot.shown, plot.pictures.length, map.pictures.length]") == [50_000, 0, 0]
        # pictures are as many as there is room for, however many tiles there are
        page.select_option("#markers", "always")
        decoded(page)
        room = "({wide, high}, side) => wide * high / (.8 * side) ** 2"
        assert 50 < page.evaluate("plot.pictures.length") < page.evaluate(f"({room})(plot, SMALLEST) + 100")
        assert page.evaluate(script, [1, True]) < 200
        page.evaluate("map.frame([25000])")
        settled(page)
        assert 1 <= page.evaluate("map.pictures.length") == page.evaluate("map.shown") < 2_000


def test_on_fine_screens_what_is_slow_is_coarse_while_it_moves(browser: Any, report: Path):
    def rests(page: Any) -> bool:
        """Whether it becomes fine within five seconds: this machine may be slow."""
        for _ in range(50):
            if page.evaluate("plot.base.width / plot.wide") == pytest.approx(2, abs=0.01):
                return True
            page.wait_for_timeout(100)
        return False

    with opened(browser, report, device_scale_factor=2) as page:
        assert rests(page)
        page.evaluate("plot.slow = true; plot.drawn = performance.now(); plot.draw()")
        assert page.evaluate("plot.base.width / plot.wide") == pytest.approx(1, abs=0.01)
        assert rests(page)
