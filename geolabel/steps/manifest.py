"""The run.json of a folder that geolabel made, read with care: behind this door each value is of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geolabel import checked, files
from geolabel.errors import DamagedError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from geolabel.checked import Told

_TABLES = ("options", "inputs", "grid", "decision", "engine", "versions")


def read_manifest(folder: Path) -> dict[str, Any]:
    """A folder's run.json. Raises InputError where it is missing, is none, or holds a wrong value."""
    path = folder / files.RECORD
    record = files.read_json(path, "the run.json of a folder that geolabel made")
    try:
        checked.check(record)
        return _checked(checked.Told(record))
    except DamagedError as error:
        raise InputError(f"{path}: is damaged ({error}); make the folder again") from error


def _checked(told: Told) -> dict[str, Any]:
    told["command"].text()
    for key in _TABLES:
        if (part := told.get(key)) is not None:
            part.table()
    for entry in _values(told, "versions"):
        entry.text()
    if (words := told.get("attribution")) is not None:
        words.texts()
    _check_counts(told)
    _check_inputs(told)
    _check_decision(told)
    _check_engine(told)
    for image in () if (images := told.get("images")) is None else images.items():
        _each(image, ("image", "date", "path"), checked.Told.text)
        _each(image, ("cloud", "haze", "shadow"), checked.Told.number)
    return told.table()


def _check_counts(told: Told) -> None:
    counts = told.get("counts")
    if counts is not None and isinstance(counts.value, list):  # of alerts: a table a row
        for row in counts.items():
            row.table()
    elif counts is not None:
        counts.table()
        _each(counts, ("tiles",), lambda value: value.whole(least=0))
        for key in ("detections", "area_ha"):
            for number in _values(counts, key):
                number.number(least=0)


def _check_inputs(told: Told) -> None:
    """Files by name, or lists of them, each with its fingerprint; or a path or fingerprint alone."""
    for entry in _values(told, "inputs"):
        for one in entry.items() if isinstance(entry.value, list) else (entry,):
            if isinstance(one.value, dict):
                _each(one, ("path", "name", "fingerprint", "date"), checked.Told.text)
            elif one.value is not None:
                one.text()


def _check_decision(told: Told) -> None:
    if (decision := told.get("decision")) is None:
        return
    for cut in _values(decision, "thresholds"):
        cut.number(least=0, most=1)
    for band in _values(decision, "abstain"):
        band.numbers(2)
    for head in () if (heads := decision.get("heads")) is None else heads.items():
        head["name"].text()
        head["kind"].one_of(("sigmoid", "softmax"))
        head["classes"].texts()


def _check_engine(told: Told) -> None:
    if (engine := told.get("engine")) is not None:
        _each(engine, ("kind", "precision"), checked.Told.text)
        _ = engine["kind"], engine["precision"], engine["compiled"].flag()


def _values(told: Told, key: str) -> Iterable[Told]:
    """The entries of a table within a table; none where it is missing."""
    found = told.get(key)
    return () if found is None else found.entries().values()


def _each(told: Told, keys: Iterable[str], check: Callable[[Told], object]) -> None:
    """Check entries of a table, where they are there."""
    for key in keys:
        if (entry := told.get(key)) is not None:
            check(entry)
