"""Whole regions: which tiles are predicted, in what order, and how their answers become one seamless map."""

from geolabel.inference.decision import LEVELS, NONE, UNDECIDED, Decision, levels_of
from geolabel.inference.pipeline import Rows, predict_rows, realign
from geolabel.inference.plan import Plan, make_plan

__all__ = [
    "LEVELS",
    "NONE",
    "UNDECIDED",
    "Decision",
    "Plan",
    "Rows",
    "levels_of",
    "make_plan",
    "predict_rows",
    "realign",
]
