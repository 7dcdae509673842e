"""Whole regions: which tiles are predicted, in which shards, and how their answers become one seamless map."""

from geolabel.inference.answers import Answers, dump_answers, read_answers, write_answers
from geolabel.inference.decision import LEVELS, NONE, UNDECIDED, Decision, levels_of
from geolabel.inference.pipeline import Answer, Look, predict_shards
from geolabel.inference.plan import Plan, make_plan
from geolabel.inference.refine import Places
from geolabel.inference.region import Rows, blended, rows_at_once
from geolabel.inference.shards import Shard, cut, down_columns

__all__ = [
    "LEVELS",
    "NONE",
    "UNDECIDED",
    "Answer",
    "Answers",
    "Decision",
    "Look",
    "Places",
    "Plan",
    "Rows",
    "Shard",
    "blended",
    "cut",
    "down_columns",
    "dump_answers",
    "levels_of",
    "make_plan",
    "predict_shards",
    "read_answers",
    "rows_at_once",
    "write_answers",
]
