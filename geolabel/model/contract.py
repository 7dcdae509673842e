"""A contract out of JSON: each value is checked here, so that nothing behind this door meets a wrong one."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

from geolabel.checked import MAX_CLASSES, MAX_NAME, Told
from geolabel.errors import ModelError
from geolabel.model.card import (
    FORMAT,
    OUTPUT_SIZE,
    BandContract,
    Head,
    HeadKind,
    ModelCard,
    ModelKind,
)
from geolabel.provenance import MADE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_BANDS, _MOST_TILE_PX, _LARGEST_OUTPUT, _MOST_MEMBERS = 1024, 4096, 1 << 16, 64
"""Beyond these, a file of a few bytes would fill the memory."""


def card_from_json(value: Any, name: str = "") -> ModelCard:
    """The card that `files.to_json` wrote; `name` says where it stands in what was read.

    Raises ModelError where it contradicts itself or is of a later format, DamagedError where a value is wrong.
    """
    told = Told(value, name)
    if told["format"].value != FORMAT:
        raise ModelError(f"format {told['format'].value!r:.40}, this geolabel reads {FORMAT}; upgrade geolabel")
    told.only({*(item.name for item in fields(ModelCard)), MADE})
    width, height = (side.whole(least=1, most=_MOST_TILE_PX) for side in told["tile_px"].items(2))
    gsd_m, nodata, licence = told.get("gsd_m"), told.get("nodata"), told.get("licence")
    kind = told.get("kind")
    return ModelCard(
        architecture=told["architecture"].text(MAX_NAME),
        heads=tuple(
            Head(
                head["name"].text(MAX_NAME),
                head["kind"].one_of(get_args(HeadKind)),
                head["classes"].texts(most=MAX_CLASSES),
            )
            for head in told["heads"].items()
        ),
        scheme=_scheme(told),
        bands=tuple(_band(band) for band in told["bands"].items(most=_MOST_BANDS)),
        dtype=told["dtype"].text(MAX_NAME),
        gsd_m=None if gsd_m is None else gsd_m.number(above=0),
        tile_px=(width, height),
        presence=_shares(told["presence"]),
        thresholds=_shares(told["thresholds"]),
        nodata=None if nodata is None else nodata.number(),
        calibration=_table(told, "calibration") if told.get("calibration") else None,
        abstain=_abstain(told),
        settings=_settings(told),
        trained_on=_trained_on(told),
        scores=_scores(told),
        licence="" if licence is None else licence.text(),
        attribution=told["attribution"].texts(),
        kind="classifier" if kind is None else _kind(kind),
    )


def _kind(told: Told) -> ModelKind:
    if told.value not in get_args(ModelKind):
        raise ModelError(f"kind {told.value!r:.40} is neither {' nor '.join(get_args(ModelKind))}; upgrade geolabel")
    found: ModelKind = told.value
    return found


def _band(band: Told) -> BandContract:
    band.only({item.name for item in fields(BandContract)})
    scale, offset, mean = (band[key].number() for key in ("scale", "offset", "mean"))
    return BandContract(band["name"].text(MAX_NAME), scale, offset, mean, band["std"].number(above=0))


def _shares(told: Told) -> dict[str, float]:
    return {name: share.number(least=0, most=1) for name, share in told.entries().items()}


def _abstain(told: Told) -> dict[str, tuple[float, float]]:
    found = told.get("abstain")
    bands = {name: band.numbers(2) for name, band in (found.entries() if found else {}).items()}
    return {name: (low, high) for name, (low, high) in bands.items()}


def _table(told: Told, key: str) -> dict[str, Any]:
    found = told.get(key)
    return {} if found is None else found.table()


def _tables(told: Told, key: str) -> tuple[Told, ...]:
    """A list of tables, which may be missing."""
    found = told.get(key)
    items = () if found is None else found.items()
    for item in items:
        item.table()
    return items


def _scheme(told: Told) -> Mapping[str, Any]:
    found = told.get("scheme")
    if found is None:
        return {}
    for key in ("name", "title"):
        if (text := found.get(key)) is not None:
            text.text()
    for entry in _tables(found, "classes"):
        entry["name"].text()
    return found.table()


def _settings(told: Told) -> dict[str, Any]:
    """What the parts of geolabel that use a setting rely on."""
    found = told.get("settings")
    for key, entry in (found.entries() if found else {}).items():
        if entry.value and key in _SETTINGS:  # null and 0 say that there is none
            _SETTINGS[key](entry)
    return {} if found is None else found.table()


def _check_limits(told: Told) -> None:
    low, high = told.numbers(2)
    if not low < high:
        raise ModelError(f"settings: values are limited from {low:g} to {high:g}, which leaves nothing")


def _check_encodings(told: Told) -> None:
    for factor in told.entries().values():
        factor.number(above=0)


def _check_members(told: Told) -> None:
    for member in told.items(most=_MOST_MEMBERS):
        member["architecture"].text(MAX_NAME)


_SETTINGS: dict[str, Callable[[Told], Any]] = {
    "features": lambda told: told.flag() if told.value is True else told.text(MAX_NAME),
    "pairs": lambda told: told.text(MAX_NAME),
    "clip": _check_limits,
    "encodings": _check_encodings,
    OUTPUT_SIZE: lambda told: told.whole(least=1, most=_LARGEST_OUTPUT),
    "members": _check_members,
}


def _trained_on(told: Told) -> Mapping[str, Any]:
    found = told.get("trained_on")
    if found is None:
        return {}
    for key in ("sources", "labels"):
        for entry in _tables(found, key):
            for name in ("path", "fingerprint"):
                if (text := entry.get(name)) is not None:
                    text.text()
    for key in ("split", "options"):
        _table(found, key)
    _tables(found, "members")
    return found.table()


def _scores(told: Told) -> Mapping[str, Any]:
    """Scores by part; what is of classes is a table a class, with null for what could not be measured."""
    found = told.get("scores")
    for part in (found.entries() if found else {}).values():
        if isinstance(part.value, dict):
            for row in _tables(part, "classes"):
                row["name"].text()
                for name in row.table().keys() - {"name"}:
                    if (score := row.get(name)) is not None:
                        score.number()
    return {} if found is None else found.table()
