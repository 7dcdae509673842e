"""Names and colours that a class raster carries, as geolabel and as GDAL write them."""

import numpy as np
import pytest

from geolabel.errors import InputError
from geolabel.grid import Grid
from geolabel.raster import BandStyle, write_cog
from geolabel.raster.categories import Category, categories
from tests.conftest import UTM

TABLE = """<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>
<FieldDefn index="0"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>
<FieldDefn index="1"><Name>Name</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
<FieldDefn index="2"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
<Row index="0"><F>10</F><F>Forest</F><F>3</F></Row><Row index="1"><F>5</F><F>Água</F><F>33</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""


def test_what_geolabel_writes(tmp_path):
    grid = Grid("EPSG:32631", UTM, 4, 2)
    names = {0: "none", 2: "Mine & pit", 254: "undecided"}
    style = BandStyle(("class",), nodata=255, palette={2: (255, 128, 0), 254: (1, 2, 3)}, categories=names)
    with write_cog(tmp_path / "classes.tif", grid, style) as writer:
        writer.write(0, np.zeros((1, 2, 4), np.uint8))
    found = categories(tmp_path / "classes.tif")
    assert {value: one.name for value, one in found.items()} == names
    assert found[2] == Category("Mine & pit", "#ff8000")
    assert found[254].color == "#010203"


def test_an_attribute_table_without_category_names(tmp_path, write_raster):
    path = write_raster("a.tif", np.zeros((1, 2, 2), np.uint8))
    path.with_name("a.tif.aux.xml").write_text(TABLE, encoding="utf-8")
    assert categories(path) == {3: Category("Forest", ""), 33: Category("Água", "")}


@pytest.mark.parametrize("text", [None, "<PAMDataset/>", '<PAMDataset><PAMRasterBand band="1"/></PAMDataset>'])
def test_nothing_is_said(write_raster, text):
    path = write_raster("a.tif", np.zeros((1, 2, 2), np.uint8))
    if text:
        path.with_name("a.tif.aux.xml").write_text(text)
    assert categories(path) == {}


def test_a_damaged_sidecar(write_raster):
    path = write_raster("a.tif", np.zeros((1, 2, 2), np.uint8))
    path.with_name("a.tif.aux.xml").write_text("<PAMDataset>")
    with pytest.raises(InputError, match=r"a\.tif\.aux\.xml: is damaged"):
        categories(path)
