"""Run by QGIS's own Python: open a project (first word), and print as JSON what a person would see of it."""

import json
import sys
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsDateTimeRange,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsLayerTreeLayer,
    QgsLayerTreeModel,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsProjectBadLayerHandler,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerTemporalContext,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QSize, Qt
from qgis.PyQt.QtGui import QColor, QImage

path = Path(sys.argv[1])
YEARS = (2018, 2020, 2022)
points = [tuple(map(float, word.split(","))) for word in sys.argv[2:]]


class Bad(QgsProjectBadLayerHandler):
    """Remembers layers that a person would be asked about."""

    missing = ()

    def handleBadLayers(self, layers):  # noqa: N802
        """QGIS's name."""
        Bad.missing += tuple(layer.toElement().namedItem("layername").toElement().text() for layer in layers)


def legend(model, layer):
    """Text of each entry, and its symbol's fill (#rrggbb, alpha) and outline, where it has one."""
    found = []
    for node in model.layerLegendNodes(layer):
        symbol = getattr(node, "symbol", lambda: None)()
        look = None
        if symbol is not None:
            below, above = symbol.symbolLayer(0), symbol.symbolLayer(symbol.symbolLayerCount() - 1)
            look = [below.color().name(), below.color().alpha(), above.strokeColor().name()]
        found.append([node.data(Qt.DisplayRole) or "", look])
    return found


def tree(model, group):
    """Groups with their layers, from above."""
    found = []
    for child in group.children():
        if isinstance(child, QgsLayerTreeLayer):
            layer = child.layer()
            about = {
                "title": child.name(),
                "valid": bool(layer and layer.isValid()),
                "visible": child.itemVisibilityChecked(),
                "crs": layer.crs().authid(),
                "rights": layer.metadata().rights(),
                "legend": legend(model, child),
                "type": layer.renderer().type(),
                "source": layer.source(),
            }
            if not isinstance(layer, QgsVectorLayer):
                about["opacity"] = layer.renderer().opacity()
                about["colors"] = [[text, color.name()] for text, color in layer.renderer().legendSymbologyItems()]
            found.append(about)
        else:
            found.append(
                {"group": child.name(), "either_or": child.isMutuallyExclusive(), "layers": tree(model, child)}
            )
    return found


def picture(project, name, layers):
    """The canvas as it opens: colours at the points asked for, and all rendering errors."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setBackgroundColor(QColor(255, 255, 255))
    settings.setOutputImageFormat(QImage.Format_ARGB32)
    settings.setOutputSize(QSize(800, 800))
    settings.setExtent(QgsRectangle(project.viewSettings().defaultViewExtent()))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(str(path.with_name(f"{name}.png")))
    seen = []
    for x, y in points:
        at = settings.mapToPixel().transform(x, y)
        color = image.pixelColor(int(at.x()), int(at.y()))
        seen.append([color.red(), color.green(), color.blue()])
    return {"colors": seen, "errors": [error.message for error in job.errors()]}


def tips(layer):
    """The map tip of each feature, by its id."""
    found = {}
    names = layer.fields().names()
    key = "alert_id" if "alert_id" in names else names[1]
    for feature in layer.getFeatures():
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
        context.setFeature(feature)
        found[feature[key]] = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    return found


def times(layer):
    """Whether the temporal controller moves the layer, by which column, and how many features it shows by year."""
    properties = layer.temporalProperties()
    context = QgsVectorLayerTemporalContext()
    context.setLayer(layer)
    seen = []
    for year in YEARS:
        span = QgsDateTimeRange(*(QDateTime(QDate(at, 1, 1)) for at in (year, year + 1)))
        request = QgsFeatureRequest().setFilterExpression(properties.createFilterString(context, span))
        seen.append(len(list(layer.getFeatures(request))))
    return [properties.isActive(), properties.startField(), seen]


application = QgsApplication([], False)
application.initQgis()
warnings = []
log = QgsApplication.messageLog()
log.messageReceived[str, str, Qgis.MessageLevel].connect(lambda text, tag, _: warnings.append(f"{tag}: {text}"))
project = QgsProject.instance()
handler = Bad()
project.setBadLayerHandler(handler)
read = project.read(str(path))
model = QgsLayerTreeModel(project.layerTreeRoot())
vectors = [layer for layer in project.mapLayers().values() if isinstance(layer, QgsVectorLayer)]
extent = project.viewSettings().defaultViewExtent()
span = project.timeSettings().temporalRange()
found = {
    "read": read,
    "error": project.error(),
    "missing": Bad.missing,
    "warnings": warnings,
    "title": project.title(),
    "crs": project.crs().authid(),
    "about": project.metadata().abstract(),
    "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
    "dates": [] if span.isInfinite() else [side.date().toString("yyyy-MM-dd") for side in (span.begin(), span.end())],
    "groups": tree(model, project.layerTreeRoot()),
    "layers": {layer.name(): {"tips": tips(layer), "times": times(layer)} for layer in vectors},
    "shown": picture(project, "shown", project.layerTreeRoot().checkedLayers()),
    "alone": {layer.name(): picture(project, layer.name(), [layer]) for layer in project.mapLayers().values()},
}
# the same files, opened without the project
home = path.parent
for file in sorted(map(str, [*home.glob("*.gpkg"), *home.glob("*.geojson")])):
    layer = QgsVectorLayer(file, Path(file).name, "ogr")
    project.addMapLayer(layer, False)
    style = {"type": layer.renderer().type(), "tips": tips(layer)}
    layer.loadDefaultStyle()  # QGIS 3.22 takes the time of a layer from its style only when asked once more
    found[layer.name()] = {**style, "times": times(layer)}
sys.stdout.write(json.dumps(found) + "\n")
