"""QGIS projects (.qgz) without QGIS: groups of layers with their styles in them, found by relative paths."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from geolabel.errors import OutputError
from geolabel.maps import qml

if TYPE_CHECKING:
    from datetime import date

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Earliest time a zip can tell: the same project gives the same bytes."""
_AUTHORITY = re.compile(r"[A-Za-z]+:\w+")


@dataclass(frozen=True, slots=True)
class ProjectLayer:
    """One layer of a project."""

    title: str
    """As in the list of layers."""
    source: str
    """Path relative to the project's folder, with slashes; or what GDAL opens as it is (/vsicurl/…)."""
    kind: Literal["raster", "vector"]
    group: str
    """Title of its group; layers of one group follow each other."""
    crs: str
    """WKT, authority code or PROJ string; empty for a picture without a place."""
    style: str
    """QML, as it would lie beside the file: a project asks neither for that nor for `layer_styles`."""
    table: str = ""
    """Name of a vector layer in its file."""
    visible: bool = True
    expanded: bool = True
    """Whether its legend is shown."""
    opacity: float = 1.0
    """0 to 1."""

    def __post_init__(self) -> None:
        for words in (self.title, self.source, self.group):
            if not qml.is_text(words):
                raise OutputError(f"layer {self.title!r}: {words!r} is empty or holds control characters; rename it")
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"an opacity is 0 to 1, got {self.opacity}")
        if bool(self.table) != (self.kind == "vector"):
            raise ValueError(f"layer {self.title!r}: a vector layer has a table, a raster has none")


@dataclass(frozen=True, slots=True)
class Project:
    """What a project shows."""

    title: str
    crs: str
    """WKT, authority code or PROJ string; x comes first in `extent` whatever it says."""
    extent: tuple[float, float, float, float]
    """(west, south, east, north) of what is to be seen at first, in CRS units."""
    layers: tuple[ProjectLayer, ...]
    """From above."""
    attribution: tuple[str, ...] = ()
    """Whose data it is made of."""
    either_or: frozenset[str] = frozenset()
    """Groups of which one layer is shown at a time: to choose one hides the other."""
    dates: tuple[date, date] | None = None
    """First and last day of what the temporal controller runs over."""


def project_bytes(project: Project) -> bytes:
    """The .qgz of a project: QGIS 3.22 and newer open it. Raises OutputError (texts that no XML holds)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("project.qgs", _EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, qml.text(_root(project)))
    return stream.getvalue()


def _root(project: Project) -> ET.Element:
    if not qml.is_text(project.title):
        raise OutputError(f"{project.title!r}: a project's title is empty or holds control characters; rename it")
    root = ET.Element("qgis", version=qml.QGIS, projectname=project.title)
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = project.title
    _crs(ET.SubElement(root, "projectCrs"), project.crs)
    # QGIS gives an id of its own to what has one of ten signs or less
    numbered = [(f"geolabel_layer_{at}", layer) for at, layer in enumerate(project.layers)]
    _tree(root, project, numbered)
    _canvas(root, project)
    layers = ET.SubElement(root, "projectlayers")
    for key, layer in numbered:
        layers.append(_layer(key, layer, project.attribution))
    properties = ET.SubElement(root, "properties")
    ET.SubElement(ET.SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    # without this QGIS takes no notice of the project's CRS
    ET.SubElement(ET.SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    metadata = ET.SubElement(root, "projectMetadata")
    ET.SubElement(metadata, "title").text = project.title
    ET.SubElement(metadata, "abstract").text = "; ".join(project.attribution)
    view = ET.SubElement(root, "ProjectViewSettings", UseProjectScales="0")
    for name in ("DefaultViewExtent", "PresetFullExtent"):
        _crs(ET.SubElement(view, name, _box(project)), project.crs)
    if project.dates:
        settings = {"cumulativeTemporalRange": "0", "timeStep": "1", "timeStepUnit": "mon", "frameRate": "1"}
        _range(ET.SubElement(root, "ProjectTimeSettings", settings), "TemporalRange", project.dates)
    return root


def _tree(root: ET.Element, project: Project, numbered: list[tuple[str, ProjectLayer]]) -> None:
    """The list of layers, in groups."""
    tree = ET.SubElement(root, "layer-tree-group")
    groups: dict[str, ET.Element] = {}
    for key, layer in numbered:
        if layer.group not in groups:
            group = ET.SubElement(tree, "layer-tree-group", name=layer.group, checked=_checked(True), expanded="1")
            if layer.group in project.either_or:
                of_group = [other for _, other in numbered if other.group == layer.group]
                chosen = next((at for at, other in enumerate(of_group) if other.visible), -1)
                group.set("mutually-exclusive", "1")
                group.set("mutually-exclusive-child", str(chosen))
            groups[layer.group] = group
        ET.SubElement(
            groups[layer.group],
            "layer-tree-layer",
            id=key,
            name=layer.title,
            source=_address(layer),
            providerKey=_provider(layer),
            checked=_checked(layer.visible),
            expanded="1" if layer.expanded else "0",
        )


def _layer(key: str, layer: ProjectLayer, attribution: tuple[str, ...]) -> ET.Element:
    found = ET.Element("maplayer", type=layer.kind, styleCategories="AllStyleCategories")
    ET.SubElement(found, "id").text = key
    ET.SubElement(found, "datasource").text = _address(layer)
    ET.SubElement(found, "layername").text = layer.title
    if layer.crs:
        _crs(ET.SubElement(found, "srs"), layer.crs)
    metadata = ET.SubElement(found, "resourceMetadata")
    for words in attribution:
        ET.SubElement(metadata, "rights").text = words
    ET.SubElement(found, "provider", {"encoding": "UTF-8"} if layer.kind == "vector" else {}).text = _provider(layer)
    found.extend(ET.fromstring(layer.style))  # noqa: S314 - our own
    if layer.kind == "vector":
        ET.SubElement(found, "layerOpacity").text = f"{layer.opacity:g}"
    for renderer in found.iter("rasterrenderer"):
        renderer.set("opacity", f"{layer.opacity:g}")
    return found


def _canvas(root: ET.Element, project: Project) -> None:
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas")
    extent = ET.SubElement(canvas, "extent")
    for name, value in _box(project).items():
        ET.SubElement(extent, name).text = value
    ET.SubElement(canvas, "rotation").text = "0"
    _crs(ET.SubElement(canvas, "destinationsrs"), project.crs)


def _crs(parent: ET.Element, crs: str) -> None:
    """A CRS as QGIS reads it."""
    found = ET.SubElement(parent, "spatialrefsys")
    if _AUTHORITY.fullmatch(crs):
        # QGIS believes the code only beside a number of its own database, of which any will do
        ET.SubElement(found, "srsid").text = "1"
        ET.SubElement(found, "authid").text = crs
    else:
        ET.SubElement(found, "proj4" if crs.startswith("+") else "wkt").text = crs


def _range(parent: ET.Element, name: str, dates: tuple[date, date]) -> None:
    found = ET.SubElement(parent, name)
    for side, day in zip(("start", "end"), dates, strict=True):
        ET.SubElement(found, side).text = f"{day.isoformat()}T00:00:00Z"


def _box(project: Project) -> dict[str, str]:
    return {name: repr(value) for name, value in zip(("xmin", "ymin", "xmax", "ymax"), project.extent, strict=True)}


def _address(layer: ProjectLayer) -> str:
    """A source as QGIS writes it: what is relative begins with a point."""
    plain = layer.source.startswith(("/", "./", "../")) or re.match(r"[A-Za-z]:|[a-z0-9]+://", layer.source)
    path = layer.source if plain else f"./{layer.source}"
    return f"{path}|layername={layer.table}" if layer.table else path


def _provider(layer: ProjectLayer) -> str:
    return "ogr" if layer.kind == "vector" else "gdal"


def _checked(visible: bool) -> str:
    return "Qt::Checked" if visible else "Qt::Unchecked"
