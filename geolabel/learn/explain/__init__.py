"""Why a model answers as it does: which pixels speak for a class, and whether saying so means anything."""

from geolabel.learn.explain.check import Check, deletion_check, points_at
from geolabel.learn.explain.library import check_installed
from geolabel.learn.explain.methods import METHODS, Method, Settings, explain
from geolabel.learn.explain.removal import Removal
from geolabel.learn.explain.superpixels import superpixels

__all__ = [
    "METHODS",
    "Check",
    "Method",
    "Removal",
    "Settings",
    "check_installed",
    "deletion_check",
    "explain",
    "points_at",
    "superpixels",
]
