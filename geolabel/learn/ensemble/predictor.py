"""Several models as one, in one file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.checked import Told
from geolabel.errors import DamagedError, ModelError
from geolabel.learn.ensemble.combination import COMBINATIONS, Combination, CombinationKind, from_arrays
from geolabel.model import card_from_json, exclusive, rescaled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from geolabel.learn.predictor import Predictor
    from geolabel.model import ModelCard

    Restore = Callable[[ModelCard, Mapping[str, NDArray[Any]]], Predictor]

ENSEMBLE = "ensemble"
"""The architecture that an ensemble's card names."""
_COMBINATION = "combination."


@dataclass(frozen=True, slots=True)
class EnsemblePredictor:
    """Members that may each see some of the bands and know some of the classes."""

    card: ModelCard
    """Its settings: see `ensemble_settings`."""
    members: tuple[Predictor, ...]
    combination: Combination

    def __post_init__(self) -> None:
        if not self.members:
            raise ModelError("an ensemble needs members; give at least one model")
        for at, member in enumerate(self.members):
            for what, own, all_ in (
                ("bands", _bands(member.card), _bands(self.card)),
                ("classes", member.card.classes, self.card.classes),
            ):
                unknown = [name for name in own if name not in all_]
                if unknown:
                    raise ModelError(f"member {at} has {what} that the ensemble lacks: {', '.join(unknown)}")
            if member.card.tile_px != self.card.tile_px:
                raise ModelError(
                    f"member {at} sees tiles of {member.card.tile_px} px, the ensemble of {self.card.tile_px} px; "
                    "combine models of one tile size"
                )
        told = {name for member in self.members for name in member.card.classes}
        nobody = [name for name in self.card.classes if name not in told]
        if nobody:
            raise ModelError(f"no member knows {', '.join(nobody)}; combine models that know each class")

    def __call__(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of chips in stored values (n, bands, h, w), valid where (n, h, w) says so."""
        return self.combination.apply(member_probabilities(self.card, self.members, pixels, valid))

    def with_card(self, card: ModelCard) -> EnsemblePredictor:
        """The same members under a changed contract: its scales and offsets are theirs, band by band."""
        return replace(self, card=card, members=tuple(_under(card, member) for member in self.members))

    def weights(self) -> Mapping[str, NDArray[Any]]:
        """What the model file holds: `combination.…`, `member0.…`, `member1.…` and so on."""
        own = {f"{_COMBINATION}{name}": values for name, values in self.combination.to_arrays().items()}
        for at, member in enumerate(self.members):
            own |= {f"{_prefix(at)}{name}": values for name, values in member.weights().items()}
        return own

    @classmethod
    def restore(cls, card: ModelCard, weights: Mapping[str, NDArray[Any]], restore: Restore) -> EnsemblePredictor:
        """An ensemble from a model file; `restore` makes each member of its card and weights. Raises ModelError."""
        try:
            settings = Told(card.settings, "settings")
            cards = [card_from_json(told.value, told.name) for told in settings["members"].items()]
            kind = settings["combination"].one_of(COMBINATIONS)
        except DamagedError as error:
            raise ModelError(
                f"the contracts of the ensemble's members are damaged ({error}); make or copy the ensemble again"
            ) from error
        for at, told in enumerate(cards):
            if told.architecture == ENSEMBLE:
                raise ModelError(f"member {at} is an ensemble itself; combine its members instead")
        arrays = _beneath(_COMBINATION, weights)
        combination = from_arrays(kind, arrays, exclusive(card.heads), len(cards), len(card.classes))
        members = []
        for at, told in enumerate(cards):
            members.append(_under(card, restore(told, _beneath(_prefix(at), weights))))
        return cls(card, tuple(members), combination)


def ensemble_settings(members: Sequence[Predictor], kind: CombinationKind) -> dict[str, Any]:
    """What the card of an ensemble says of it: the members' cards, and how they are combined."""
    return {"members": [files.to_json(member.card) for member in members], "combination": kind}


def member_probabilities(
    card: ModelCard, members: Sequence[Predictor], pixels: NDArray[Any], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Answers (members, n, classes) in the classes of `card`, NaN where a member does not know one.

    `pixels` (n, bands, h, w) are in the bands of `card`, `valid` (n, h, w).
    """
    found = np.full((len(members), len(pixels), len(card.classes)), np.nan, np.float32)
    names = _bands(card)
    for at, member in enumerate(members):
        bands = [names.index(name) for name in _bands(member.card)]
        seen = pixels if bands == list(range(len(names))) else pixels[:, bands]
        found[at][:, [card.classes.index(name) for name in member.card.classes]] = member(seen, valid)
    return found


def _under(card: ModelCard, member: Predictor) -> Predictor:
    """A member that takes scale and offset of its bands from the ensemble's."""
    bands = {band.name: band for band in card.bands}
    own = [bands[band.name] for band in member.card.bands if band.name in bands]
    if len(own) < len(member.card.bands):
        raise ModelError(f"a member needs bands that the ensemble lacks: {', '.join(_bands(member.card))}")
    return member.with_card(rescaled(member.card, [band.scale for band in own], [band.offset for band in own]))


def _bands(card: ModelCard) -> tuple[str, ...]:
    return tuple(band.name for band in card.bands)


def _prefix(member: int) -> str:
    return f"member{member}."


def _beneath(prefix: str, weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in weights.items() if name.startswith(prefix)}
