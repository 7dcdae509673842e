"""The page in a real browser: clicks, keys, filters, phones, and that nothing leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely

from geolabel.steps.chips import write_chips
from geolabel.steps.map_page import write_map_page
from geolabel.steps.quicklook import Dated
from tests.views.chromium import opened, settled
from tests.views.map_page_scene import EVIL, lost, write_scene

if TYPE_CHECKING:
    from geolabel.vector import Layer


@pytest.fixture(scope="module")
def layer() -> Layer:
    return lost()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, layer: Layer) -> Path:
    folder = tmp_path_factory.mktemp("page")
    images = write_scene(folder)
    ids, before, after = (layer.columns[name].tolist() for name in ("alert_id", "source_before", "source_after"))
    (folder / "chips").mkdir()
    write_chips(folder / "chips", layer, ids, before, after, images=images)
    dates = (np.datetime64("2021-01-05"), np.datetime64("2024-07-30"))
    write_map_page(
        folder / "report.html",
        title=f"Alerts of {EVIL}",
        layer=layer,
        images=[Dated(name, date, info) for (name, info), date in zip(images.items(), dates, strict=True)],
        chips=folder / "chips",
        attribution=[EVIL],
        about=EVIL,
    )
    return folder / "report.html"


def test_a_row_for_every_alert_surest_first(browser: Any, report: Path, layer: Layer):
    with opened(browser, report) as page:
        rows = page.locator("tbody tr")
        assert rows.count() == len(layer.geometries)
        assert float(rows.nth(0).locator("td").nth(0).inner_text()) == layer.columns["confidence"].max()
        assert page.evaluate("seen.rows.length") == len(layer.geometries)
        assert page.locator("h1").inner_text() == f"Alerts of {EVIL}"
        assert EVIL in page.locator("footer").inner_text()
        assert EVIL in page.locator("tbody tr").nth(0).inner_text()


def test_columns_sort_both_ways(browser: Any, report: Path, layer: Layer):
    ids, area = layer.columns["alert_id"], layer.columns["area_ha"]
    with opened(browser, report) as page:
        head = page.locator('th[data-key="area_ha"]')
        for order, way in (("descending", -1), ("ascending", 1)):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == order
            shown = page.evaluate("seen.rows.map((row) => DATA.ids[row])")
            assert shown == ids[np.argsort(way * area.round(3), kind="stable")].tolist()


def test_filters_narrow_table_and_map(browser: Any, report: Path, layer: Layer):
    columns = layer.columns
    sure = columns["confidence"] >= 0.6
    with opened(browser, report) as page:
        page.locator("#confidence").fill("60")
        assert page.locator("tbody tr").count() == int(sure.sum())
        assert sorted(page.evaluate("seen.rows")) == np.flatnonzero(sure).tolist()
        assert page.locator("#found").inner_text().startswith(f"{int(sure.sum())} of {len(sure)} shown")
        page.locator("#status").select_option("withdrawn")
        assert sorted(page.evaluate("seen.rows")) == np.flatnonzero(sure & (columns["status"] == "withdrawn")).tolist()
        page.locator("#text").fill("no such place")
        assert page.evaluate("seen.rows") == []
        assert "Nothing passes" in page.locator("tbody").inner_text()
        page.locator("#clear").click()
        assert page.evaluate("seen.rows.length") == len(sure)
        page.locator("#text").fill("onerror")
        assert page.evaluate("seen.rows.length") == int((columns["protected_name"] != "").sum())
        page.locator("#clear").click()
        page.locator("#legend input").nth(0).uncheck()
        name = page.locator("#legend label").nth(0).inner_text().split("\n")[0].strip()
        assert sorted(page.evaluate("seen.rows")) == np.flatnonzero(columns["title"] != name).tolist()
        assert page.evaluate("seen.rows.length") < len(sure)


def test_a_click_on_a_row_opens_its_card_and_flies_there(browser: Any, report: Path, layer: Layer):
    with opened(browser, report) as page:
        before = page.evaluate("view.k")
        page.locator("tbody tr").nth(2).click()
        settled(page)
        card = page.locator("#card")
        assert card.is_visible()
        assert "2021-05-20" in card.inner_text()
        assert page.evaluate("seen.selected") == 2
        assert page.evaluate("view.k") > before
        assert page.evaluate("location.hash") == "#loss-0002"
        x, y = page.evaluate(
            "(() => { const [x, y] = middle(2); return [view.k * x + view.x, view.k * y + view.y]; })()"
        )
        box = page.locator("#map").bounding_box()
        assert 0 < x < box["width"]
        assert 0 < y < box["height"]
        assert card.locator(".pair img").count() == 2
        assert page.evaluate("[...document.querySelectorAll('.pair img')].every((image) => image.naturalWidth === 160)")
        clip = card.locator("img.top").evaluate("(image) => image.style.clipPath")
        card.locator(".pair input").fill("20")
        assert card.locator("img.top").evaluate("(image) => image.style.clipPath") != clip
        lat, lon = map(float, card.locator(".where input").input_value().split(","))
        assert -12.9 < lat < -12.6
        assert -70.5 < lon < -70.2
        assert card.locator("a").get_attribute("href") == f"geo:{lat:.5f},{lon:.5f}"


def place_inside(layer: Layer) -> list[float]:
    """A pixel well within the first polygon; the page's pixels are those of the scene."""
    from geolabel.steps.demo_world import grid_of
    from tests.views.map_page_scene import SIZE

    middle = shapely.get_coordinates(shapely.maximum_inscribed_circle(layer.geometries[0]))[0]
    col, row = grid_of(SIZE).col_row(middle[:1], middle[1:])
    return [float(col[0]), float(row[0])]


def test_a_click_on_the_map_selects_what_is_there(browser: Any, report: Path, layer: Layer):
    with opened(browser, report) as page:
        page.locator("tbody tr").nth(0).click()
        page.locator("#divider").focus()
        page.keyboard.press("End")  # out of the way
        found = "([x, y]) => [view.k * x + view.x, view.k * y + view.y]"
        inside = page.evaluate(found, place_inside(layer))
        page.keyboard.press("Escape")
        assert not page.locator("#card").is_visible()
        page.locator("#map").click(position={"x": inside[0], "y": inside[1]})
        assert page.locator("#card").is_visible()
        assert page.locator('tr[aria-selected="true"]').get_attribute("data-row") == "0"


def test_keys_alone_are_enough(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.locator("tbody tr").nth(0).focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.row") == "1"
        assert page.locator('tr[aria-selected="true"]').get_attribute("data-row") == "1"
        assert not page.locator("#card").is_visible()
        page.keyboard.press("Enter")
        assert page.locator("#card").is_visible()
        assert page.evaluate("document.activeElement.id") == "card"
        page.keyboard.press("Escape")
        assert not page.locator("#card").is_visible()
        assert page.evaluate("document.activeElement.dataset.row") == "1"
        zoom = page.evaluate("view.k")
        page.keyboard.press("-")
        assert page.evaluate("view.k") < zoom
        page.keyboard.press("+")
        assert page.evaluate("view.k") == pytest.approx(zoom)
        page.locator("#map").focus()
        left = page.evaluate("view.x")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("view.x") == left - 60


def test_the_divider_clips_the_later_image(browser: Any, report: Path):
    clip = "document.getElementById('right').style.clipPath"
    with opened(browser, report) as page:
        assert page.evaluate(clip) == "inset(0px 0px 0px 50%)"
        divider = page.locator("#divider")
        divider.focus()
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(clip) == "inset(0px 0px 0px 48%)"
        assert divider.get_attribute("aria-valuenow") == "48"
        map_box, grip = page.locator("#map").bounding_box(), divider.bounding_box()
        page.mouse.move(grip["x"] + 17, grip["y"] + 200)
        page.mouse.down()
        page.mouse.move(map_box["x"] + map_box["width"] / 4, grip["y"] + 200, steps=4)
        page.mouse.up()
        assert float(divider.get_attribute("aria-valuenow")) == pytest.approx(25, abs=1)
        page.locator("#left-date select").select_option("1")
        assert page.evaluate("document.getElementById('left-image').src === DATA.images[1].src")


def test_a_link_to_an_alert_opens_it(browser: Any, report: Path):
    with opened(browser, report, "#loss-0004") as page:
        assert page.locator("#card").is_visible()
        assert page.evaluate("seen.selected") == 4


def test_what_is_saved_is_what_is_shown(browser: Any, report: Path, layer: Layer, tmp_path: Path):
    import csv

    from shapely.geometry import shape

    from geolabel import geodesy

    wanted = np.flatnonzero(layer.columns["level"] == "high")
    with opened(browser, report, accept_downloads=True) as page:
        page.locator("#level").select_option("high")
        for button, name in (("#csv", "alerts.csv"), ("#geojson", "alerts.geojson")):
            with page.expect_download() as download:
                page.locator(button).click()
            assert download.value.suggested_filename == name
            download.value.save_as(tmp_path / name)
    with (tmp_path / "alerts.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == layer.columns["alert_id"][wanted].tolist()
    assert rows[0]["protected_name"] == EVIL
    features = json.loads((tmp_path / "alerts.geojson").read_text(encoding="utf-8"))["features"]
    saved = np.array([shape(feature["geometry"]) for feature in features], dtype=object)
    true = geodesy.project_geometries(layer.geometries[wanted], layer.crs, "EPSG:4326")
    overlap = shapely.area(shapely.intersection(saved, true)) / shapely.area(shapely.union(saved, true))
    assert overlap.min() > 0.9
    assert all(part.exterior.is_ccw for one in saved for part in one.geoms)


def test_a_phone_shows_all_without_scrolling_sideways(browser: Any, report: Path):
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with opened(browser, report, **phone) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.locator("tbody tr").nth(1).tap()
        assert page.locator("#card").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.locator("#card .steps button").nth(2).tap()
        assert not page.locator("#card").is_visible()


def test_two_fingers_zoom(browser: Any, report: Path):
    with opened(browser, report, has_touch=True) as page:
        before = page.evaluate("view.k")
        page.evaluate("""() => { const map = document.getElementById("map"), frame = map.getBoundingClientRect();
            map.setPointerCapture = () => {};
            const send = (kind, id, x, y) => map.dispatchEvent(new PointerEvent(kind,
              {pointerId: id, pointerType: "touch", clientX: frame.x + x, clientY: frame.y + y, bubbles: true}));
            send("pointerdown", 1, 200, 200); send("pointerdown", 2, 300, 200);
            send("pointermove", 2, 400, 200); send("pointerup", 1, 200, 200); send("pointerup", 2, 400, 200); }""")
        assert page.evaluate("view.k") == pytest.approx(2 * before)


def test_dark_is_dark(browser: Any, report: Path):
    shades = []
    for scheme in ("light", "dark"):
        with opened(browser, report, color_scheme=scheme) as page:
            back = page.evaluate("getComputedStyle(document.body).backgroundColor")
            shades.append(sum(map(int, back[4:-1].split(","))))
    assert shades[0] > 700
    assert shades[1] < 100


def test_five_thousand_outlines_are_drawn_fast(browser: Any, report: Path):
    with opened(browser, report) as page:
        took_ms = page.evaluate("""() => { const all = seen.rows; seen.rows = [];
            while (seen.rows.length < 5000) seen.rows.push(...all);
            const began = performance.now(); for (let at = 0; at < 10; at++) draw();
            return (performance.now() - began) / 10; }""")
    assert took_ms < 200  # on shared cores without a graphics card


def test_print_shows_the_table_and_no_buttons(browser: Any, report: Path):
    with opened(browser, report) as page:
        page.emulate_media(media="print")
        assert page.locator("table").is_visible()
        assert not page.locator("#filters").is_visible()
        assert not page.locator("#zoom").is_visible()
