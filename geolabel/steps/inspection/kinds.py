"""What a name stands for, told by what is there and by what files begin with; never by how they are called."""

from __future__ import annotations

import glob
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geolabel import files, raster
from geolabel.alerts import LAYER
from geolabel.embeddings.header import KEY
from geolabel.errors import GeolabelError, InputError, listed
from geolabel.raster.mistaken import mistaken, worded
from geolabel.raster.profile import read_profile
from geolabel.raster.region.inputs import expand
from geolabel.steps.inspection.folder import read_record
from geolabel.steps.models import built_in
from geolabel.vector.summary import layers_of

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["raster", "tiles", "embeddings", "model", "folder", "alerts", "layers", "scheme"]
KNOWN = (
    "rasters, tile indexes, embeddings, models, schemes, vector layers, and the folders of predict, change, train, "
    "evaluate and label --report"
)
_PARQUET, _ZIP, _SQLITE = b"PAR1", b"PK\x03\x04", b"SQLite format 3\0"
_PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_HEAD = 64
_GEOJSON = {
    *("FeatureCollection", "Feature", "GeometryCollection", "Topology", "Point", "LineString", "Polygon"),
    *("MultiPoint", "MultiLineString", "MultiPolygon"),
}
_LARGEST_TEXT = 64 << 20
"""A text that is looked through whole, to tell what it is."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What a name stands for."""

    kind: Kind
    name: str
    record: dict[str, Any] | None = None
    """The manifest of a folder that geolabel made."""

    @property
    def path(self) -> Path:
        """The file or folder; rasters and models may have none."""
        return Path(self.name)


def tell(name: str) -> Thing:
    """Tell what a file, a folder, a pattern, an address or a model's name stands for.

    Raises InputError where it is missing or empty, or nothing that geolabel knows.
    """
    path = Path(name).expanduser()
    if name == "-":
        raise InputError("-: standard input is not read; save what it gives as a file, and name that")
    if "://" in name or name.startswith("/vsi"):
        return Thing("raster", name)
    try:
        there = path.exists()
    except OSError as error:  # a name that no disk takes
        raise InputError(f"{name[:80]}: no such file ({error.strerror})") from error
    if not there and name in built_in():
        return Thing("model", name)
    if not there and glob.has_magic(name):
        return Thing("raster", name)
    if not there:
        raise InputError(
            f"{name}: no such file or folder, and no model that comes with geolabel ({listed(built_in())}); "
            "look for a slip in it"
        )
    return _folder(path) if path.is_dir() else _file(path)


def _folder(path: Path) -> Thing:
    record = read_record(path)
    if record is not None:
        return Thing("folder", str(path), record)
    if any(path.glob("*.safetensors")) and (path / files.RECORD).exists():
        raise InputError(f"{path / files.RECORD}: names no command of geolabel's; name the file in the folder instead")
    return Thing("raster", str(path))


def _file(path: Path) -> Thing:
    files.check_readable(path, "a file")
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    name = str(path)
    if head.startswith(_PARQUET):
        return Thing(_parquet(path), name)
    if head.startswith(_PICKLES) or _is_safetensors(head) or (head.startswith(_ZIP) and _is_pickled(path)):
        return Thing("model", name)  # its reader says why not, where it is none
    if head.startswith(_SQLITE):
        return Thing(_sqlite(path), name)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json(path)
    if _is_scheme(path):
        return Thing("scheme", name)
    return _by_opening(path)


def _parquet(path: Path) -> Kind:
    """What the table says of itself; whether that is true, its reader finds out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError):  # cut off: all that geolabel writes are indexes
        return "tiles"
    if b"geolabel" not in metadata:
        return "layers"
    try:
        told = json.loads(metadata[b"geolabel"])
    except ValueError:
        return "tiles"
    return "embeddings" if isinstance(told, dict) and told.get(KEY) is not None else "tiles"


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes that tell how long a JSON text is, and its beginning."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") > 1


def _is_pickled(path: Path) -> bool:
    """Whether a zip archive is what torch.save writes."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return any(entry.endswith("data.pkl") for entry in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _sqlite(path: Path) -> Kind:
    """A GeoPackage holds layers, or rasters alone."""
    try:
        _, layers = layers_of(path)
    except InputError:
        if _opens(lambda: read_profile(path)):  # a container of rasters among them
            return "raster"
        raise
    told = [layer.name for layer in layers] == [LAYER] and "alert_id" in layers[0].fields
    return "alerts" if told else "layers"


def _json(path: Path) -> Thing:
    """GeoJSON, a STAC item, or a manifest, which stands for its folder."""
    if path.stat().st_size > _LARGEST_TEXT:
        return Thing("layers", str(path))
    value = files.read_json(path, "GeoJSON, a STAC item or the run.json of a folder")
    told = value if isinstance(value, dict) else {}
    if _is_stac(told):
        return Thing("raster", str(path))
    if told.get("type") in _GEOJSON:
        return Thing("layers", str(path))
    if path.name == files.RECORD and isinstance(told.get("command"), str):
        return Thing("folder", str(path.parent), read_record(path.parent))
    raise InputError(f"{path}: is JSON, but no GeoJSON, STAC item or run.json; inspect knows {KNOWN}")


def _is_stac(told: dict[str, Any]) -> bool:
    """Whether JSON is a catalogue, a collection, or one or many items, which are GeoJSON with files."""
    if "stac_version" in told or told.get("type") in ("Catalog", "Collection"):
        return True
    features = told.get("features")
    first = features[0] if isinstance(features, list) and features else told
    return isinstance(first, dict) and isinstance(first.get("assets"), dict)


def _is_scheme(path: Path) -> bool:
    if path.stat().st_size > _LARGEST_TEXT:
        return False
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        return path.suffix.lower() == ".toml"  # its reader says in which line it is wrong
    if "class" in value:
        return True
    if path.suffix.lower() == ".toml":
        raise InputError(f"{path}: is TOML without [[class]] tables, so no scheme; inspect knows {KNOWN}")
    return False


_PICTURES = {
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}


def _by_opening(path: Path) -> Thing:
    """What only its reader can tell: first as a raster, then as vectors; where it is neither, what it seems to be."""
    if path.suffix.lower() == ".zip" and _opens(lambda: expand([str(path)])):
        return Thing("raster", str(path))
    if raster.is_raster(path):
        return Thing("raster", str(path))
    if _opens(lambda: layers_of(path)):
        return Thing("layers", str(path))
    sure = mistaken(path)
    if sure:
        raise InputError(f"{path}: {sure}")
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    cut = next(
        (f"is a {name} that is truncated or damaged" for at, name in _PICTURES.items() if head.startswith(at)), ""
    )
    seems = cut or worded(path) or "is no file of a kind that GDAL or geolabel reads"
    raise InputError(f"{path}: {seems}; inspect knows {KNOWN}")


def _opens(read: Callable[[], object]) -> bool:
    try:
        read()
    except GeolabelError:
        return False
    return True
