"""Products whose bands are files: Sentinel-2, Landsat, STAC; made here, named as their makers name them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import Resampling

from geolabel import raster
from geolabel.errors import BandError, CRSError, InputError
from geolabel.grid import Window

CORNER = (600_000.0, 4_900_020.0)


def place(gsd_m: float, corner: tuple[float, float] = CORNER) -> Affine:
    return Affine(gsd_m, 0.0, corner[0], 0.0, -gsd_m, corner[1])


def noise(side: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 9000, (1, side, side)).astype("uint16")


def read(path: Path, *bands: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    info = raster.describe(path, bands)
    with raster.open_raster(info) as reader:
        pixels, valid = reader.read(Window(0, 0, info.width, info.height))
    return dict(zip(info.band_names, pixels, strict=True)), valid


def write_jp2(path: Path, pixels: np.ndarray, gsd_m: float) -> None:
    """JPEG 2000 without loss, in blocks, with a place and no nodata value: as ESA delivers it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "JP2OpenJPEG", "count": 1, "height": pixels.shape[1], "width": pixels.shape[2]}
    profile |= {"dtype": "uint16", "crs": "EPSG:32633", "transform": place(gsd_m)}
    options = {"QUALITY": 100, "REVERSIBLE": "YES", "YCBCR420": "NO", "BLOCKXSIZE": 64, "BLOCKYSIZE": 64}
    with rasterio.open(path, "w", **profile, **options) as dataset:
        dataset.write(pixels)


METADATA = """<?xml version="1.0"?><n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD">
<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>
<BOA_ADD_OFFSET_VALUES_LIST>{}</BOA_ADD_OFFSET_VALUES_LIST></n1:Level-2A_User_Product>"""
OFFSETS = "".join(f'<BOA_ADD_OFFSET band_id="{number}">-1000</BOA_ADD_OFFSET>' for number in range(13))
STEM = "T33TUL_20230615T100031"


@pytest.fixture
def safe(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A little SAFE folder: visible bands at 10 m (and again at 20 m), B05 and B8A at 20 m, with SCL and previews."""
    root = tmp_path / "S2B_MSIL2A_20230615T100031_N0509_R122_T33TUL_20230615T130000.SAFE"
    images = root / "GRANULE" / "L2A_T33TUL_A032776_20230615T100032" / "IMG_DATA"
    bands = {name: noise(120, seed) for seed, name in enumerate(("B02", "B03", "B04", "B08"))}
    bands |= {name: noise(60, seed) for seed, name in enumerate(("B05", "B8A"), start=10)}
    for pixels in bands.values():
        side = pixels.shape[1]
        pixels[:, : side // 3, : side // 6] = 0
    for name, pixels in bands.items():
        gsd_m = 10 if pixels.shape[1] == 120 else 20
        write_jp2(images / f"R{gsd_m}m" / f"{STEM}_{name}_{gsd_m}m.jp2", pixels, gsd_m)
    write_jp2(images / "R20m" / f"{STEM}_B02_20m.jp2", noise(60, 20), 20)
    write_jp2(images / "R20m" / f"{STEM}_SCL_20m.jp2", noise(60, 21), 20)
    write_jp2(images / "R10m" / f"{STEM}_TCI_10m.jp2", noise(120, 22), 10)
    (root / "MTD_MSIL2A.xml").write_text(METADATA.format(OFFSETS))
    return root, bands


def upsampled(pixels: np.ndarray) -> np.ndarray:
    """Twice as fine, bilinear, nodata left out: numpy's word against GDAL's."""
    seen = (pixels[0] != 0).astype(float)
    values, weights = (np.pad(plane, 1, mode="constant") for plane in (pixels[0] * seen, seen))
    side = pixels.shape[1]
    at = (np.arange(2 * side) + 0.5) / 2 + 0.5  # positions on the padded plane
    low = np.floor(at).astype(int)
    part = at - low
    sums = []
    for plane in (values, weights):
        rows = plane[low] * (1 - part)[:, None] + plane[low + 1] * part[:, None]
        sums.append(rows[:, low] * (1 - part) + rows[:, low + 1] * part)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[0] / sums[1])


def test_sentinel2_safe(tmp_path: Path, safe: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, bands = safe
    path = raster.gather([str(root)], tmp_path / "region")
    info = raster.describe(path)
    assert info.band_names == ("blue", "green", "red", "nir", "rededge1", "nir08")
    assert info.place.transform == place(10)
    assert {(band.scale, band.offset) for band in info.bands} == {(1e-4, -0.1)}
    found, valid = read(path)
    for name, band in (("blue", "B02"), ("green", "B03"), ("red", "B04"), ("nir", "B08")):
        np.testing.assert_array_equal(found[name], bands[band][0])
    np.testing.assert_array_equal(valid, bands["B02"][0] > 0)
    for name, band in (("rededge1", "B05"), ("nir08", "B8A")):
        expected = upsampled(bands[band])
        far = np.abs(found[name][valid] - expected[valid]) > 0.51
        assert far.sum() <= 3  # at the corner of what is nodata, GDAL weighs rows and columns apart


def test_sentinel2_of_before_2022_in_a_zip_with_bands_chosen(
    tmp_path: Path, safe: tuple[Path, dict[str, np.ndarray]]
) -> None:
    root, bands = safe
    (root / "MTD_MSIL2A.xml").write_text(METADATA.format(""))
    archive = shutil.make_archive(str(tmp_path / "product"), "zip", root.parent, root.name)
    path = raster.gather([archive], tmp_path / "region", bands=["nir08", "rededge1"])
    info = raster.describe(path)
    assert info.place.transform == place(20)  # nothing finer is asked for
    assert {(band.scale, band.offset) for band in info.bands} == {(1e-4, 0)}
    np.testing.assert_array_equal(read(path)[0]["nir08"], bands["B8A"][0])
    with pytest.raises(BandError, match=r"no band named swir16; the product has blue, .*--bands"):
        raster.gather([archive], tmp_path / "region", bands=["swir16"])
    assert raster.fingerprint(path) == raster.fingerprint(path)


def test_a_product_that_is_not_whole_is_refused(tmp_path: Path, safe: tuple[Path, dict[str, np.ndarray]]) -> None:
    root, _ = safe
    (root / "MTD_MSIL2A.xml").unlink()
    with pytest.raises(InputError, match=r"\.SAFE: the product lacks MTD_MSIL2A\.xml"):
        raster.gather([str(root)], tmp_path / "region")
    (root / "MTD_MSIL2A.xml").write_text(METADATA.format(""))
    shutil.rmtree(root / "GRANULE")
    with pytest.raises(InputError, match=r"lacks the files of its bands"):
        raster.gather([str(root)], tmp_path / "region")
    (tmp_path / "other.zip").write_bytes(b"not a zip")
    with pytest.raises(InputError, match=r"other\.zip: is no zip file"):
        raster.gather([str(tmp_path / "other.zip")], tmp_path / "region")


def test_band_files_may_be_named_by_folder_glob_or_one_by_one(
    tmp_path: Path, safe: tuple[Path, dict[str, np.ndarray]]
) -> None:
    root, bands = safe
    folder = next(root.glob("GRANULE/*/IMG_DATA/R10m"))
    names = [str(path) for path in sorted(folder.iterdir())]
    for inputs in ([str(folder)], [str(folder / "*_B0?_10m.jp2")], names):
        found, _ = read(raster.gather(inputs, tmp_path / "region"))
        assert list(found) == ["blue", "green", "red", "nir"]  # TCI is no band
        np.testing.assert_array_equal(found["nir"], bands["B08"][0])


LANDSAT = "LC08_L2SP_226068_20200716_20200912_02_T1"


@pytest.mark.parametrize(
    ("sensor", "numbers"),
    [
        ("LC08", {"blue": 2, "green": 3, "red": 4, "nir": 5, "swir16": 6, "swir22": 7}),
        ("LE07", {"blue": 1, "green": 2, "red": 3, "nir": 4, "swir16": 5, "swir22": 7}),
    ],
)
def test_landsat(tmp_path: Path, write_raster, sensor: str, numbers: dict[str, int]) -> None:
    stem = LANDSAT.replace("LC08", sensor)
    bands = {name: noise(40, number) for name, number in numbers.items()}
    for name, number in numbers.items():
        write_raster(f"scene/{stem}_SR_B{number}.TIF", bands[name], transform=place(30), nodata=0)
    write_raster(f"scene/{stem}_QA_PIXEL.TIF", noise(40, 30), transform=place(30))
    write_raster(f"scene/{stem}_ST_B10.TIF", noise(40, 31), transform=place(30))
    (tmp_path / "scene" / f"{stem}_MTL.xml").write_text("<a/>")
    path = raster.gather([str(tmp_path / "scene")], tmp_path / "region", bands=["red", "swir16"])
    info = raster.describe(path)
    assert [(band.name, band.scale, band.offset) for band in info.bands] == [
        ("red", 2.75e-05, -0.2),
        ("swir16", 2.75e-05, -0.2),
    ]
    for name, pixels in read(path)[0].items():
        np.testing.assert_array_equal(pixels, bands[name][0])


def test_two_scenes_in_one_folder_are_two(tmp_path: Path, write_raster) -> None:
    planes = {(scene, band): noise(30, 10 * scene + band) for scene in (0, 1) for band in (3, 4)}
    for (scene, band), pixels in planes.items():
        corner = (CORNER[0] + 300 * scene, CORNER[1])
        write_raster(f"scenes/T33TUL_2023061{scene}_B0{band}.tif", pixels, transform=place(10, corner))
    found, valid = read(raster.gather([str(tmp_path / "scenes")], tmp_path / "region"))
    assert valid.all()
    for name, band in (("green", 3), ("red", 4)):
        np.testing.assert_array_equal(found[name], np.concatenate([planes[0, band][0], planes[1, band][0]], axis=1))


def test_real_bigearthnet_patch(tmp_path: Path, shared_data: Path) -> None:
    """Twelve bands at 10, 20 and 60 m, as files; rasterio resamples the coarse ones itself."""
    shutil.unpack_archive(shared_data / "bigearthnet" / "BigEarthNet-S2-Example.tar.bz2", tmp_path, filter="data")
    folder = next(tmp_path.glob("*/S2A_*"))
    path = raster.gather([str(folder)], tmp_path / "region")
    found, valid = read(path)
    assert len(found) == 12
    assert valid.all()
    for name, band in (("red", "B04"), ("rededge1", "B05"), ("coastal", "B01")):
        with rasterio.open(next(folder.glob(f"*_{band}.tif"))) as dataset:
            expected = dataset.read(1, out_shape=(120, 120), resampling=Resampling.bilinear)
        assert np.abs(found[name].astype(int) - expected).max() <= 1


# STAC


def write_item(folder: Path, write_raster, name: str, *, version: str = "1.0", shift_m: float = 0.0) -> Path:
    corner = (CORNER[0] + shift_m, CORNER[1])
    common = {"red": "B04", "nir": "B08"}
    assets: dict = {}
    for seed, (band, own) in enumerate(common.items()):
        write_raster(f"{folder.name}/{name}/{own}.tif", noise(30, seed), transform=place(10, corner))
        values = {"nodata": 0, "scale": 0.0001, "offset": -0.1}
        if version == "1.0":
            fields = {"eo:bands": [{"name": own, "common_name": band}], "raster:bands": [values]}
        else:
            words = {"nodata": 0, "raster:scale": 0.0001, "raster:offset": -0.1}
            fields = {"bands": [{"name": own, "eo:common_name": band, **words}]}
        kind = "image/tiff; application=geotiff; profile=cloud-optimized"
        assets[band] = {"href": f"./{name}/{own}.tif", "type": kind, "roles": ["data"], **fields}
    visual = [{"name": "B04", "common_name": "red"}, {"name": "B03", "common_name": "green"}]
    assets["visual"] = {"href": "gone.tif", "type": "image/tiff", "roles": ["visual"], "eo:bands": visual}
    assets["scl"] = {"href": "gone.tif", "type": "image/tiff", "roles": ["data"]}
    assets["thumbnail"] = {"href": "gone.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    item = {"type": "Feature", "stac_version": version, "id": name, "assets": assets, "links": [], "properties": {}}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(item))
    return path


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_stac_item(tmp_path: Path, write_raster, version: str) -> None:
    (tmp_path / "stac").mkdir()
    item = write_item(tmp_path / "stac", write_raster, "a", version=version)
    path = raster.gather([str(item)], tmp_path / "region")
    info = raster.describe(path)
    assert [(band.name, band.scale, band.offset) for band in info.bands] == [
        ("red", 0.0001, -0.1),
        ("nir", 0.0001, -0.1),
    ]
    assert info.nodata == 0
    np.testing.assert_array_equal(read(path)[0]["nir"], noise(30, 1)[0])


def test_stac_collections(tmp_path: Path, write_raster) -> None:
    folder = tmp_path / "stac"
    folder.mkdir()
    items = [write_item(folder, write_raster, name, shift_m=300 * at) for at, name in enumerate("ab")]
    features = [json.loads(item.read_text()) for item in items]
    (folder / "search.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    links = [
        {"rel": "self", "href": "./collection.json"},
        *({"rel": "item", "href": f"./{each}.json"} for each in "ab"),
    ]
    (folder / "collection.json").write_text(json.dumps({"type": "Collection", "links": links}))
    catalog = {"type": "Catalog", "links": [{"rel": "child", "href": "stac/collection.json"}]}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    expected = np.concatenate([noise(30, 0)[0]] * 2, axis=1)
    for name in ("stac/search.json", "stac/collection.json", "catalog.json"):
        path = raster.gather([str(tmp_path / name)], tmp_path / "region")
        np.testing.assert_array_equal(read(path)[0]["red"], expected)


def test_red_edges_that_share_a_name_are_told_apart(tmp_path: Path, write_raster) -> None:
    assets = {}
    for seed, name in enumerate(("B05", "B06", "B8A")):
        write_raster(f"{name}.tif", noise(20, seed), transform=place(20))
        bands = [{"name": name, "common_name": "rededge"}]
        assets[name] = {"href": f"{name}.tif", "type": "image/tiff", "eo:bands": bands}
    (tmp_path / "item.json").write_text(json.dumps({"type": "Feature", "id": "a", "assets": assets}))
    found, _ = read(raster.gather([str(tmp_path / "item.json")], tmp_path / "region"))
    assert list(found) == ["rededge1", "rededge2", "nir08"]


def test_an_item_of_one_picture_is_that_picture(tmp_path: Path, write_raster) -> None:
    picture = write_raster("img.tif", noise(16, 1))
    assets = {"data": {"href": f"./{picture.name}", "type": "image/tiff; application=geotiff", "roles": ["data"]}}
    (tmp_path / "item.json").write_text(json.dumps({"type": "Feature", "id": "a", "assets": assets}))
    found = raster.gather([str(tmp_path / "item.json")], tmp_path / "region")
    assert found.suffix != ".json"
    np.testing.assert_array_equal(next(iter(read(found)[0].values())), noise(16, 1)[0])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            {"type": "Feature", "id": "x", "assets": {"t": {"href": "t.jpg", "type": "image/jpeg"}}},
            r"no assets .*: t\)",
        ),
        ({"type": "FeatureCollection", "features": []}, "holds no STAC item"),
        ({"type": "Polygon"}, "is no STAC item"),
        ([1, 2], "is no STAC item"),
        ({"type": "Feature", "id": "x", "assets": {"b": None}}, "is damaged STAC"),
        ({"type": "Feature", "id": "x", "assets": {"b": {"href": None, "type": "image/tiff"}}}, "no assets"),
        ({"type": "FeatureCollection", "features": None}, "is damaged STAC"),
    ],
)
def test_what_is_no_stac_is_refused(tmp_path: Path, content: object, told: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"a\.json.*{told}"):
        raster.gather([str(tmp_path / "a.json")], tmp_path / "region")


def test_bands_that_do_not_go_together_are_named(tmp_path: Path, write_raster) -> None:
    write_raster("a/x_B03.tif", noise(30, 0))
    write_raster("a/x_B04.tif", noise(30, 0).astype("float32"))
    with pytest.raises(BandError, match=r"red has float32 pixels, green uint16"):
        raster.gather([str(tmp_path / "a")], tmp_path / "region")
    write_raster("b/x_B03.tif", noise(30, 0))
    write_raster("b/x_B04.tif", noise(30, 0), crs="EPSG:32632")
    with pytest.raises(CRSError, match=r"red and green lie in different CRSs"):
        raster.gather([str(tmp_path / "b")], tmp_path / "region")
