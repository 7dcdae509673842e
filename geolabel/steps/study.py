"""Optuna's study of a search: which recipe to try next, which trial to stop early, and what all of them gave."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from geolabel.errors import InputError, InstallError
from geolabel.steps.search_space import Choice, apply, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import optuna

    from geolabel.learn.recipe import Recipe
    from geolabel.steps.search_space import Space

STUDY = "study.db"
_NAME = "geolabel tune"
_LEAST_TO_WEIGH = 4
"""Finished trials, before it is said which field matters."""
_UNJUDGED = 5
"""A trial is not stopped in its first fifth of the epochs: rates still rise there."""


class PrunedError(Exception):
    """A trial is worse than others were by then; it is not worth going on."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe that was tried."""

    number: int
    """From 0, the recipe that the search begins with."""
    state: Literal["done", "pruned"]
    value: float | None
    """Mean average precision on the validation tiles; None where it was stopped early."""
    epochs: int
    recipe: Recipe


class Study:
    """Trials one after the other, kept in an SQLite file.

    The tree-structured Parzen estimator (Bergstra et al., NIPS 2011) chooses, anew seeded for each trial by how many
    there were: a search that was interrupted goes on as if it had not been. Trials below the median of the others at
    the same epoch are pruned.
    """

    def __init__(self, study: optuna.Study, start: Recipe, space: Space) -> None:
        self._study, self._start, self._space = study, start, space
        for left in self._frozen("RUNNING"):
            self._study.tell(left.number, state=_state("FAIL"))  # of a process that was killed

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Those that came to an end, in their order."""
        return tuple(self._trial(*pair) for pair in enumerate(self._frozen("COMPLETE", "PRUNED")))

    @property
    def exhausted(self) -> bool:
        """Whether every recipe was tried."""
        return len({found.recipe for found in self.trials}) >= size_of(self._space)

    def ask(self) -> Asked:
        """The next trial; the first is the recipe that the search begins with."""
        from optuna.samplers import TPESampler

        done = len(self.trials)
        if not done and not self._frozen("WAITING"):
            self._study.enqueue_trial({name: getattr(self._start, name) for name in self._space})
        self._study.sampler = TPESampler(seed=self._start.seed + done)
        trial = self._study.ask()
        return Asked(self._study, trial, apply(self._start, {name: self._suggest(trial, name) for name in self._space}))

    def importance(self) -> dict[str, float]:
        """Share of each field in what made the values differ; empty where too few trials were finished."""
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        values = [found.value for found in self._frozen("COMPLETE")]
        if len(values) < _LEAST_TO_WEIGH or len(set(values)) == 1:
            return {}
        found = get_param_importances(self._study, evaluator=FanovaImportanceEvaluator(seed=self._start.seed))
        return {name: float(share) for name, share in found.items()}

    def _suggest(self, trial: optuna.Trial, name: str) -> Any:
        found = self._space[name]
        if isinstance(found, Choice):
            return trial.suggest_categorical(name, found.values)
        return trial.suggest_float(name, found.low, found.high, log=found.log)

    def _frozen(self, *states: str) -> list[optuna.trial.FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=tuple(_state(name) for name in states))

    def _trial(self, number: int, found: optuna.trial.FrozenTrial) -> Trial:
        done = found.state == _state("COMPLETE")
        return Trial(
            number=number,
            state="done" if done else "pruned",
            value=found.value if done else None,
            epochs=max(found.intermediate_values, default=0),
            recipe=apply(self._start, found.params),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial at work."""

    study: optuna.Study
    trial: optuna.Trial
    recipe: Recipe

    def report(self, epoch: int, value: float) -> None:
        """Say how good it is after an epoch. Raises PrunedError where that is not enough."""
        self.trial.report(value, epoch)
        if self.trial.should_prune():
            raise PrunedError

    def done(self, value: float) -> None:
        """Its value."""
        self.study.tell(self.trial, value)

    def pruned(self) -> None:
        """It was stopped early, or could not be."""
        self.study.tell(self.trial, state=_state("PRUNED"))

    def failed(self) -> None:
        """It was interrupted, and does not count."""
        self.study.tell(self.trial, state=_state("FAIL"))


@contextmanager
def open_study(path: Path, start: Recipe, space: Space) -> Iterator[Study]:
    """The study in an SQLite file, begun where there is none. Raises InstallError, InputError (damaged)."""
    optuna = load_optuna()
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import DatabaseError

    url = URL.create("sqlite", database=str(path.resolve())).render_as_string()
    pruner = optuna.pruners.MedianPruner(n_warmup_steps=1 + max(1, start.epochs // _UNJUDGED))
    try:
        storage = optuna.storages.RDBStorage(url)
        study = optuna.create_study(
            storage=storage, study_name=_NAME, direction="maximize", pruner=pruner, load_if_exists=True
        )
    except (DatabaseError, RuntimeError) as error:
        raise InputError(f"{path}: is no study of Optuna's ({error}); tune anew with --overwrite") from error
    try:
        yield Study(study, start, space)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def load_optuna() -> Any:
    """Optuna, silent. Raises InstallError."""
    try:
        import optuna
    except ImportError as error:
        raise InstallError("tuning needs Optuna: pip install 'geolabel[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _state(name: str) -> optuna.trial.TrialState:
    from optuna.trial import TrialState

    return TrialState[name]
