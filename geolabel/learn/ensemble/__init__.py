"""Several models as one: their mean, the best for each label, ridge stacking, or a classifier chain."""

from geolabel.learn.ensemble.combination import COMBINATIONS, Combination, CombinationKind
from geolabel.learn.ensemble.fit import fit_combination, out_of_fold
from geolabel.learn.ensemble.predictor import (
    ENSEMBLE,
    EnsemblePredictor,
    ensemble_settings,
    member_probabilities,
)

__all__ = [
    "COMBINATIONS",
    "ENSEMBLE",
    "Combination",
    "CombinationKind",
    "EnsemblePredictor",
    "ensemble_settings",
    "fit_combination",
    "member_probabilities",
    "out_of_fold",
]
