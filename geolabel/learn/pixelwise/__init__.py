"""Pixel by pixel: what a network sees there, and probes that tell classes from it."""

from geolabel.learn.pixelwise.maps import PixelMaps, TileMaps, TrunkMaps, pixelwise
from geolabel.learn.pixelwise.probe import PROBES, ForestProbe, LinearProbe, Probe, ProbeKind, fit_probe, restore_probe

__all__ = [
    "PROBES",
    "ForestProbe",
    "LinearProbe",
    "PixelMaps",
    "Probe",
    "ProbeKind",
    "TileMaps",
    "TrunkMaps",
    "fit_probe",
    "pixelwise",
    "restore_probe",
]
