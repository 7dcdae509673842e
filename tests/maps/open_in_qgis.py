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
    if not extent.height():  # points in a row
        extent.grow(1_500)
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


def graduated(name):
    layer = QgsVectorLayer(f"{folder / name}.gpkg|layername={name}", name, "ogr")
    renderer = layer.renderer()
    legend = []
    if renderer.type() == "graduatedSymbol":
        for step in renderer.ranges():
            symbol = step.symbol()
            color = symbol.symbolLayer(0).fillColor() if name == "disagreement" else symbol.color()
            legend.append([step.label(), step.lowerValue(), step.upperValue(), color.name(), color.alpha()])
    about = layer.dataProvider().layerMetadata().abstract() if hasattr(layer.dataProvider(), "layerMetadata") else ""
    seen = {"renderer": renderer.type(), "attribute": renderer.classAttribute(), "legend": legend, "about": about}
    return {**seen, "pixels": picture(layer), "fields": [field.name() for field in layer.fields()]}


application = QgsApplication([], False)
application.initQgis()
found = {"classes": raster("classes")[1], "probabilities": probabilities(), "detections": detections()}
found |= {name: graduated(name) for name in ("disagreement", "doubts")}
sys.stdout.write(json.dumps({"folder": str(folder), **found}) + "\n")
