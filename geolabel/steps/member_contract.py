"""The contracts of several models as one; each refusal names both values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geolabel.errors import ContractError
from geolabel.labels.scheme import Scheme, merge
from geolabel.learn.ensemble import ENSEMBLE
from geolabel.scoring.thresholds import DEFAULT
from geolabel.steps.preflight import GSD_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from geolabel.model import Head, ModelCard


def joint_card(cards: Mapping[Path, ModelCard]) -> ModelCard:
    """One contract for models that may know other classes each, and that agree in all else; nothing is decided yet.

    Raises ContractError where they see other bands, types, tile sizes or GSDs, or mean other things by a class.
    """
    paths = list(cards)
    first = cards[paths[0]]
    for path in paths:
        if cards[path].architecture == ENSEMBLE:
            raise ContractError(f"{path}: is an ensemble already; give its members instead")
        _check(first, paths[0], cards[path], path)
    heads = _heads(cards)
    names = [name for head in heads for name in head.classes]
    scheme = Scheme.from_json(first.scheme)
    for path in paths[1:]:
        scheme = merge(scheme, Scheme.from_json(cards[path].scheme))
    presence: dict[str, float] = {}
    for card in cards.values():
        presence = {**card.presence, **presence}
    return replace(
        first,
        architecture=ENSEMBLE,
        heads=heads,
        scheme=scheme.subset(names).to_json(),
        gsd_m=next((card.gsd_m for card in cards.values() if card.gsd_m), None),
        nodata=next((card.nodata for card in cards.values() if card.nodata is not None), None),
        presence=presence,
        thresholds=dict.fromkeys(names, DEFAULT),
        calibration=None,
        abstain={},
        settings=_encodings(cards),
        trained_on=_trained_on(cards),
        scores={},
        licence="; ".join(_different(card.licence for card in cards.values() if card.licence)),
        attribution=tuple(_different(text for card in cards.values() for text in card.attribution)),
    )


def _encodings(cards: Mapping[Path, ModelCard]) -> dict[str, Any]:
    """How rasters that tell no scale are read. Raises ContractError where members would read them differently."""
    paths = list(cards)
    first = cards[paths[0]].settings.get("encodings")
    for path in paths[1:]:
        if cards[path].settings.get("encodings") != first:
            raise ContractError(
                f"{path}: reads stored values otherwise than {paths[0]}; combine models that were trained on one index"
            )
    return {"encodings": first} if first else {}


def _check(one: ModelCard, its: Path, other: ModelCard, path: Path) -> None:
    """Raise ContractError where two models cannot look at the same tiles, or mean different things by a class."""
    for what, first, second in (
        ("bands", ", ".join(band.name for band in one.bands), ", ".join(band.name for band in other.bands)),
        ("type", one.dtype, other.dtype),
        ("tile size", _by(one.tile_px), _by(other.tile_px)),
        ("kind", one.kind, other.kind),
    ):
        if first != second:
            raise ContractError(
                f"{path}: {what} {second}, but {its}: {first}; combine models of the same kind of tiles"
            )
    if one.gsd_m and other.gsd_m and not 1 / (1 + GSD_TOLERANCE) <= one.gsd_m / other.gsd_m <= 1 + GSD_TOLERANCE:
        raise ContractError(
            f"{path}: pixels of {other.gsd_m:.2f} m, but {its}: {one.gsd_m:.2f} m; combine models of one GSD"
        )
    shared = [name for name in other.classes if name in one.classes]
    if shared and _scheme(one) != _scheme(other):
        raise ContractError(
            f"{path}: {shared[0]} of the scheme {_scheme(other)}, but {its}: of {_scheme(one)}; models that share "
            "classes need one scheme"
        )
    for name in shared:
        if one.presence.get(name) != other.presence.get(name):
            raise ContractError(
                f"{path}: {name} is present from a share of {other.presence.get(name)} on, but {its}: from "
                f"{one.presence.get(name)}; train them with one --presence"
            )


def _heads(cards: Mapping[Path, ModelCard]) -> tuple[Head, ...]:
    """The heads of all; a class is told in the same way by all who know it. Raises ContractError."""
    told: dict[str, tuple[Head, Path]] = {}
    found: list[Head] = []
    for path, card in cards.items():
        for head in card.heads:
            for name in head.classes:
                if name in told and _way(told[name][0]) != _way(head):
                    other, its = told[name]
                    raise ContractError(
                        f"{path}: tells {name} as {_words(head)}, but {its} as {_words(other)}; train them with the "
                        "same --heads"
                    )
            new = tuple(name for name in head.classes if name not in told)
            told |= dict.fromkeys(new, (head, path))
            same = next((at for at, old in enumerate(found) if old.kind == head.kind == "sigmoid"), None)
            if same is not None:
                found[same] = replace(found[same], classes=found[same].classes + new)
            elif new:
                found.append(replace(head, classes=new))
    return tuple(found)


def _way(head: Head) -> object:
    return head.kind if head.kind == "sigmoid" else frozenset(head.classes)


def _words(head: Head) -> str:
    return "independent of others" if head.kind == "sigmoid" else f"one of {', '.join(head.classes)}"


def _trained_on(cards: Mapping[Path, ModelCard]) -> dict[str, Any]:
    """Sources and labels of all, each once, and what each member says of itself."""
    told = [card.trained_on for card in cards.values()]
    return {
        "sources": _different(source for one in told for source in one.get("sources", [])),
        "labels": _different(label for one in told for label in one.get("labels", [])),
        "members": [dict(one) for one in told],
    }


def _different(values: Iterable[Any]) -> list[Any]:
    """Each value once, in order; they need not be hashable."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _scheme(card: ModelCard) -> str:
    return f"{card.scheme.get('name')} {card.scheme.get('version', 1)}"


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]} px"
