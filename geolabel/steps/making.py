"""One way for a step to say what it is: its name, what it was asked for, and what it reads."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from geolabel import files, provenance
from geolabel.errors import GeolabelError
from geolabel.provenance import Input, Made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_P = ParamSpec("_P")
_R = TypeVar("_R")
_WHERE_TO = frozenset({"output", "folder", "table", "picture", "report", "compare", "cache", "overwrite"})
_HOW = frozenset({"resume", "dry_run", "device", "workers", "cluster", "shard", "timeout_s", "on_epoch", "run"})
_NOT_WHAT = _WHERE_TO | _HOW
"""Where to, how fast and who is told: the outputs do not say it, for it does not decide what is in them."""


def makes(command: str, *inputs: str, in_place: str = "") -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Everything that the step writes says that `command` made it, with its options, and of which `inputs`.

    `inputs` are parameters that name files, or addresses; `in_place` is one that is written over where no `output` is
    given, and then none. Options are those that are not the default.
    """

    def dressed(step: Callable[_P, _R]) -> Callable[_P, _R]:
        signature = inspect.signature(step)

        @functools.wraps(step)
        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            kept = bound.arguments.get("output") is not None
            read = tuple(name for name in inputs if kept or name != in_place)
            with provenance.making(_made(command, signature, bound.arguments, read, in_place)):
                return step(*args, **kwargs)

        return run

    return dressed


@contextmanager
def asking(*choices: Any) -> Iterator[None]:
    """What is at work was asked for by these choices, dataclasses, whatever its step was given: a run that goes on."""
    made = provenance.now()
    if made is None:
        yield
        return
    options: dict[str, Any] = {}
    for one in choices:
        options |= _changed(one)
    seeds = [one.seed for one in choices if hasattr(one, "seed")]
    options.pop("seed", None)
    told = {name: _plain(value) for name, value in options.items() if name not in _NOT_WHAT}
    fields_of = {one.name for choice in choices for one in fields(choice)}
    told = {name: value for name, value in made.options.items() if name not in fields_of} | told
    inputs = tuple(one for one in made.inputs if one.role not in fields_of)
    inputs += tuple(one for choice in choices for one in _inputs_of(choice))
    with provenance.making(replace(made, options=told, inputs=inputs, seed=seeds[0] if seeds else made.seed)):
        yield


def made_of(command: str, options: Mapping[str, Any], inputs: tuple[Input, ...], seed: int | None = None) -> Made:
    """What is at work, where a step finds it written down by another."""
    told = {name: _plain(value) for name, value in options.items() if name not in _NOT_WHAT}
    return Made(command, told, seed, inputs, files.versions(), functools.cache(_fingerprint))


def _made(
    command: str, signature: inspect.Signature, given: Mapping[str, Any], names: tuple[str, ...], in_place: str
) -> Made:
    inputs = tuple(Input(_role(name), path) for name in names for path in _paths(given.get(name)))
    options: dict[str, Any] = {}
    seed = None
    for name, parameter in signature.parameters.items():
        value = given[name]
        if name in _NOT_WHAT or name == in_place or any(one.role == _role(name) for one in inputs):
            continue
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            options |= value
        elif is_dataclass(value) and not isinstance(value, type):
            options |= _changed(value)
            inputs += _inputs_of(value)
            seed = getattr(value, "seed", seed)
        elif (tuple(value) if isinstance(value, list) else value) != parameter.default:
            options[name] = value
        seed = value if name == "seed" else seed
    seed = options.pop("seed", seed)
    return made_of(command, options, inputs, seed)


def _changed(choices: Any) -> dict[str, Any]:
    """Fields of a dataclass that are not their default."""
    found = {}
    for one in fields(choices):
        value = getattr(choices, one.name)
        default = one.default_factory() if callable(one.default_factory) else one.default
        if value != default:
            found[one.name] = value
    return found


def _paths(value: Any) -> Iterator[Path | str]:
    """Files and addresses that a parameter names."""
    if isinstance(value, Path):
        # of a folder that geolabel made, the record, which holds the digests of all in it
        yield from [path for path in (value / files.RECORD, value) if _is_there(path)][:1]
    elif isinstance(value, str) and "://" in value:
        yield _bare(value)
    elif isinstance(value, str) and value and _is_there(Path(value)):
        yield from _paths(Path(value))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _paths(one)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no disk takes: whoever reads it says so
        return False


def _role(name: str) -> str:
    return "source" if name == "path" else name


def _inputs_of(choices: Any) -> tuple[Input, ...]:
    """Files among the choices of a dataclass."""
    several = {one.name: getattr(choices, one.name) for one in fields(choices)}
    paths = [
        (name, path) for name, value in several.items() for path in (value if isinstance(value, tuple) else (value,))
    ]
    return tuple(Input(name, path) for name, path in paths if isinstance(path, Path) and path.exists())


def _bare(address: str) -> str:
    """An address without what may be secret in it: a user's name and password, and all after the path."""
    scheme, _, rest = address.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _plain(value: Any) -> Any:
    """An option as JSON: of a file, only its name."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(one) for name, one in _changed(value).items()}
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, Path | str):
        return _named(str(value))
    if isinstance(value, float) and value.is_integer():  # 2 and 2.0 are one choice, given or read back
        return int(value)
    return files.to_json(value)


def _named(words: str) -> str:
    """A text among the options: of a path, only the name."""
    if "://" in words:
        return _bare(words)
    return Path(words).name if Path(words).is_absolute() else words


def _fingerprint(path: Path) -> str | None:
    """Of a file as commands record it; None where it cannot be told."""
    from geolabel import raster

    try:
        return files.fingerprint(path) if path.is_dir() else raster.fingerprint(path)
    except (GeolabelError, OSError, ValueError):
        return None
