"""From class maps to polygons, and to layers that open, styled, in QGIS."""

from geolabel.maps.detections import Detections, simplify
from geolabel.maps.layer_styles import write_layer_style
from geolabel.maps.layers import detections_layer, filter_layer
from geolabel.maps.polygons import Strip, outline
from geolabel.maps.style import ClassStyle, Step, graduated_qml, probability_qml, raster_qml, vector_qml

__all__ = [
    "ClassStyle",
    "Detections",
    "Step",
    "Strip",
    "detections_layer",
    "filter_layer",
    "graduated_qml",
    "outline",
    "probability_qml",
    "raster_qml",
    "simplify",
    "vector_qml",
    "write_layer_style",
]
