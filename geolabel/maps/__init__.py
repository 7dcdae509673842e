"""From class maps to polygons, and to layers and projects that open, styled, in QGIS."""

from geolabel.maps.alert_style import alerts_qml
from geolabel.maps.detections import Detections
from geolabel.maps.generalise import simplify, smooth
from geolabel.maps.layer_styles import write_layer_style
from geolabel.maps.layers import detections_layer, filter_layer
from geolabel.maps.polygons import ClassStrip, Strip, outline, outline_classes
from geolabel.maps.project import Project, ProjectLayer, project_bytes
from geolabel.maps.raster_style import (
    Stretch,
    confidence_qml,
    image_qml,
    probability_qml,
    raster_qml,
)
from geolabel.maps.style import ClassStyle, Step, detections_qml, graduated_qml, vector_qml

__all__ = [
    "ClassStrip",
    "ClassStyle",
    "Detections",
    "Project",
    "ProjectLayer",
    "Step",
    "Stretch",
    "Strip",
    "alerts_qml",
    "confidence_qml",
    "detections_layer",
    "detections_qml",
    "filter_layer",
    "graduated_qml",
    "image_qml",
    "outline",
    "outline_classes",
    "probability_qml",
    "project_bytes",
    "raster_qml",
    "simplify",
    "smooth",
    "vector_qml",
    "write_layer_style",
]
