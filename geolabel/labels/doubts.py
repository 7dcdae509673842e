"""Which labels to doubt: a quick model answers for each tile what its label says, without having seen its place.

Method: confident learning's label quality (Northcutt et al. 2021, https://doi.org/10.1613/jair.1.12125), as cleanlab
has it: the probability that the model gives to the label; over several labels of a tile their soft minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from geolabel.labels.questions import Question

_TREES = 200
_LEAST_TAUGHT = 5
"""Tiles with an answer that a model must have seen before its word on it counts."""
_LEAST_SKILL = 0.75
"""Area under the ROC curve: of a tile with the class and one without, how often the model finds the first likelier."""
_SOFTNESS = 0.1
"""Of the soft minimum: nearly the lowest score, a little lower where several are low."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Doubts:
    """Tiles by how much their labels are doubted, most first: m of those that were asked about."""

    row: NDArray[np.int64]
    """(m,): place among the tiles asked about."""
    score: NDArray[np.float64]
    """(m,): 0 surely wrong, 1 surely right."""
    given: tuple[tuple[str, ...], ...]
    """Classes that each tile's label says are there."""
    model: tuple[tuple[str, ...], ...]
    """Classes that the model says are there, of those it was asked about."""
    differs: NDArray[np.bool_]
    """(m,): whether the model says otherwise."""
    doubted: tuple[str, ...]
    """The class whose answer is doubted most; empty: that the tile is none of the classes of a group."""
    given_share: NDArray[np.float64]
    """(m,): share of the tile that the label gives to that class."""
    probability: NDArray[np.float64]
    """(m,): the model's, of that class."""

    def __len__(self) -> int:
        return len(self.row)


def check_installed() -> None:
    """Raise InstallError where cleanlab is not there: before any work is done."""
    try:
        import cleanlab.rank  # noqa: F401
    except ImportError as error:
        raise InstallError(
            f'--report needs cleanlab, which cannot be imported ({error}): pip install "geolabel[trust]"'
        ) from error


def forest(seed: int) -> Any:
    """A quick model that puts up with wrong labels: extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(_TREES, min_samples_leaf=2, max_features=0.5, random_state=seed)


def out_of_fold(
    features: NDArray[np.float32], questions: Sequence[Question], fold: NDArray[np.int64], make: Callable[[], Any]
) -> list[NDArray[np.float64]]:
    """Probability of each answer: (n, kinds) for each question; each by a model that saw no tile of the fold.

    `features` (n, numbers), `fold` (n,); `make` gives a new model that learns as scikit-learn's do. NaN for tiles that
    a question is not about, that have no features, or whose answer the model was taught too few times to know it.
    """
    from joblib import parallel_config

    found = [np.full((len(features), len(question.kinds)), np.nan) for question in questions]
    seen = np.isfinite(features).all(axis=1)
    for members in _about_the_same(questions):
        asked = seen & (questions[members[0]].given >= 0)
        answers = np.column_stack([questions[at].given for at in members])
        for number in np.unique(fold[asked]):
            taught, held = asked & (fold != number), asked & (fold == number)
            if np.count_nonzero(taught) < 2 * _LEAST_TAUGHT:
                continue
            model = make()
            with parallel_config("threading", n_jobs=-1):
                model.fit(features[taught], answers[taught] if len(members) > 1 else answers[taught, 0])
            # threads would add up the trees in any order, and the last digit would differ from run to run
            told = model.predict_proba(features[held])
            parts = zip(told, model.classes_, strict=True) if len(members) > 1 else [(told, model.classes_)]
            for at, (probability, kinds) in zip(members, parts, strict=True):
                given = questions[at].given
                enough = np.bincount(given[taught], minlength=len(questions[at].kinds)) >= _LEAST_TAUGHT
                judged = enough[given[held]]
                if np.count_nonzero(enough) > 1 and judged.any():
                    rows = np.flatnonzero(held)[judged]
                    found[at][rows] = 0
                    found[at][rows[:, None], kinds] = probability[judged]
    return found


def _about_the_same(questions: Sequence[Question]) -> Iterator[list[int]]:
    """Questions about the same tiles: one model answers them together."""
    groups: dict[bytes, list[int]] = {}
    for at, question in enumerate(questions):
        groups.setdefault(np.packbits(question.given >= 0).tobytes(), []).append(at)
    yield from groups.values()


def without_unskilled(
    questions: Sequence[Question], probabilities: Sequence[NDArray[np.float64]]
) -> tuple[list[NDArray[np.float64]], dict[str, float]]:
    """The probabilities without those of classes that the model cannot tell: its word against a label counts nothing.

    Also those classes, with the area under the ROC curve: .5 is guessing.
    """
    from sklearn.metrics import roc_auc_score

    kept, lost = [probability.copy() for probability in probabilities], {}
    for question, probability in zip(questions, kept, strict=True):
        judged = np.isfinite(probability[:, 0])
        given = question.given[judged]
        told = probability[judged]
        for kind in [int(kind) for kind in np.unique(given)] if question.exclusive else [1]:
            is_given = given == kind
            if not 0 < np.count_nonzero(is_given) < len(given):
                continue
            skill = float(roc_auc_score(is_given, told[:, kind]))
            if skill < _LEAST_SKILL:
                lost[question.kinds[kind]] = skill
                probability[(question.given == kind) if question.exclusive else judged] = np.nan
    return kept, lost


def rank_doubts(questions: Sequence[Question], probabilities: Sequence[NDArray[np.float64]]) -> Doubts:
    """Tiles by the quality of their labels, lowest first; tiles about which the model was asked nothing are left out.

    `probabilities` (n, kinds) for each question, NaN where it was not asked.
    """
    from cleanlab.rank import get_label_quality_scores

    count = len(questions[0].given)
    score = np.full((count, len(questions)), np.nan)
    for at, (question, probability) in enumerate(zip(questions, probabilities, strict=True)):
        judged = np.isfinite(probability[:, 0])
        if judged.any():
            score[judged, at] = get_label_quality_scores(question.given[judged].astype(np.int64), probability[judged])
    rows = np.flatnonzero(np.isfinite(score).any(axis=1))
    overall = soft_minimum(score[rows]).round(_DECIMALS)
    order = np.argsort(overall, kind="stable")
    rows, overall = rows[order], overall[order]
    worst = np.nanargmin(score[rows].round(_DECIMALS), axis=1) if len(rows) else np.zeros(0, np.int64)
    best = [np.where(np.isfinite(p[:, 0]), np.nan_to_num(p).argmax(axis=1), -1) for p in probabilities]
    answers = [question.given for question in questions]
    doubted, share, chance = [], np.zeros(len(rows)), np.zeros(len(rows))
    for place, (row, at) in enumerate(zip(rows.tolist(), worst.tolist(), strict=True)):
        question = questions[at]
        kind = question.about(row)
        doubted.append(question.kinds[kind])
        share[place], chance[place] = question.share[row], probabilities[at][row, kind]
    differs = [(told >= 0) & (told != given) for told, given in zip(best, answers, strict=True)]
    return Doubts(
        row=rows,
        score=overall,
        given=_names(questions, answers, rows),
        model=_names(questions, best, rows),
        differs=np.any(differs, axis=0)[rows],
        doubted=tuple(doubted),
        given_share=share,
        probability=chance.round(_DECIMALS),
    )


def soft_minimum(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row of scores (n, questions), NaN left out: (n,). cleanlab's aggregator "softmin"."""
    weight = np.exp((1 - score) / _SOFTNESS)
    return np.asarray(np.nansum(score * weight, axis=1) / np.nansum(weight, axis=1))


def _names(
    questions: Sequence[Question], answers: Sequence[NDArray[Any]], rows: NDArray[np.int64]
) -> tuple[tuple[str, ...], ...]:
    """The classes that are there by the answers (n,) to each question, −1 none given."""
    found: list[list[str]] = [[] for _ in rows]
    for question, answer in zip(questions, answers, strict=True):
        for names, kind in zip(found, answer[rows].tolist(), strict=True):
            if kind >= 0 and question.kinds[kind]:
                names.append(question.kinds[kind])
    return tuple(tuple(names) for names in found)
