"""Rasters of the zoo that lead elsewhere: out of their folder, into a network, out of an archive."""

from __future__ import annotations

import base64
import json
import os
import zipfile
import zlib
from typing import TYPE_CHECKING

import rasterio.shutil

from tests.zoo_rooms.animal import REST, Animal, Den

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOM = "Rasters that lead elsewhere"
_FLAG = "give --allow-remote if you trust it"
_HEAD = '<VRTDataset rasterXSize="320" rasterYSize="320"><SRS>EPSG:32719</SRS>'
_PLACE = "<GeoTransform>400000, 10, 0, 8600000, 0, -10</GeoTransform>"
_WMS = (
    '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/${z}/${x}/${y}.png</ServerUrl></Service><DataWindow>'
    "<UpperLeftX>0</UpperLeftX><UpperLeftY>9</UpperLeftY><LowerRightX>9</LowerRightX><LowerRightY>0</LowerRightY>"
    "<TileLevel>1</TileLevel></DataWindow><Projection>EPSG:3857</Projection><BandsCount>3</BandsCount></GDAL_WMS>"
)
_SERVICES = {
    "a web map service": _WMS,
    "a coverage service": "<WCS_GDAL><ServiceURL>http://127.0.0.1:9/</ServiceURL></WCS_GDAL>",
    "a web map tile service": "<GDAL_WMTS><GetCapabilitiesUrl>http://127.0.0.1:9/</GetCapabilitiesUrl></GDAL_WMTS>",
    "an index of tiles": "<GDALTileIndexDataset><IndexDataset>PG:dbname=x</IndexDataset></GDALTileIndexDataset>",
    "a pipeline": '{"type": "gdal_streamed_alg", "command_line": "gdal raster convert http://127.0.0.1:9/a.tif"}',
}
"""What GDAL would follow to a server, by what it is."""


def _band(inside: str, kind: str = "") -> str:
    return f'<VRTRasterBand dataType="UInt16" band="1"{kind}>{inside}</VRTRasterBand>'


def _source(name: str, relative: int = 1, tag: str = "SourceFilename") -> str:
    return _band(
        f'<SimpleSource><{tag} relativeToVRT="{relative}">{name}</{tag}><SourceBand>1</SourceBand></SimpleSource>'
    )


def vrt(*bands: str, more: str = "", kind: str = "") -> str:
    """The text of a VRT of 320 × 320 px."""
    return _HEAD.replace("<VRTDataset", f"<VRTDataset{kind}") + _PLACE + more + "".join(bands) + "</VRTDataset>"


def _files(**texts: str) -> Callable[[Den], object]:
    """Files of these names, "__" for a full stop, beside a good region.tif in the folder `here` of the den."""

    def make(den: Den) -> None:
        den.take("region.tif", "here/region.tif")
        den.take("region.tif", "secret.tif")
        for name, text in texts.items():
            (den.folder / "here" / name.replace("__", ".")).write_text(text, encoding="utf-8")

    return make


def _led(
    name: str, make: Callable[[Den], object], then: str, words: Sequence[object] = ("tile", "here/m.vrt", "-o", "t")
) -> Animal:
    """An animal that is refused."""

    def bring(den: Den) -> Sequence[object]:
        make(den)
        return words

    return Animal(ROOM, name, bring, then)


def _virtual(name: str, then: str, *bands: str, more: str = "", kind: str = "", **beside: str) -> Animal:
    return _led(name, _files(m__vrt=vrt(*bands, more=more, kind=kind), **beside), f"here/m.vrt: {then}")


_BESIDE = vrt(_source("region.tif"))


def _plain(den: Den) -> Sequence[object]:
    _files(m__vrt=_BESIDE)(den)
    return ("tile", "here/m.vrt", "-o", "t.parquet", "--size", "64")


def _allowed(den: Den) -> Sequence[object]:
    _files(m__vrt=vrt(_source("../secret.tif")))(den)
    return ("tile", "here/m.vrt", "-o", "t.parquet", "--size", "64", "--allow-remote")


def _linked(den: Den) -> None:
    _files(m__vrt=vrt(_source("linked.tif")))(den)
    (den.folder / "here" / "linked.tif").symlink_to(den.folder / "secret.tif")


def _packed(den: Den) -> None:
    _files()(den)
    (den.folder / "here" / "m.vrt").write_text(vrt(_source("/vsizip/here/in.zip/e.tif", 0)), encoding="utf-8")
    with zipfile.ZipFile(den.folder / "here" / "in.zip", "w") as archive:
        archive.writestr("e.tif", vrt(_source(str(den.folder / "secret.tif"), 0)))


def _piped(den: Den) -> None:
    _files(m__vrt=vrt(_source("pipe.tif")))(den)
    os.mkfifo(den.folder / "here" / "pipe.tif")


def _indexed(den: Den) -> None:
    _files(m__vrt=vrt(_source("a.gti.gpkg")))(den)
    den.take("places.gpkg", "here/a.gti.gpkg")


def _sidecar(name: str, *, piped: bool) -> Callable[[Den], object]:
    """A sidecar of region.tif that is a pipe, or a link out of the folder."""

    def make(den: Den) -> None:
        _files()(den)
        path = den.folder / "here" / name
        os.mkfifo(path) if piped else path.symlink_to(den.folder / "secret.tif")

    return make


def _overviews(den: Den) -> None:
    _files(
        region__tif__aux__xml='<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">'
        "/vsicurl/http://127.0.0.1:9/o.ovr</MDI></Metadata></PAMDataset>"
    )(den)


def _item(href: str, **more: object) -> Callable[[Den], object]:
    """A STAC item with one asset."""
    asset = {"href": href, "type": "image/tiff", "roles": ["data"]}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "a", "assets": {"red": asset}, "links": [], **more}
    return lambda den: (den.folder / "item.json").write_text(json.dumps(item), encoding="utf-8")


_PREDICT = ("predict", "item.json", "-o", "out")


def _safe(*members: tuple[str, bytes]) -> Callable[[Den], object]:
    """A zip file with the metadata of a Sentinel-2 product and these members."""

    def make(den: Den) -> None:
        with zipfile.ZipFile(den.folder / "S2.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("S.SAFE/MTD_MSIL2A.xml", "<BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>")
            for name, content in members:
                archive.writestr(name, content)

    return make


def _encrypted(den: Den) -> None:
    _safe(("S.SAFE/GRANULE/G/IMG_DATA/T_B02_10m.jp2", b"x"))(den)
    path = den.folder / "S2.zip"
    data = bytearray(path.read_bytes())
    for sign, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(sign) + at] |= 1
    path.write_bytes(bytes(data))


_ZIPPED = ("predict", "S2.zip", "-o", "out")
_LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
_BOMB = f'<!DOCTYPE x [<!ENTITY e0 "ha">{_LAUGHS}]>'
_FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
_WARPED = ' subClass="VRTWarpedDataset"'
_DERIVED = ' subClass="VRTDerivedRasterBand"'
_CODE = "<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionType>f</PixelFunctionType>"
_NOWHERE = f"{os.sep}nowhere{os.sep}at-all.tif"

_HDF5 = zlib.decompress(
    base64.b85decode(
        "c-rgqaB<`1lHy_j0S*oZ76t(ZWbhvfHn5`dVe$!3nh{EOK<O1sFmXn(oCH){5NbZUx{x4OSCH!eXaHtU1`CAdU>F4>5qP*d2"
        "7u@YC?A$ePcWgXOGHbL9u(Tk$iN0MixI}xfY3}30SBl$Tr@M#rHoMbG9sm5Rv-=HGciF7Vh5Vb2vq~hF$TEOy8uialB1Xz;W"
        "-60<1z%$G#(_-!a0BiRb6pva#3oDUP)#egdgnZ?*j4{%s&duqiLEP001KMJ4O"
    )
)
"""One data set of 64 × 64 bytes, which lie in secret.tif: external storage, as h5py 3.16 writes it."""


def _elsewhere(*words: str) -> Callable[[Den], Sequence[object]]:
    """HDF5 whose pixels are another file's, and the words of the command that meets it."""

    def bring(den: Den) -> Sequence[object]:
        den.take("region.tif", "secret.tif")
        (den.folder / "x.h5").write_bytes(_HDF5)
        (den.folder / "m.vrt").write_text(vrt(_source("x.h5")), encoding="utf-8")
        return words

    return bring


def _container(form: str) -> Callable[[Den], Sequence[object]]:
    """Four bands as four data sets of netCDF."""

    def bring(den: Den) -> Sequence[object]:
        rasterio.shutil.copy(den.good / "region.tif", den.folder / "x.nc", driver="netCDF", FORMAT=form)
        return ("tile", "x.nc", "-o", "t.parquet")

    return bring


def _imagine(spill: str, *words: str, name: str = "x.img", **beside: str) -> Callable[[Den], Sequence[object]]:
    """Erdas Imagine, its pixels in it or in x.ige, and other good files by their names in the den."""

    def bring(den: Den) -> Sequence[object]:
        rasterio.shutil.copy(den.good / "region.tif", den.folder / "x.img", driver="HFA", USE_SPILL=spill)
        (den.folder / "x.img").rename(den.folder / name)
        for to, good in beside.items():
            den.take(good, to.replace("__", "."))
        return words

    return bring


def _shouting(den: Den) -> Sequence[object]:
    """The entry that names the other file in capitals, which GDAL takes for the same."""
    words = _imagine("YES", "tile", "x.img", "-o", "t.parquet")(den)
    path = den.folder / "x.img"
    path.write_bytes(path.read_bytes().replace(b"ExternalRasterDMS", b"EXTERNALRASTERDMS"))
    return words


def _named_http(name: str) -> Callable[[Den], object]:
    """A VRT that names a part of a file as GDAL does, beside files that have the first half of that name."""

    def make(den: Den) -> None:
        _files(m__vrt=vrt(_source(name, 0)))(den)
        rasterio.shutil.copy(den.good / "region.tif", den.folder / "http", driver="netCDF", FORMAT="NC")
        den.take("region.tif", "x")

    return make


_ANY = f"HDF5, whose pixels may be any other file's; {_FLAG}, or make a GeoTIFF of it: gdal_translate"

ANIMALS = (
    *(
        Animal(ROOM, f"HDF5 whose pixels are another file's, to {what}", _elsewhere(*words), f"x.h5: is {_ANY}")
        for what, words in (
            ("tile", ("tile", "x.h5", "-o", "t.parquet")),
            ("look at", ("inspect", "x.h5")),
            ("dehaze", ("dehaze", "x.h5", "-o", "clear.tif")),
        )
    ),
    Animal(
        ROOM,
        "a VRT of such HDF5",
        _elsewhere("tile", "m.vrt", "-o", "t.parquet"),
        f"m.vrt: by way of x.h5 it is {_ANY}",
    ),
    Animal(ROOM, "netCDF-4, which is HDF5", _container("NC4"), f"x.nc: is {_ANY}"),
    Animal(
        ROOM,
        "Erdas Imagine that holds its pixels",
        _imagine("NO", "tile", "x.img", "-o", "t.parquet", "--size", "64"),
        "tiles of it",
        ("t.parquet",),
    ),
    *(
        Animal(
            ROOM,
            f"Erdas Imagine with its pixels in another file, to {what}",
            _imagine("YES", *words),
            "x.img: is Erdas Imagine with pixels or overviews in another file; "
            f"{_FLAG}, or make a GeoTIFF of it: gdal_translate",
        )
        for what, words in (("tile", ("tile", "x.img", "-o", "t.parquet")), ("look at", ("inspect", "x.img")))
    ),
    Animal(
        ROOM,
        "Erdas Imagine with its pixels in another file, which its entry shouts",
        _shouting,
        f"x.img: is Erdas Imagine with pixels or overviews in another file; {_FLAG}, or make a GeoTIFF of it: "
        "gdal_translate",
    ),
    Animal(
        ROOM,
        "overviews that are Erdas Imagine with its pixels in another file",
        _imagine("YES", "tile", "region.tif", "-o", "t.parquet", name="region.tif.ovr", region__tif="region.tif"),
        "region.tif.ovr: GDAL would read it with region.tif, and it says that pixels or overviews lie in other files; "
        f"remove it, or {_FLAG}",
    ),
    Animal(
        ROOM,
        "a sidecar that is Erdas Imagine with its pixels in another file",
        _imagine("YES", "tile", "region.tif", "-o", "t.parquet", name="region.aux", region__tif="region.tif"),
        "region.aux: GDAL would read it with region.tif, and it says that pixels or overviews lie in other files; "
        f"remove it, or {_FLAG}",
    ),
    *(
        _led(
            f"a VRT of a part of a file, {what}",
            _named_http(name),
            f"here/m.vrt: reads {shown}, which is neither a file nor an address that geolabel follows; {_FLAG}",
        )
        for what, name, shown in (
            ("which netCDF fetches", 'NETCDF:"http://127.0.0.1:9/x.nc":Band1', REST),
            ("whose name goes on after a colon", "GTIFF_DIR:1:x:/../secret.tif", "GTIFF_DIR:1:x:/../secret.tif"),
        )
    ),
    Animal(
        ROOM,
        "Erdas Imagine with its pixels in another file, which is trusted",
        _imagine("YES", "tile", "x.img", "-o", "t.parquet", "--size", "64", "--allow-remote"),
        "tiles of it",
        ("t.parquet",),
    ),
    Animal(
        ROOM,
        "classic netCDF, which holds its pixels itself",
        _container("NC"),
        "x.nc: is a container of 4 rasters; take one out: gdal_translate netcdf:x.nc:Band1 one.tif",
    ),
    Animal(ROOM, "a VRT of what lies beside it", _plain, "tiles of it", ("t.parquet",)),
    Animal(ROOM, "a VRT that leads out of its folder, and is trusted", _allowed, "tiles of it", ("t.parquet",)),
    _virtual(
        "a VRT of an address",
        f"takes http://127.0.0.1:9/a.tif from a network; {_FLAG}",
        _source("/vsicurl/http://user:pass@127.0.0.1:9/a.tif?sig=secret", 0),
    ),
    _virtual(
        "a VRT of an object store",
        f"takes s3://bucket/a.tif from a network; {_FLAG}",
        _source("/vsis3/bucket/a.tif", 0),
    ),
    _virtual(
        "a VRT that leads out of its folder",
        f"reads …secret.tif, outside its folder; {_FLAG}, or put the rasters into one folder",
        _source("../secret.tif"),
    ),
    _virtual("a VRT of an absolute path", f"reads {_NOWHERE}, outside its folder; {_FLAG}, or …", _source(_NOWHERE, 0)),
    _led(
        "a VRT of a link that leads out of its folder",
        _linked,
        f"here/m.vrt: reads …secret.tif, outside its folder; {_FLAG}, or …",
    ),
    _virtual(
        "a VRT of a VRT that leads out of the folder",
        f"reads …secret.tif, outside its folder; {_FLAG}, or …",
        _source("below.vrt"),
        below__vrt=vrt(_source("../secret.tif")),
    ),
    _virtual(
        "a VRT under another name within a VRT",
        f"takes http://127.0.0.1:9/a.tif from a network; {_FLAG}",
        _source("below.tif"),
        below__tif=vrt(_source("/vsicurl/http://127.0.0.1:9/a.tif", 0)),
    ),
    _virtual("a VRT of itself", "is made of itself, by way of m.vrt; write it anew: gdalbuildvrt", _source("m.vrt")),
    _virtual(
        "a VRT of one that is made of it",
        "is made of itself, by way of m.vrt; write it anew: gdalbuildvrt",
        _source("below.vrt"),
        below__vrt=vrt(_source("m.vrt")),
    ),
    _virtual(
        "a VRT with tags in small letters",
        f"reads …secret.tif, outside its folder; {_FLAG}, or …",
        _source("../secret.tif", tag="sourcefilename"),
    ),
    _virtual(
        "a VRT whose source stands in an attribute",
        "says by an attribute sourcefilename where other data are, which geolabel does not follow; …",
        _band('<SimpleSource SourceFilename="/etc/passwd"><SourceBand>1</SourceBand></SimpleSource>'),
    ),
    _virtual(
        "a VRT whose source is another VRT's text",
        f"reads …, which is neither a file nor an address that geolabel follows; {_FLAG}",
        _source(_BESIDE.replace("<", "&lt;").replace(">", "&gt;"), 0),
    ),
    _virtual(
        "a VRT of a database",
        f"reads PG:host=127.0.0.1 dbname=x table=t, which is neither a file nor an address …; {_FLAG}",
        _source("PG:host=127.0.0.1 dbname=x table=t", 0),
    ),
    _virtual(
        "a VRT of what is in memory",
        f"reads MEM:::DATAPOINTER=1,PIXELS=9,LINES=9, which is neither a file nor an address …; {_FLAG}",
        _source("MEM:::DATAPOINTER=1,PIXELS=9,LINES=9", 0),
    ),
    _virtual(
        "a VRT of standard input",
        f"reads /vsistdin/, which is neither a file nor an address that geolabel follows; {_FLAG}",
        _source("/vsistdin/", 0),
    ),
    _virtual(
        "a VRT of a file that says where a service is",
        f"by way of wms.tif it says where a raster is (a service, a pipeline, an index of tiles), …; {_FLAG}, or …",
        _source("wms.tif"),
        wms__tif=_WMS,
    ),
    _led(
        "a VRT of a VRT in an archive",
        _packed,
        f"here/m.vrt: reads /vsizip/here/in.zip/e.tif, of a kind that geolabel does not follow; {_FLAG}, or …",
    ),
    _virtual(
        "a VRT of a file in a tar archive",
        f"reads /vsitar/here/in.tar/a.tif, which is neither a file nor an address that geolabel follows; {_FLAG}",
        _source("/vsitar/here/in.tar/a.tif", 0),
    ),
    _led(
        "a VRT of a table that GDAL takes for an index of tiles",
        _indexed,
        f"here/m.vrt: by way of a.gti.gpkg it says where a raster is (…, an index of tiles), …; {_FLAG}, or …",
    ),
    _virtual(
        "a VRT of a name with a blank at its end",
        "names 'region.tif ', with white space around it or control characters in it; take them out, …",
        _source("region.tif "),
        **{"region__tif ": _WMS},
    ),
    _virtual(
        "a VRT of what is not there",
        "reads …gone.tif, which is not there; copy it there again, or make the VRT anew",
        _source("gone.tif"),
    ),
    _led(
        "a VRT of a pipe",
        _piped,
        "here/m.vrt: reads …pipe.tif, which is a device or a pipe; copy it there again, or make the VRT anew",
    ),
    _virtual(
        "a VRT that opens its source with an option",
        "says by an option 'TABLE' of opening where other data are, which geolabel does not follow; …",
        _source("region.tif").replace(
            "<SourceBand>", '<OpenOptions><OOI key="TABLE">t</OOI></OpenOptions><SourceBand>'
        ),
    ),
    *(
        _led(
            f"a raster beside which {name} is {what}",
            _sidecar(name, piped=piped),
            f"here/{name}: is {then}",
            ("tile", "here/region.tif", "-o", "t"),
        )
        for name in ("region.tif.ovr", "region.tif.aux.xml", "region.tfw")
        for piped, what, then in (
            (True, "a pipe", "a device or a pipe, and GDAL would read it with region.tif; remove it"),
            (False, "a link out of the folder", "a link out of its folder; remove it, or put the file itself there"),
        )
    ),
    _virtual(
        "a VRT of raw bytes of any file",
        "reads /etc/hostname, outside its folder; …",
        _band(
            '<SourceFilename relativeToVRT="0">/etc/hostname</SourceFilename><ImageOffset>0</ImageOffset>',
            ' subClass="VRTRawRasterBand"',
        ),
    ),
    _virtual(
        "a VRT that brings code",
        "says by PixelFunctionCode where other data are, which geolabel does not follow; …",
        _band(f"{_CODE}<PixelFunctionCode>import os</PixelFunctionCode>", _DERIVED),
    ),
    _virtual(
        "a warped VRT that leads out of its folder",
        f"reads …secret.tif, outside its folder; {_FLAG}, or …",
        more='<GDALWarpOptions><SourceDataset relativeToVRT="1">../secret.tif</SourceDataset></GDALWarpOptions>',
        kind=_WARPED,
    ),
    _virtual(
        "a warped VRT with places from another file",
        "says by SrcGeoLocTransformer where other data are, which geolabel does not follow; …",
        more="<GDALWarpOptions><Transformer><SrcGeoLocTransformer/></Transformer></GDALWarpOptions>",
        kind=_WARPED,
    ),
    _virtual(
        "a VRT of a kind that geolabel does not know",
        "says by VRTProcessedDataset where other data are, which geolabel does not follow; …",
        kind=' subClass="VRTProcessedDataset"',
    ),
    _virtual(
        "a VRT that names its overviews elsewhere",
        "says by OVERVIEW_FILE where other data are, which geolabel does not follow; …",
        _source("region.tif"),
        more='<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/vsicurl/http://127.0.0.1:9/o</MDI></Metadata>',
    ),
    _led(
        "a VRT with entities that multiply",
        _files(m__vrt=_BOMB + vrt(more="<Metadata><MDI>&e9;</MDI></Metadata>")),
        "here/m.vrt: defines XML entities, which no VRT needs; take that out, or write it again",
    ),
    _led(
        "a VRT with an entity that is a file",
        _files(m__vrt=_FILE + vrt(_source("&f;"))),
        "here/m.vrt: defines XML entities, which no VRT needs; take that out, or write it again",
    ),
    _led(
        "a VRT that is cut in the middle",
        _files(m__vrt=_BESIDE[:-40]),
        "here/m.vrt: is a VRT that is not XML (…); write it again with gdalbuildvrt",
    ),
    *(
        _led(
            f"{what} in a file that is named as a raster",
            _files(service__tif=text),
            "here/service.tif: says where a raster is (a service, a pipeline, an index of tiles), and holds none; "
            f"{_FLAG}, or name the rasters themselves",
            ("tile", "here/service.tif", "-o", "t"),
        )
        for what, text in _SERVICES.items()
    ),
    _led(
        "a raster whose overviews lie at an address",
        _overviews,
        f"here/region.tif: takes its overviews from http://127.0.0.1:9/o.ovr; {_FLAG}, or remove that tag",
        ("tile", "here/region.tif", "-o", "t"),
    ),
    _led(
        "a raster whose overviews are a service",
        _files(region__tif__ovr=_WMS),
        "here/region.tif.ovr: GDAL would read it with region.tif, and it is no TIFF; remove it, …",
        ("tile", "here/region.tif", "-o", "t"),
    ),
    _led(
        "a raster whose mask is a VRT",
        _files(region__tif__msk=_BESIDE),
        "here/region.tif.msk: GDAL would read it with region.tif, and it is no TIFF; remove it, …",
        ("tile", "here/region.tif", "-o", "t"),
    ),
    *(
        _led(
            f"{name.partition(':')[0].partition('/')[2] or name.partition(':')[0]} as the name of a raster",
            lambda _: None,
            f"{name}: no such file or folder; a raster, a folder, a glob, a STAC file or an address was expected",
            ("predict", name, "-o", "out"),
        )
        for name in ("PG:dbname=x", "WMS:http://127.0.0.1:9", "vrt://a.tif", "ftp://127.0.0.1/a.tif")
    ),
    *(
        _led(
            f"{name} as the name of a raster",
            lambda _: None,
            f"{shown}: is no file and no address (https://, s3://, gs://, az://, or /vsizip/ of a file); {_FLAG}, or …",
            ("predict", name, "-o", "out"),
        )
        for name, shown in (
            ("/vsistdin/", "/vsistdin/"),
            ("/vsimem/a.tif", "/vsimem/a.tif"),
            ("/vsicurl/file:///etc/passwd", "file:///etc/passwd"),
            ("/vsicurl?header_file=/etc/passwd&url=http%3A//127.0.0.1%3A9/a.tif", "http://127.0.0.1:9/a.tif"),
            ("/vsisubfile/0_9,/etc/passwd", "/vsisubfile/0_9,/etc/passwd"),
        )
    ),
    *(
        _led(
            f"a STAC item that names {href.partition(':')[0]}:",
            _item(href),
            f"item.json: names {href}, which is neither a file nor an address of https, s3, gs or az; …",
            _PREDICT,
        )
        for href in (
            "ftp://127.0.0.1/a.tif",
            "data:image/tiff;base64,SUkqAA==",
            "PG:dbname=x",
            "gopher://127.0.0.1/a.tif",
        )
    ),
    _led(
        "a STAC item that names a file of the system",
        _item("file:///etc/hostname"),
        "/etc/hostname: …",
        _PREDICT,
    ),
    _led(
        "a STAC item that names what is not there, above it",
        _item("../../nowhere.tif"),
        "…nowhere.tif: no such file; a raster was expected",
        _PREDICT,
    ),
    _led(
        "a STAC item with a VRT that leads out of its folder",
        lambda den: (_files(m__vrt=vrt(_source("../secret.tif")))(den), _item("here/m.vrt")(den)),
        f"…m.vrt: reads …secret.tif, outside its folder; {_FLAG}, or put the rasters into one folder",
        _PREDICT,
    ),
    _led(
        "a STAC item from a server that names a file of this machine",
        _item("file:///etc/hostname", links=[{"rel": "self", "href": "https://127.0.0.1:9/item.json"}]),
        "/etc/hostname: …",
        _PREDICT,
    ),
    _led(
        "an address nobody answers at",
        lambda _: None,
        "http://127.0.0.1:9/a.tif: does not answer (…); check the address and the network",
        ("predict", "http://user:pass@127.0.0.1:9/a.tif?sig=secret", "-o", "out"),
    ),
    _led(
        "a zip file that unpacks to a thousand times its size",
        _safe(("S.SAFE/GRANULE/G/IMG_DATA/T_B02_10m.jp2", bytes(64 << 20))),
        "S2.zip: …_B02_10m.jp2 would unpack from 0.1 to 67 MB; download it again",
        _ZIPPED,
    ),
    _led(
        "a zip file with a name that leads out of it",
        _safe(("../../S.SAFE/GRANULE/G/IMG_DATA/T_B02_10m.jp2", b"x")),
        "S2.zip: holds '../../S.SAFE…', which leads out of it; download it again",
        _ZIPPED,
    ),
    _led(
        "a zip file that is encrypted",
        _encrypted,
        "S2.zip: is no zip file that can be read (…encrypted…); copy or download it again",
        _ZIPPED,
    ),
    _led(
        "a zip file of nothing",
        _safe(),
        "S2.zip: the product lacks the files of its bands in GRANULE/…/IMG_DATA; unpack or download it again",
        _ZIPPED,
    ),
)
