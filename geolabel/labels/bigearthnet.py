"""BigEarthNet's labels as they come: one JSON a patch, with the names of its CORINE classes.

Source: Sumbul et al. 2019 (arXiv 1902.06148). A patch is a folder with its bands and `<patch>_labels_metadata.json`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import geodesy
from geolabel.errors import CRSError, TableError
from geolabel.labels.table import TagTable

if TYPE_CHECKING:
    from pathlib import Path

_ENDING = "_labels_metadata.json"


def read_patches(folder: Path) -> TagTable:
    """Read the labels of all patches below a folder. A patch has all its labels: others are absent there.

    Raises TableError where there is no patch, or one is damaged.
    """
    found = sorted(folder.rglob(f"*{_ENDING}"))
    if not found:
        raise TableError(f"{folder}: no *{_ENDING} in it or below; give the folder of BigEarthNet, or a CSV of tags")
    patches = [_read(path) for path in found]
    classes = sorted({name for patch in patches for name in patch["labels"]})
    if not classes:
        raise TableError(f"{folder}: no patch has any label")
    column = {name: at for at, name in enumerate(classes)}
    labels = np.zeros((len(found), len(classes)), dtype=np.float32)
    for row, patch in enumerate(patches):
        labels[row, [column[name] for name in patch["labels"]]] = 1.0
        if not patch["labels"]:
            labels[row] = np.nan
    return TagTable(
        images=tuple(path.name.removesuffix(_ENDING) for path in found),
        classes=tuple(classes),
        labels=labels,
        attributes={
            "acquired": np.array([str(patch.get("acquisition_date") or "") for patch in patches], dtype=object)
        },
        lon_lat=np.array([_centre(path, patch) for path, patch in zip(found, patches, strict=True)]),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        patch = json.loads(path.read_text(encoding="utf-8"))
        labels = patch["labels"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TableError(f"{path}: is no patch description of BigEarthNet ({error}); unpack it again") from error
    if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
        raise TableError(f"{path}: its labels are no list of names; unpack it again")
    return dict(patch)


def _centre(path: Path, patch: dict[str, Any]) -> tuple[float, float]:
    """Longitude and latitude of the patch's centre; NaN where it does not say."""
    corners = patch.get("coordinates")
    if not corners or not patch.get("projection"):
        return (np.nan, np.nan)
    try:
        x, y = (float(corners["ulx"] + corners["lrx"]) / 2, float(corners["uly"] + corners["lry"]) / 2)
        lon, lat = geodesy.reproject(np.array([x]), np.array([y]), str(patch["projection"]), "EPSG:4326")[0]
    except (KeyError, TypeError, ValueError, RuntimeError, CRSError) as error:  # pyproj's errors are RuntimeErrors
        raise TableError(f"{path}: its coordinates are damaged ({error}); unpack it again") from error
    return float(lon), float(lat)
