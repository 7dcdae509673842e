"""Haze: how much of it lies over an image, and the image without it."""

from geolabel.learn.haze.removal import atmospheric_light, dehaze, haze_degree
from geolabel.learn.haze.settings import DarkChannel

__all__ = ["DarkChannel", "atmospheric_light", "dehaze", "haze_degree"]
