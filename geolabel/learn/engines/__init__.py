"""Engines: what calculates a network's answers, in which precision, how many tiles at once; found by trial."""

from geolabel.learn.engines.engine import Engine, EngineKind, default_engine
from geolabel.learn.engines.equip import equip
from geolabel.learn.engines.trial import choose, default

__all__ = ["Engine", "EngineKind", "choose", "default", "default_engine", "equip"]
