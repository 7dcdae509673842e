"""Products become one raster: bands side by side on the grid of the finest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from geolabel import geodesy
from geolabel.errors import BandError, CRSError
from geolabel.raster.describe import Band
from geolabel.raster.region import lattice, vrt
from geolabel.raster.region.scene import Scene, look, shared_overviews
from geolabel.raster.region.vrt import Box, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geolabel.grid import Grid
    from geolabel.raster.region.parts import Layer, Product
    from geolabel.raster.region.vrt import Piece


@dataclass(frozen=True, slots=True)
class _Entry:
    """A band and the file it lies in, described as that band."""

    layer: Layer
    scene: Scene


def stack(product: Product, path: Path, bands: Sequence[str]) -> Scene:
    """Write a product as a VRT at `path`; with `bands`, only these, in this order.

    The grid is that of the finest band; coarser ones are interpolated, by the nearest where they are masks. Raises
    InputError, BandError (a band is not there, types differ), CRSError (bands lie in different CRSs).
    """
    entries = [_entry(product, layer) for layer in _chosen(product, bands)]
    _check(product, entries)
    base = min((entry.scene.info.place for entry in entries), key=lambda grid: abs(grid.transform.determinant))
    fine = [entry for entry in entries if lattice.offset(entry.scene.info.place, base) is not None]
    coarse: list[list[_Entry]] = []
    for entry in entries:
        if entry in fine:
            continue
        alike = [group for group in coarse if group[0].scene.info.place == entry.scene.info.place]
        if alike:
            alike[0].append(entry)
        else:
            coarse.append([entry])
    laid = {entry.layer.name: entry for entry in fine}
    for number, group in enumerate(coarse, start=1):
        # a file of its own, in which nodata is declared: so it is not blended into its neighbours
        below = path.with_name(f"{path.stem}.coarse{number}.vrt")
        _write(below, group[0].scene.info.place, group)
        scene = look(str(below), product.name)
        for entry, band in zip(group, scene.info.bands, strict=True):
            laid[entry.layer.name] = _Entry(entry.layer, replace(scene, info=replace(scene.info, bands=(band,))))
    _write(path, base, [laid[entry.layer.name] for entry in entries])
    return look(str(path), product.name)


def _chosen(product: Product, bands: Sequence[str]) -> Sequence[Layer]:
    wanted = [band.strip().lower() for band in bands]
    layers = {layer.name: layer for layer in product.layers}
    missing = [name for name in wanted if name not in layers]
    if missing:
        raise BandError(
            f"{product.name}: no band named {', '.join(missing)}; the product has {', '.join(layers)}. "
            "Choose among these with --bands"
        )
    return [layers[name] for name in wanted] or product.layers


def _entry(product: Product, layer: Layer) -> _Entry:
    scene = look(layer.source)
    found = [band for band in scene.info.bands if band.index == layer.index]
    if not found:
        raise BandError(f"{scene.name}: has no band {layer.index}, which {product.name} says is {layer.name}")
    band = Band(
        layer.index,
        layer.name,
        found[0].scale if layer.scale is None else layer.scale,
        found[0].offset if layer.offset is None else layer.offset,
    )
    info = replace(scene.info, bands=(band,))
    if layer.nodata is not None and info.mask in ("none", "nodata"):
        info = replace(info, mask="nodata", nodata=layer.nodata)
    return _Entry(layer, replace(scene, info=info))


def _check(product: Product, entries: Sequence[_Entry]) -> None:
    first = entries[0].scene.info
    for entry in entries:
        info = entry.scene.info
        if info.dtype != first.dtype:
            raise BandError(
                f"{product.name}: {entry.layer.name} has {info.dtype} pixels, {entries[0].layer.name} {first.dtype}; "
                "leave one out with --bands, or convert it: gdal_translate -ot"
            )
        if not geodesy.same_crs(info.place.crs, first.place.crs):
            raise CRSError(
                f"{product.name}: {entry.layer.name} and {entries[0].layer.name} lie in different CRSs; "
                "leave one out with --bands, or bring it to the other's: gdalwarp -t_srs"
            )


def _write(path: Path, grid: Grid, entries: Sequence[_Entry]) -> None:
    scenes = [entry.scene for entry in entries]
    natives = [scene for scene in scenes if lattice.offset(scene.info.place, grid) is not None]
    values = {repr(scene.info.nodata) if scene.info.mask == "nodata" else scene.info.mask for scene in scenes}
    alike = len(values) == 1 and (len(natives) == len(scenes) or "none" in values)
    one = scenes[0].info.mask if alike else "mask"
    # a band that says nothing hides no other's word; a coarse one, interpolated, would reach beyond the fine ones' edge
    telling = [scene for scene in natives if scene.info.mask != "none"]
    telling = telling or [scene for scene in scenes if scene.info.mask != "none"]
    vrt.write(
        path,
        vrt.Mosaic(
            grid,
            scenes[0].info.dtype,
            tuple(_layout(scene, grid) for scene in scenes),
            nodata=scenes[0].info.nodata if one == "nodata" else None,
            mask=None if one in ("none", "nodata") else tuple(p for scene in telling for p in _valid(scene, grid)),
            block=natives[0].info.block,
            overviews=shared_overviews(natives),
        ),
    )


def _layout(scene: Scene, grid: Grid) -> Layout:
    band = scene.info.bands[0]
    src, dst = _boxes(scene, grid)
    piece = scene.piece(band, src, dst, smooth=(src.width, src.height) != (dst.width, dst.height))
    return Layout(band.name, (piece,), band.scale, band.offset)


def _valid(scene: Scene, grid: Grid) -> tuple[Piece, ...]:
    return scene.valid_pieces(*_boxes(scene, grid))


def _boxes(scene: Scene, grid: Grid) -> tuple[Box, Box]:
    """All of a scene, and where that lies on the grid."""
    info = scene.info
    src = Box(0, 0, info.width, info.height)
    native = lattice.offset(info.place, grid)
    if native is not None:
        return src, Box(*native, info.width, info.height)
    return src, lattice.box(info.place, grid)
