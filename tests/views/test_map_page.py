"""What the page holds, read from its HTML and its JSON."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from affine import Affine
from PIL import Image

from geolabel import geodesy, raster
from geolabel.errors import OutputError
from geolabel.grid import Grid
from geolabel.steps.map_page import write_map_page
from geolabel.steps.map_page_plots import headline, plots
from geolabel.steps.quicklook import Dated, display_grid
from geolabel.vector import Layer
from geolabel.views.map_page import Bars, Stack
from tests.views.map_page_scene import EVIL, alerts, text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WriteRaster

UTM = "EPSG:32631"


class Elements(HTMLParser):
    """Texts of scripts and styles, and all attributes by which a page can ask for something or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str]] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self._in in ("script", "style") and data.strip():
            self.texts.append((self._in, data))


def squares(*corners: tuple[float, float], side: float = 100, crs: str = UTM) -> Layer:
    polygons = np.array([shapely.box(x, y - side, x + side, y) for x, y in corners], dtype=object)
    return alerts(polygons, np.zeros(len(polygons), dtype=bool), geodesy.area_ha(polygons, crs), crs)


def image_of(write_raster: WriteRaster, **options: Any) -> Dated:
    pixels = np.random.default_rng(1).integers(1, 2000, (3, 120, 160)).astype(np.uint16)
    path = write_raster("after.tif", pixels, descriptions=["red", "green", "blue"], **options)
    return Dated("after.tif", None, raster.describe(path))


def data_of(path: Path) -> Any:
    found = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def placed(data: Any, row: int) -> np.ndarray:
    """Corners of the first ring of a row, in pixels."""
    return np.cumsum(np.array(data["outlines"][row][0][0]).reshape(-1, 2), axis=0) / 100


def lonlat(data: Any, col: float, row: float) -> tuple[float, float]:
    """Degrees by hand from the lattice, at a node."""
    cells = len(data["lon"]) - 1
    at = round(row / data["height"] * cells), round(col / data["width"] * cells)
    return data["lon"][at[0]][at[1]], data["lat"][at[0]][at[1]]


def test_the_policy_allows_this_program_and_nothing_else(tmp_path: Path, write_raster: WriteRaster):
    layer = squares((500_200, 5_499_800))
    write_map_page(tmp_path / "r.html", title=EVIL, layer=layer, images=[image_of(write_raster)], attribution=[EVIL])
    page = Elements()
    page.feed((tmp_path / "r.html").read_text(encoding="utf-8"))
    policy = next(value for name, value in page.attributes if "default-src" in value)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    kinds = [tag for tag, _ in page.texts]
    assert kinds == ["style", "script", "script"]
    for _, words in (page.texts[0], page.texts[2]):
        assert base64.b64encode(hashlib.sha256(words.encode()).digest()).decode() in policy
    assert not [name for name, _ in page.attributes if name in ("src", "href", "style") or name.startswith("on")]


def test_outlines_lie_on_the_pixels_of_the_image(tmp_path: Path, write_raster: WriteRaster):
    layer = squares((500_200, 5_499_800), (501_000, 5_499_300))
    write_map_page(tmp_path / "r.html", title="t", layer=layer, images=[image_of(write_raster)])
    data = data_of(tmp_path / "r.html")
    # UTM's scale is .9996 here: a pixel is 10.004 m on the ground both ways, and the page's are the image's
    assert (data["width"], data["height"]) == (160, 120)
    assert data["gsd_m"] == pytest.approx(10 / 0.9996, rel=1e-4)
    assert data["north_deg"] == pytest.approx(0, abs=0.1)
    corners = placed(data, 0)
    assert corners.min(axis=0).tolist() == pytest.approx([20, 20], abs=0.02)
    assert corners.max(axis=0).tolist() == pytest.approx([30, 30], abs=0.02)
    west, north = geodesy.reproject(np.array([500_000.0]), np.array([5_500_000.0]), UTM, "EPSG:4326")[0]
    assert lonlat(data, 0, 0) == pytest.approx((west, north), abs=1e-6)
    with Image.open(io.BytesIO(base64.b64decode(data["images"][0]["src"].split(",")[1]))) as picture:
        assert picture.size == (160, 120)


def test_images_in_degrees_have_square_pixels_on_the_ground(write_raster: WriteRaster):
    transform = Affine(0.0001, 0, 10.0, 0, -0.0001, 60.0)
    image = image_of(write_raster, crs="EPSG:4326", transform=transform)
    grid = display_grid(image.info.place, Layer("x", np.array([], dtype=object), {}, "EPSG:4326"))
    across, down = grid.gsd_m
    assert across == pytest.approx(down, rel=0.02)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32760"])
def test_the_antimeridian_parts_nothing(tmp_path: Path, write_raster: WriteRaster, crs: str):
    corner = geodesy.reproject(np.array([179.99]), np.array([-16.0]), "EPSG:4326", crs)[0]
    step = 0.0002 if crs == "EPSG:4326" else 20.0
    image = image_of(write_raster, crs=crs, transform=Affine(step, 0, corner[0], 0, -step, corner[1]))
    beyond = shapely.box(-179.995, -16.01, -179.990, -16.005)  # west of 180° the image begins, this is east of it
    layer = alerts(np.array([beyond]), np.zeros(1, bool), np.ones(1), "EPSG:4326")
    write_map_page(tmp_path / "r.html", title="t", layer=layer, images=[image])
    data = data_of(tmp_path / "r.html")
    assert data["width"] < 260
    middle = placed(data, 0).mean(axis=0)
    assert 0 < middle[0] < data["width"]
    assert 0 < middle[1] < data["height"]
    lon = np.array(data["lon"])
    assert np.ptp(lon) < 1


def test_pages_of_great_images_stay_small(tmp_path: Path, write_raster: WriteRaster):
    pixels = np.random.default_rng(2).integers(1, 250, (3, 2100, 2600), dtype=np.uint8)  # noise: the worst case
    info = raster.describe(write_raster("big.tif", pixels))
    images = [Dated("big.tif", np.datetime64(f"20{year}-01-01"), info) for year in (20, 21)]
    write_map_page(tmp_path / "r.html", title="t", layer=squares((500_200, 5_499_800)), images=images)
    data = data_of(tmp_path / "r.html")
    assert max(data["width"], data["height"]) == 2048
    assert [image["date"] for image in data["images"]] == ["2020-01-01", "2021-01-01"]
    assert all(len(image["src"]) < 700_000 * 4 / 3 + 100 for image in data["images"])


def test_detections_without_dates_and_without_anything_at_all(tmp_path: Path, write_raster: WriteRaster):
    image = image_of(write_raster)
    columns = {
        "class": text("mine", "water"),
        "title": text("Mine", "Water"),
        "probability": np.array([0.7, 0.9]),
        "area_ha": np.array([1.0, 2.5]),
        "pixels": np.array([100, 250]),
        "color": text("#f28c1e", "#2f7fc1"),
    }
    boxes = squares((500_200, 5_499_800), (500_400, 5_499_800)).geometries
    found = Layer("detections", boxes, columns, UTM)
    write_map_page(tmp_path / "r.html", title="t", layer=found, images=[image])
    data = data_of(tmp_path / "r.html")
    assert data["ids"] == ["1", "2"]
    shown = {column["key"]: column.get("values") for column in data["columns"]}
    assert shown["confidence"] == [0.7, 0.9]
    assert "date_first" not in shown
    assert [bars.title for bars in plots(found)] == ["Hectares by class", "How sure", "How large"]
    empty = Layer("detections", boxes[:0], {name: values[:0] for name, values in columns.items()}, UTM)
    write_map_page(tmp_path / "e.html", title="t", layer=empty, images=[image])
    assert data_of(tmp_path / "e.html")["ids"] == []
    assert headline(empty) == [("0", "detections"), ("0 ha", "detected")]


def test_sums_by_hand(write_raster: WriteRaster):
    layer = squares(*((500_000 + 150.0 * at, 5_500_000) for at in range(4)))
    layer.columns["area_ha"][:] = 1.0, 2.0, 4.0, 8.0  # type: ignore[index]
    layer.columns["protected_ha"][:] = 0.5, 0.0, 4.0, 0.25  # type: ignore[index]
    layer.columns["date_first"][:] = np.array(["2019-05-01", "2021-01-01", "2021-02-01", "2021-12-31"], "M8[D]")  # type: ignore[index]
    # the third is withdrawn
    assert headline(layer)[:3] == [("3", "alerts"), ("11 ha", "lost"), ("0.75 ha", "in protected areas")]
    assert headline(layer)[-1] == ("1", "withdrawn, not counted")
    years, sure, large = plots(layer)
    assert years.labels == ("2019", "2020", "2021")
    assert years.stacks == (Stack("Forest loss", "#d7301f", (1.0, 0.0, 10.0)),)
    assert sum(sure.stacks[0].values) == 3
    assert large.stacks[0].values == (0, 0, 1, 1, 1, 0, 0, 0, 0)


def test_pictures_are_for_the_surest(tmp_path: Path, write_raster: WriteRaster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("geolabel.steps.map_page._PICTURES", 2)
    layer = squares(*((500_000 + 150.0 * at, 5_500_000) for at in range(4)))
    (tmp_path / "chips").mkdir()
    for name in layer.columns["alert_id"]:
        Image.new("RGB", (192, 192), "red").save(tmp_path / "chips" / f"{name}-after.jpg")
    write_map_page(
        tmp_path / "r.html", title="t", layer=layer, images=[image_of(write_raster)], chips=tmp_path / "chips"
    )
    chips = data_of(tmp_path / "r.html")["chips"]
    assert sorted(chips) == ["0", "1"]
    assert chips["0"][0] == ""
    assert chips["0"][1].startswith("data:image/webp;base64,")
    assert "pictures for the 2 surest" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_same_bytes_and_never_over_another_file(tmp_path: Path, write_raster: WriteRaster):
    image, layer = image_of(write_raster), squares((500_200, 5_499_800))
    for name in "ab":
        write_map_page(tmp_path / f"{name}.html", title="t", layer=layer, images=[image])
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_map_page(tmp_path / "a.html", title="t", layer=layer, images=[image])


def test_bars_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="labels"):
        Bars("t", "x", "y", ("a", "b"), (Stack("s", "#000000", (1.0,)),))


def test_a_grid_of_a_page_is_never_finer_than_its_image():
    image = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_500_000), 100, 50)
    grid = display_grid(image, squares((500_990, 5_499_990)))
    assert grid.width == 109  # the layer reaches 90 m beyond
    assert grid.height >= 50
