"""Run by QGIS's own Python: open tables of a PostgreSQL database, and print as JSON what a person would see."""

import json
import sys

from qgis.core import QgsApplication, QgsDataSourceUri, QgsVectorLayer

folder, database, user, password, schema, table = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
uri = QgsDataSourceUri()
uri.setConnection(folder, "", database, user, password)
uri.setDataSource(schema, table, "geom", "", "fid")
layer = QgsVectorLayer(uri.uri(False), table, "postgres")
renderer = layer.renderer() if layer.isValid() else None
styled = renderer is not None and renderer.type() == "categorizedSymbol"
categories = renderer.categories() if styled else []
legend = [[one.label(), one.symbol().symbolLayer(0).fillColor().name()] for one in categories]
sys.stdout.write(
    json.dumps(
        {
            "valid": layer.isValid(),
            "crs": layer.crs().authid(),
            "legend": legend,
            "features": layer.featureCount(),
            "ids": sorted(feature["alert_id"] for feature in layer.getFeatures()),
            "abstract": layer.dataProvider().dataComment(),
            "types": {field.name(): field.typeName() for field in layer.fields()},
        }
    )
)
del layer
application.exitQgis()
