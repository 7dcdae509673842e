"""Pixel by pixel: what a network sees there, and probes that tell classes from it."""

from geolabel.learn.pixelwise.maps import PixelMaps, TileMaps, TrunkMaps, pixelwise
from geolabel.learn.pixelwise.probe import (
    PIXEL_PROBES,
    ForestProbe,
    LinearProbe,
    Probe,
    ProbeKind,
    fit_pixel_probe,
    restore_probe,
)

__all__ = [
    "PIXEL_PROBES",
    "ForestProbe",
    "LinearProbe",
    "PixelMaps",
    "Probe",
    "ProbeKind",
    "TileMaps",
    "TrunkMaps",
    "fit_pixel_probe",
    "pixelwise",
    "restore_probe",
]
