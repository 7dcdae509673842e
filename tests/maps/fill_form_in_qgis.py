"""Run by QGIS's own Python: open a sample as a person would, answer three points, and print what the form is like."""

import json
import sys

from qgis.core import QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsVectorLayer
from qgis.gui import QgsGui
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage
from qgis.PyQt.QtWidgets import QWidget

path, answers = sys.argv[1], json.loads(sys.argv[2])
application = QgsApplication([], True)  # with a GUI: the form's widgets are made for real
application.initQgis()
QgsGui.editorWidgetRegistry().initEditors()
layer = QgsVectorLayer(f"{path}|layername=sample", "sample", "ogr")
assert layer.isValid()
form = layer.editFormConfig()
names = [field.name() for field in layer.fields()]
parent = QWidget()


def widget(name):
    """The widget that QGIS makes of a field, and the texts it offers."""
    at = names.index(name)
    setup = QgsGui.editorWidgetRegistry().findBest(layer, name)
    made = QgsGui.editorWidgetRegistry().create(layer, at, None, parent).widget()
    texts = [made.itemText(number) for number in range(made.count())] if hasattr(made, "itemText") else []
    return {"type": setup.type(), "offers": texts, "editable": not form.readOnly(at), "title": layer.attributeAlias(at)}


def colors():
    """How many pixels of a picture of one square have each colour."""
    first = next(layer.getFeatures())
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setBackgroundColor(QColor(0, 0, 0, 0))
    settings.setOutputImageFormat(QImage.Format_ARGB32)
    settings.setOutputSize(QSize(200, 200))
    extent = first.geometry().boundingBox()
    extent.scale(2.0)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    seen = [image.pixelColor(col, row) for row in range(200) for col in range(200)]
    solid = [color.name() for color in seen if color.alpha() == 255]
    return {name: solid.count(name) for name in set(solid)}


renderer = layer.renderer()
found = {
    "widgets": {name: widget(name) for name in names},
    "layout": [element.name() for element in form.invisibleRootContainer().children()],
    "hidden_columns": [
        column.name for column in layer.attributeTableConfig().columns() if column.hidden and column.name
    ],
    "legend": [[one.value(), one.label()] for one in renderer.categories()],
    "before": colors(),
    "fields": names,
}
assert layer.startEditing()
for feature in layer.getFeatures():
    if str(feature["id"]) in answers:
        layer.changeAttributeValue(feature.id(), names.index("reference"), answers[str(feature["id"])])
        layer.changeAttributeValue(feature.id(), names.index("confidence"), "unsure")
assert layer.commitChanges(), layer.commitErrors()
found["after"] = colors()
sys.stdout.write(json.dumps(found) + "\n")
