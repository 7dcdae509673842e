"""BigEarthNet's real example patches, and what is wrong with damaged ones."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from geolabel.errors import TableError
from geolabel.labels.bigearthnet import read_patches
from geolabel.labels.scheme_file import find_scheme
from geolabel.labels.table import to_scheme

NINETEEN = {
    "S2A_MSIL2A_20170613T101031_87_48": {"arable_land", "agriculture_with_nature"},
    "S2A_MSIL2A_20170617T113321_36_85": {"arable_land", "pastures"},
    "S2A_MSIL2A_20170617T113321_4_55": {"pastures"},
    "S2A_MSIL2A_20171221T112501_56_35": {
        *("complex_cultivation", "agriculture_with_nature", "broad_leaved_forest"),
        "transitional_woodland_shrub",
    },
    "S2B_MSIL2A_20170924T93020_69_24": {
        *("coniferous_forest", "mixed_forest", "transitional_woodland_shrub", "inland_wetlands", "inland_waters"),
    },
    "S2B_MSIL2A_20180204T94161_57_38": {"arable_land", "coniferous_forest", "mixed_forest"},
}
"""By hand, after the table of Sumbul et al. 2021 (arXiv 2105.07921): peatbogs are inland wetlands, and so on."""


@pytest.fixture(scope="module")
def patches(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bigearthnet")
    with tarfile.open(shared_data / "bigearthnet" / "BigEarthNet-S2-Example.tar.bz2") as archive:
        members = [member for member in archive if member.name.endswith(".json")]
        archive.extractall(folder, members, filter="data")
    return folder


def described(patches: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in patches.rglob("*.json")}


def test_real_patches_have_the_labels_that_they_name(patches: Path) -> None:
    table = read_patches(patches)
    real = described(patches)
    assert set(table.images) == set(real)
    for image, row in zip(table.images, table.labels, strict=True):
        assert {name for name, value in zip(table.classes, row, strict=True) if value} == set(real[image]["labels"])
        assert set(row.tolist()) <= {0.0, 1.0}, "a patch has all its labels"
    days = dict(zip(table.images, table.attributes["acquired"].tolist(), strict=True))
    assert days == {image: patch["acquisition_date"] for image, patch in real.items()}


def test_real_patches_lie_where_they_lie(patches: Path) -> None:
    table = read_patches(patches)
    zones = {"33N": "EPSG:32633", "29N": "EPSG:32629", "35N": "EPSG:32635"}
    assert table.lon_lat is not None
    for image, lon_lat in zip(table.images, table.lon_lat, strict=True):
        patch = described(patches)[image]
        corners = patch["coordinates"]
        assert corners["lrx"] - corners["ulx"] == corners["uly"] - corners["lry"] == 1200
        crs = next(code for zone, code in zones.items() if zone in patch["projection"])
        to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        np.testing.assert_allclose(lon_lat, to_degrees.transform(corners["ulx"] + 600, corners["lry"] + 600), atol=1e-7)


def test_real_patches_in_the_nineteen_classes(patches: Path) -> None:
    scheme = find_scheme("bigearthnet-19")
    table = to_scheme(read_patches(patches), scheme, patches)
    found = {
        image: {name for name, value in zip(table.classes, row, strict=True) if value == 1}
        for image, row in zip(table.images, table.labels, strict=True)
    }
    assert found == NINETEEN
    assert not np.isnan(table.labels).any()
    assert list(table.classes) == [name for name in scheme.names if any(name in labels for labels in NINETEEN.values())]


def write(folder: Path, name: str, content: Any) -> Path:
    patch = folder / name
    patch.mkdir(parents=True)
    path = patch / f"{name}_labels_metadata.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


PLACE = {"coordinates": {"ulx": 0, "uly": 1200, "lrx": 1200, "lry": 0}, "projection": "EPSG:32631"}


def test_a_patch_without_labels_is_unknown_and_one_without_a_place_has_none(tmp_path: Path) -> None:
    write(tmp_path, "a", {"labels": ["Pastures"], **PLACE})
    write(tmp_path, "b", {"labels": []})
    write(tmp_path, "c", {"labels": ["Olive groves", "Pastures"], "coordinates": None, "projection": None})
    table = read_patches(tmp_path)
    assert table.classes == ("Olive groves", "Pastures")
    np.testing.assert_array_equal(table.labels, np.array([[0, 1], [np.nan] * 2, [1, 1]], np.float32))
    assert np.isnan(table.lon_lat).all(axis=1).tolist() == [False, True, True]
    assert table.attributes["acquired"].tolist() == ["", "", ""]


DAMAGED: dict[str, tuple[Any, str]] = {
    "cut": ('{"labels": ["Pastu', "is no patch description of BigEarthNet .*; unpack it again"),
    "empty": ("", "is no patch description of BigEarthNet .*; unpack it again"),
    "a list": (["Pastures"], "is no patch description of BigEarthNet .*; unpack it again"),
    "null": (None, "is no patch description of BigEarthNet .*; unpack it again"),
    "no labels": ({"label": ["Pastures"]}, "is no patch description of BigEarthNet .*'labels'.*; unpack it again"),
    "labels as text": ({"labels": "Pastures"}, "its labels are no list of names; unpack it again"),
    "labels as numbers": ({"labels": [231]}, "its labels are no list of names; unpack it again"),
    "a corner missing": (
        {"labels": ["Pastures"], **PLACE, "coordinates": {"ulx": 0}},
        "its coordinates are damaged .*; unpack it again",
    ),
    "corners as text": (
        {"labels": ["Pastures"], **PLACE, "coordinates": {"ulx": "0", "uly": 1, "lrx": 2, "lry": 3}},
        "its coordinates are damaged .*; unpack it again",
    ),
    "corners as a list": (
        {"labels": ["Pastures"], **PLACE, "coordinates": [0, 1200, 1200, 0]},
        "its coordinates are damaged .*; unpack it again",
    ),
    "no projection of that name": (
        {"labels": ["Pastures"], **PLACE, "projection": "PROJCS[nonsense"},
        "its coordinates are damaged .*; unpack it again",
    ),
    "nowhere": (
        {"labels": ["Pastures"], **PLACE, "coordinates": {"ulx": 1e30, "uly": 1e30, "lrx": 1e30, "lry": 1e30}},
        "its coordinates are damaged .*; unpack it again",
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_patches_are_named(tmp_path: Path, kind: str) -> None:
    content, says = DAMAGED[kind]
    write(tmp_path, "good", {"labels": ["Pastures"], **PLACE})
    write(tmp_path, "bad", content)
    with pytest.raises(TableError, match=rf"bad_labels_metadata\.json: {says}") as caught:
        read_patches(tmp_path)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    write(tmp_path, "bad", {"labels": []}).write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(TableError, match=r"bad_labels_metadata\.json: is no patch description"):
        read_patches(tmp_path)


def test_a_folder_without_patches_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no \*_labels_metadata\.json in it or below; give the folder of BigEarthNet"):
        read_patches(tmp_path)
    write(tmp_path, "a", {"labels": []})
    with pytest.raises(TableError, match=r"no patch has any label"):
        read_patches(tmp_path)
