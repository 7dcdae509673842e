"""`geolabel export`: detections or alerts in another format, simplified and filtered where asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import shapely

from geolabel import files, geodesy, maps, vector
from geolabel.errors import OptionError
from geolabel.maps import Detections, Project, ProjectLayer
from geolabel.steps.export_source import ExportSource, read_source
from geolabel.steps.formats import ENDINGS, Format, check_ending, write_styled
from geolabel.steps.making import makes
from geolabel.steps.record import write_record
from geolabel.steps.stac import StacReport, write_item

if TYPE_CHECKING:
    from geolabel.vector import Layer

Target = Literal["gpkg", "geojson", "geoparquet", "flatgeobuf", "pmtiles", "postgis", "qgis", "stac"]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported."""

    output: str
    """The file or folder; the database and table, without what is secret."""
    features: int
    dropped: int
    """Features below --min-area."""
    vertices_before: int
    vertices_after: int


@makes("export", "source")
def export(
    source: Path,
    *,
    to: Target = "gpkg",
    simplify_m: float = 0.0,
    min_area_ha: float = 0.0,
    output: str | Path | None = None,
    table: str | None = None,
    overwrite: bool = False,
) -> ExportReport | StacReport:
    """Write the detections of a prediction folder, or the alerts of one of changes, in another format.

    `source` is the folder or the GeoPackage in it. `output` is a file; for PostGIS the address of a database, in which
    `table` (default: detections, alerts) is made; for QGIS a folder, for a styled GeoPackage and a project; for STAC
    the item (default: item.json in the folder).
    Areas stay those of the pixels that were detected: simplifying changes outlines, not the figures beside them.
    Raises OptionError, InputError (nothing to export), OutputError, InstallError (PostGIS: no psycopg).
    """
    if to not in get_args(Target):
        raise OptionError(f"--to {to}: choose {', '.join(get_args(Target))}")
    if simplify_m < 0 or min_area_ha < 0:
        raise OptionError("--simplify and --min-area must not be negative")
    if table is not None and to != "postgis":
        raise OptionError("--table is for --to postgis; name a file with -o")
    if to == "stac":
        if simplify_m or min_area_ha:
            raise OptionError("--simplify and --min-area do nothing to a STAC item, which names the files as they are")
        return write_item(source, output=Path(output) if output else None, overwrite=overwrite)
    if to == "postgis":
        return _to_table(source, str(output or ""), table, simplify_m, min_area_ha, overwrite=overwrite)
    if output is not None and vector.is_dsn(str(output)):
        raise OptionError(f"-o: names a database; give --to postgis, or a file for --to {to}")
    place = Path(output) if output else None
    if to == "qgis":
        return _to_project(source, place, simplify_m, min_area_ha, overwrite=overwrite)
    return _to_file(source, to, place, simplify_m, min_area_ha, overwrite=overwrite)


def _default(place: Path, name: str, ending: str = "") -> Path:
    """Beside the folder, under its name, also where the GeoPackage in it was given."""
    folder = place if place.is_dir() or place.stem != name else place.resolve().parent
    return folder.with_name(f"{folder.stem}-{name}{ending}")


def _to_file(
    place: Path, to: Format, output: Path | None, simplify_m: float, min_area_ha: float, *, overwrite: bool
) -> ExportReport:
    source = read_source(place)
    target = output or _default(place, source.layer.name, ENDINGS[to])
    check_ending(target, to)
    files.check_new(target, overwrite=overwrite, inputs=(source.gpkg, source.gpkg.with_name(files.RECORD)))
    layer, report = _prepared(source, str(target), simplify_m, min_area_ha)
    with files.new_file(target, overwrite=overwrite) as draft:
        write_styled(draft, layer, source.qml, to)
    return report


def _to_project(
    place: Path, output: Path | None, simplify_m: float, min_area_ha: float, *, overwrite: bool
) -> ExportReport:
    """A folder to hand on: the styled GeoPackage, and a project that shows it."""
    source = read_source(place)
    name = source.layer.name
    target = output or _default(place, name)
    files.check_new(target, overwrite=overwrite, folder="export", inputs=(source.gpkg,))
    layer, report = _prepared(source, str(target), simplify_m, min_area_ha)
    shown = ProjectLayer(name.capitalize(), f"{name}.gpkg", "vector", name.capitalize(), layer.crs, source.qml, name)
    extent = shapely.total_bounds(layer.geometries if len(layer.geometries) else source.layer.geometries)
    west, south, east, north = np.nan_to_num(extent).tolist()
    project = Project(target.stem, layer.crs, (west, south, east, north), (shown,), layer.attribution)
    with files.new_directory(target, "export", overwrite=overwrite) as draft:
        write_styled(draft / f"{name}.gpkg", layer, source.qml, "gpkg")
        (draft / "project.qgz").write_bytes(maps.project_bytes(project))
        write_record(draft, _record(source, simplify_m, min_area_ha))
    return report


def _record(source: ExportSource, simplify_m: float, min_area_ha: float) -> dict[str, Any]:
    return {
        "format": 1,
        "command": "export",
        "inputs": {source.layer.name: {"path": source.gpkg.name, "fingerprint": files.fingerprint(source.gpkg)}},
        "options": {"simplify_m": simplify_m, "min_area_ha": min_area_ha},
        "attribution": list(source.layer.attribution),
        "versions": files.versions(),
    }


def _to_table(
    place: Path, dsn: str, table: str | None, simplify_m: float, min_area_ha: float, *, overwrite: bool
) -> ExportReport:
    if not dsn:
        raise OptionError("--to postgis needs a database: -o postgresql://user@host/database")
    target = vector.table_at(dsn, table if table is not None else "detections")
    source = read_source(place)
    target = target if table is not None else replace(target, name=source.layer.name)
    layer, report = _prepared(source, str(target), simplify_m, min_area_ha)
    vector.write_postgis(target, layer, source.qml, overwrite=overwrite)
    return report


def _prepared(source: ExportSource, target: str, simplify_m: float, min_area_ha: float) -> tuple[Layer, ExportReport]:
    """The layer as it is written, and what became of it."""
    kept = maps.filter_layer(source.layer, min_area_ha)
    done = _simplify(kept, simplify_m) if simplify_m else kept
    return done, ExportReport(
        target,
        len(done.geometries),
        len(source.layer.geometries) - len(done.geometries),
        int(shapely.get_num_coordinates(kept.geometries).sum()),
        int(shapely.get_num_coordinates(done.geometries).sum()),
    )


def _simplify(layer: Layer, tolerance_m: float) -> Layer:
    """Simplify on a metric plane, so that the tolerance is metres whatever the CRS."""
    if not len(layer.geometries):
        return layer
    west, south, east, north = shapely.total_bounds(layer.geometries)
    plane = geodesy.utm_crs(layer.crs, (west + east) / 2, (south + north) / 2)
    parts, owner = shapely.get_parts(geodesy.project_geometries(layer.geometries, layer.crs, plane), return_index=True)
    classes = np.unique(layer.columns["class"].astype(str), return_inverse=True)[1].astype(np.int32)[owner]
    zeros = np.zeros(len(parts))
    simple = maps.simplify(
        Detections(np.asarray(parts, dtype=object), classes, zeros.astype(np.int64), zeros, zeros), tolerance_m
    )
    back = geodesy.project_geometries(simple.geometries, plane, layer.crs)
    return replace(layer, geometries=np.asarray(shapely.multipolygons(back, indices=owner), dtype=object))
