"""Rasters of the zoo whose values, or what is said of them, are odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import rasterio
from rasterio.enums import ColorInterp

from tests.zoo_rooms.made_rasters import X, meets, pixels, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.zoo_rooms.animal import Animal, Den


def _of(dtype: str, bands: int = 3, **profile: Any) -> Callable[[Den], object]:
    return lambda den: write(den, pixels(bands=bands, dtype=dtype), **profile)


def _floats(den: Den, bands: int = 3) -> None:
    """NaN, both infinities and the largest numbers that there are, each in a corner."""
    values = pixels(bands=bands, dtype="float64")
    values[:, :16, :16] = np.nan
    values[:, :16, -16:] = np.inf
    values[:, -16:, :16] = -np.inf
    values[0, -16:, -16:] = 1.7e308
    write(den, values)


def _aside(name: str, text: str) -> Callable[[Den], object]:
    """A sidecar beside a good raster."""

    def make(den: Den) -> None:
        write(den, pixels())
        (den.folder / name).write_text(text, encoding="utf-8")

    return make


def _pam(inside: str) -> str:
    return f"<PAMDataset>{inside}</PAMDataset>"


def _nodata(value: str) -> str:
    """What a sidecar says of the nodata of three bands."""
    told = f"<NoDataValue>{value}</NoDataValue>"
    return _pam("".join(f'<PAMRasterBand band="{at}">{told}</PAMRasterBand>' for at in (1, 2, 3)))


def _statistics(den: Den) -> None:
    tags = {"STATISTICS_MINIMUM": -5, "STATISTICS_MAXIMUM": 1e300, "STATISTICS_MEAN": "nan", "STATISTICS_STDDEV": 0}
    items = "".join(f'<MDI key="{key}">{value}</MDI>' for key, value in tags.items())
    bands = "".join(f'<PAMRasterBand band="{at}"><Metadata>{items}</Metadata></PAMRasterBand>' for at in (1, 2, 3))
    _aside("x.tif.aux.xml", _pam(bands))(den)


def _strange_overview(den: Den) -> None:
    """A file .ovr that is the overview of another raster: of another size, and of one band."""
    write(den, pixels(256, 256))
    write(den, pixels(40, 1000, bands=1), name="x.tif.ovr")


def _strange_mask(den: Den) -> None:
    """A file .msk of another size."""
    write(den, pixels(256, 256))
    write(den, np.full((1, 16, 16), 255, "uint8"), name="x.tif.msk")


def _band_nodata(den: Den) -> None:
    """Each band has a nodata value of its own: only a VRT can say so, or a GDAL with PAM."""
    values = pixels()
    values[:, :32, :] = np.array([1, 2, 3], "uint16")[:, None, None]
    write(den, values)
    bands = "".join(f'<PAMRasterBand band="{at}"><NoDataValue>{at}</NoDataValue></PAMRasterBand>' for at in (1, 2, 3))
    (den.folder / "x.tif.aux.xml").write_text(_pam(bands), encoding="utf-8")


def _all_at_once(den: Den) -> None:
    """An alpha band, a nodata value and an internal mask."""
    values = pixels(bands=4, dtype="uint8")
    values[:, :16] = 0
    values[3] = np.where(np.arange(64)[:, None] < 32, 0, 255)
    mask = np.full((64, 64), 255, "uint8")
    mask[:, :8] = 0
    write(den, values, colours=("red", "green", "blue", "alpha"), nodata=0, mask=mask)


def _with_overviews(den: Den) -> None:
    _all_at_once(den)
    with rasterio.open(den.folder / X, "r+") as dataset:
        dataset.build_overviews([2], rasterio.enums.Resampling.nearest)


def _palette(den: Den, dtype: str = "uint8") -> None:
    codes = np.kron(np.arange(16, dtype=dtype).reshape(4, 4) % 3, np.ones((16, 16), dtype))
    with rasterio.open(write(den, codes[None], descriptions=("class",), photometric="PALETTE"), "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 90, 0, 255), 1: (250, 200, 0, 255), 2: (0, 0, 200, 255)})


def _one_bit(den: Den) -> None:
    write(den, pixels(bands=1, dtype="uint8") % 2, nbits=1, descriptions=("class",))


def _strange_colours(den: Den) -> None:
    """Bands that are called red, green and blue, and marked as blue, red and alpha."""
    with rasterio.open(write(den, pixels()), "r+") as dataset:
        dataset.colorinterp = [ColorInterp.blue, ColorInterp.red, ColorInterp.alpha]


def _mixed(den: Den) -> None:
    """Bands of two types, as a VRT may have them."""
    write(den, pixels(bands=1), name="a.tif")
    write(den, pixels(bands=1, dtype="float32"), name="b.tif")
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{at}"><SimpleSource><SourceFilename relativeToVRT="1">{name}'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for at, (name, kind) in enumerate((("a.tif", "UInt16"), ("b.tif", "Float32")), start=1)
    )
    place = "<SRS>EPSG:32719</SRS><GeoTransform>4e5, 10, 0, 8.6e6, 0, -10</GeoTransform>"
    (den.folder / X).write_text(f'<VRTDataset rasterXSize="64" rasterYSize="64">{place}{bands}</VRTDataset>')


def _read(folder: Path, name: str = "clear.tif") -> tuple[Any, Any]:
    """Pixels and the mask (height, width) of what was made."""
    with rasterio.open(folder / name) as dataset:
        return dataset.read(), dataset.dataset_mask() > 0


def _alpha_stays(folder: Path) -> bool:
    with rasterio.open(folder / "clear.tif") as dataset:
        alpha = dataset.read(4)
    return bool((alpha[32:] == 255).all() and not alpha[:32].any())


def _half_of_the_tiles(folder: Path) -> bool:
    """Whether tiles lie where alpha says that something was seen, and there alone."""
    rows = pq.read_table(folder / "tiles.parquet")["row_off"].to_numpy()
    return sorted(set(rows.tolist())) == [32, 48]


def _all_valid(folder: Path) -> bool:
    return bool(_read(folder)[1].all())


ANIMALS: tuple[Animal, ...] = (
    meets(
        "tile",
        "complex numbers",
        _of("complex64"),
        "x.tif: complex pixels (complex64); convert them to amplitude first",
    ),
    meets(
        "dehaze",
        "int8",
        lambda den: write(den, (pixels(dtype="int16") // 10 - 50).astype("int8")),
        "read and dehazed",
        "clear.tif",
    ),
    meets("dehaze", "int32", _of("int32"), "read and dehazed", "clear.tif"),
    meets("tile", "int64", _of("int64"), "tiles of it", "tiles.parquet"),
    meets("dehaze", "int64, to dehaze", _of("int64"), "read and dehazed", "clear.tif"),
    meets(
        "inspect",
        "uint64, as large as it goes",
        lambda den: write(den, pixels(dtype="uint64") + np.uint64(2**63)),
        "described and drawn",
        "look.png",
    ),
    meets(
        "polygons",
        "uint64 as classes",
        lambda den: write(den, pixels(bands=1, dtype="uint64") + np.uint64(2**63)),
        "x.tif: a class raster holds whole numbers of up to 63 bits, this holds uint64; gdal_translate -ot UInt16",
    ),
    meets(
        "label",
        "float as classes",
        _of("float32", bands=1),
        "x.tif: a class raster has one band of whole numbers, this has 1 of float32",
    ),
    meets(
        "label",
        "int64 as classes",
        lambda den: write(den, np.full((1, 64, 64), 2**40, "int64")),
        "x.tif: its values there are code 1099511627776, and no class stands for them; name them "
        "in the scheme or the legend, or check the file's CRS (gdalinfo, ogrinfo -so) and its "
        "region",
    ),
    meets(
        "tile",
        "float64 with NaN, infinity and 1.7e308",
        _floats,
        "tiles in which NaN and infinity count as nodata",
        "tiles.parquet",
    ),
    meets(
        "dehaze",
        "NaN, infinity and 1.7e308, to dehaze",
        _floats,
        "x.tif: has values from 100 to 1.7e+308, which no image has; if one of them stands for "
        "nodata, say so: gdal_edit.py -a_nodata",
    ),
    meets(
        "inspect",
        "NaN, infinity and 1.7e308, to look at",
        _floats,
        "described and drawn; NaN and infinity count as nodata",
        "look.png",
    ),
    meets(
        "embed encode",
        "NaN and infinity, to encode",
        lambda den: _floats(den, 4),
        "x.tif: float64 pixels, the model was trained on uint16 (values around 901); give "
        "--scale, a factor for stored values, 1 if the unit is the same",
    ),
    meets(
        "tile",
        "nothing but NaN",
        lambda den: write(den, np.full((3, 64, 64), np.nan, "float32")),
        "no tile is left of 1 rasters: 16 lack valid pixels (lower --min-valid), 0 lie outside "
        "the area of interest (check --aoi)",
    ),
    meets(
        "inspect",
        "nothing but nodata",
        lambda den: write(den, np.zeros((3, 64, 64), "uint8"), nodata=0),
        "told that nothing is valid",
        "look.png",
    ),
    meets(
        "dehaze",
        "nothing but nodata, to dehaze",
        lambda den: write(den, np.zeros((3, 64, 64), "uint8"), nodata=0),
        "x.tif: no pixel is valid, so there is no haze to remove; check its nodata with gdalinfo",
    ),
    meets(
        "tile",
        "65 bands",
        lambda den: write(den, pixels(bands=65)),
        "tiles of 65 bands; a warning asks for their names",
        "tiles.parquet",
    ),
    meets(
        "predict",
        "65 bands without names",
        lambda den: write(den, pixels(bands=65)),
        "x.tif: the model needs the bands red, green, blue, nir; found band_1, band_2, band_3, "
        "band_4, band_5, band_6, band_7, band_8 and 57 more. Name the file's bands in their "
        "order with --bands",
    ),
    meets(
        "tile",
        "two bands of one name",
        _of("uint16", descriptions=("red", "red", "blue")),
        "x.tif: several bands are named red; name all with --bands",
    ),
    meets(
        "dehaze",
        "bands that are called blue, red, alpha",
        _strange_colours,
        "x.tif: haze is seen in the bands red, green and blue, and there is no blue among red, "
        "green; name the file's bands in order with --bands",
    ),
    meets(
        "dehaze",
        "a single band",
        _of("uint16", bands=1),
        "x.tif: haze is seen in the bands red, green and blue, and there is no green, blue among "
        "red; name the file's bands in order with --bands",
    ),
    meets(
        "tile",
        "bands of two types",
        _mixed,
        "x.tif: bands of different types (float32, uint16); convert: gdal_translate -ot UInt16",
    ),
    meets(
        "dehaze",
        "nodata, alpha and a mask at once",
        _all_at_once,
        "what alpha says holds",
        "clear.tif",
        shows=_alpha_stays,
    ),
    meets(
        "tile",
        "nodata and alpha at once, with overviews",
        _with_overviews,
        "what alpha says holds; a warning says so",
        "tiles.parquet",
        shows=_half_of_the_tiles,
    ),
    meets(
        "inspect",
        "nodata and alpha at once, with overviews, to look at",
        _with_overviews,
        "what alpha says holds",
        "look.png",
    ),
    meets(
        "tile",
        "nodata, alpha and a mask at once, to tile",
        _all_at_once,
        "what alpha says holds; a warning says so",
        "tiles.parquet",
        shows=_half_of_the_tiles,
    ),
    meets("inspect", "nodata, alpha and a mask at once, to look at", _all_at_once, "what alpha says holds", "look.png"),
    meets(
        "dehaze",
        "a nodata value for each band",
        _band_nodata,
        "x.tif: its bands have different nodata values (1.0, 2.0, 3.0); give them one: gdalwarp "
        "-dstnodata 0 in.tif out.tif",
    ),
    meets(
        "tile",
        "nodata that its type does not know",
        _aside("x.tif.aux.xml", _nodata("-9999")),
        "tiles of which all is valid",
        "tiles.parquet",
    ),
    meets(
        "dehaze",
        "nodata NaN of whole numbers",
        _aside("x.tif.aux.xml", _nodata("nan")),
        "read and dehazed, all of it valid",
        "clear.tif",
        shows=_all_valid,
    ),
    meets(
        "inspect",
        "a sidecar with wrong statistics",
        _statistics,
        "values measured anew; nothing is believed",
        "look.png",
    ),
    meets(
        "tile",
        "a sidecar that is no XML",
        _aside("x.tif.aux.xml", "<PAMDataset><PAMRasterBand"),
        "tiles; GDAL passes the sidecar over",
        "tiles.parquet",
    ),
    meets(
        "polygons",
        "a sidecar that is no XML, to outline",
        lambda den: (_palette(den), (den.folder / "x.tif.aux.xml").write_text("<PAM")),
        "outlines by the legend; names of its own are not needed",
        "outlines.gpkg",
        "outlines-summary.csv",
    ),
    meets(
        "inspect",
        "the overviews of another raster",
        _strange_overview,
        "x.tif.ovr: of 1000 × 40 px is not an overview of x.tif, of 256 × 256 px; remove it",
    ),
    meets(
        "dehaze",
        "a mask of another size",
        _strange_mask,
        "x.tif.msk: of 16 × 16 px is not a mask of x.tif, of 256 × 256 px; remove it",
    ),
    meets(
        "tile",
        "a world file that contradicts it",
        _aside("x.tfw", "1\n0\n0\n-1\n0\n0\n"),
        "tiles where the GeoTIFF says they lie",
        "tiles.parquet",
    ),
    meets("tile", "palette", _palette, "tiles of its codes", "tiles.parquet"),
    meets(
        "predict",
        "palette, to predict",
        _palette,
        "x.tif: the model needs the bands red, green, blue, nir; found class. Name the file's "
        "bands in their order with --bands",
    ),
    meets(
        "polygons", "palette without names", _palette, "outlines by the legend", "outlines.gpkg", "outlines-summary.csv"
    ),
    meets("polygons", "one bit a pixel", _one_bit, "outlines by the legend", "outlines.gpkg", "outlines-summary.csv"),
    meets(
        "tile",
        "scale 0",
        _of("uint16", scales=(0.0, 0.0, 0.0)),
        "x.tif: scale 0, or no number as scale or offset, in red, green, blue: its values mean "
        "nothing; mend it: gdal_edit.py -scale 1 -offset 0",
    ),
    meets(
        "dehaze",
        "scale 0, to dehaze",
        _of("uint16", scales=(0.0, 0.0, 0.0)),
        "x.tif: scale 0, or no number as scale or offset, in red, green, blue: its values mean "
        "nothing; mend it: gdal_edit.py -scale 1 -offset 0",
    ),
    meets(
        "tile",
        "scale NaN",
        _of("uint16", scales=(float("nan"),) * 3),
        "x.tif: scale 0, or no number as scale or offset, in red, green, blue: its values mean "
        "nothing; mend it: gdal_edit.py -scale 1 -offset 0",
    ),
    meets(
        "tile",
        "offset without end",
        _of("uint16", offsets=(float("inf"),) * 3),
        "x.tif: scale 0, or no number as scale or offset, in red, green, blue: its values mean "
        "nothing; mend it: gdal_edit.py -scale 1 -offset 0",
    ),
    meets(
        "embed encode",
        "a single value everywhere",
        lambda den: write(den, np.full((4, 64, 64), 7, "uint16")),
        "x.tif: values around 7, the model knows values around 1265: another unit? Give --scale, "
        "a factor for stored values (here about 1.2e+02)",
    ),
)
