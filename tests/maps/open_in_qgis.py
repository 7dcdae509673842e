"""Run by QGIS's own Python: open every file of a folder, and print as JSON what a person would see."""

import json
import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsPointXY,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage

folder = Path(sys.argv[1])


def picture(layer):
    """The layer alone on nothing: middles of five columns, as (r, g, b, a)."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setBackgroundColor(QColor(0, 0, 0, 0))
    settings.setOutputImageFormat(QImage.Format_ARGB32)
    settings.setOutputSize(QSize(300, 300))
    extent = layer.extent()
    extent.setXMinimum(500_000)
    extent.setXMaximum(503_000)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(str(folder / f"{layer.name()}.png"))
    colors = [image.pixelColor(30 + 60 * column, 150) for column in range(5)]
    return [[color.red(), color.green(), color.blue(), color.alpha()] for color in colors]


def raster(name):
    layer = QgsRasterLayer(str(folder / f"{name}.tif"), name)
    renderer = layer.renderer()
    legend = [[label, color.name(), color.alpha()] for label, color in renderer.legendSymbologyItems()]
    return layer, {"renderer": renderer.type(), "legend": legend, "pixels": picture(layer)}


def probabilities():
    layer, seen = raster("probabilities")
    value, _ = layer.dataProvider().sample(QgsPointXY(501_505, 8_999_000), 1)
    renderer = layer.renderer()
    return {**seen, "value": value, "range": [renderer.classificationMin(), renderer.classificationMax()]}


def detections():
    layer = QgsVectorLayer(f"{folder / 'detections.gpkg'}|layername=detections", "detections", "ogr")
    renderer = layer.renderer()
    legend = []
    if renderer.type() == "categorizedSymbol":
        for category in renderer.categories():
            color = category.symbol().symbolLayer(0).fillColor()
            legend.append([category.label(), color.name(), color.alpha()])
    return {"renderer": renderer.type(), "legend": legend, "pixels": picture(layer)}


application = QgsApplication([], False)
application.initQgis()
found = {"classes": raster("classes")[1], "probabilities": probabilities(), "detections": detections()}
sys.stdout.write(json.dumps({"folder": str(folder), **found}) + "\n")
