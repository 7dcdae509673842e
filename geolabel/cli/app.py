"""The command-line app: what every command shares, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import functools
import inspect
import logging
import shlex
import signal
import sys
import tomllib
import typing
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geolabel import files
from geolabel.cli import process
from geolabel.errors import GeolabelError, InterruptedRunError, OptionError
from geolabel.progress import log, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = typer.Typer(
    name="geolabel",
    help="Rasters to tiles, labels, models and maps that open, styled, in QGIS.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_PROBLEM = 1
EXIT_INTERRUPTED = 130


def _print_version(value: bool) -> None:
    if value:
        from geolabel import __version__

        typer.echo(f"geolabel {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Rasters to tiles, labels, models and maps that open, styled, in QGIS."""


def _load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Options of this command from a TOML file; those on the command line win."""
    if path is None:
        return None
    words = _words(context)
    command = ".".join(words)
    with boundary(debug=False):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise OptionError(f"--config {path}: is a device or a pipe; save what it gives as a file")
        try:
            table: Any = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # as Windows' editors write it
            _check_commands(context.find_root().command, path, table)
            for word in words:
                table = table.get(word, {}) if isinstance(table, dict) else table
        except OSError as error:
            raise OptionError(f"--config {path}: cannot be read ({error.strerror})") from error
        except (ValueError, RecursionError) as error:
            raise OptionError(f"--config {path}: cannot be read as TOML ({error})") from error
        if not isinstance(table, dict):
            raise OptionError(f"--config {path}: [{command}] is no table of options")
        by_option = {
            option.lstrip("-").replace("-", "_"): parameter.name
            for parameter in context.command.params
            if parameter.name != "config"
            for option in [parameter.name or "", *parameter.opts]
        }
        unknown = [key for key in table if key.replace("-", "_") not in by_option]
        if unknown:
            raise OptionError(f"--config {path}: [{command}] has unknown options: {', '.join(unknown)}")
        by_name = {parameter.name: parameter for parameter in context.command.params}
        context.default_map = {}
        for key, value in table.items():
            parameter = by_name[by_option[key.replace("-", "_")]]
            try:
                context.default_map[parameter.name or ""] = _as_typed(context, parameter, value)
            except (typer.BadParameter, ValueError, OverflowError) as error:
                told = error.message if isinstance(error, typer.BadParameter) else error
                raise OptionError(f"--config {path}: [{command}] {key}: {told}") from error
    return path


def _check_commands(group: Any, path: Path, table: dict[str, Any]) -> None:
    """Refuse a file that speaks of what is no command: else a slip would go unnoticed."""
    for key, inner in table.items():
        if key not in group.commands:
            known = ", ".join(group.commands)
            raise OptionError(f"--config {path}: {key[:40]} is no command of geolabel's; write one of {known}")
        if isinstance(inner, dict) and hasattr(group.commands[key], "commands"):
            _check_commands(group.commands[key], path, inner)


def _as_typed(context: typer.Context, parameter: Any, value: Any) -> Any:
    """A value as the option takes it: names with commas as a list, and one of several alone, are both clear.

    Raises BadParameter, ValueError, OverflowError.
    """
    several = getattr(parameter, "multiple", False)
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, str | int | float) or (isinstance(item, str) and "\0" in item):
            raise ValueError(f"no option takes {str(item)[:40]!r}; write a text in quotes, a number, true or false")
        if isinstance(item, bool) != bool(getattr(parameter, "is_flag", False)):
            wanted = "a text or a number" if isinstance(item, bool) else "true or false"
            raise ValueError(f"takes {wanted}, got {item!r:.40}")
    if isinstance(value, list) and not several:
        value = ",".join(map(str, value))
    if several and not isinstance(value, list):
        value = [value]
    found = parameter.process_value(context, value)
    if isinstance(value, float) and isinstance(found, int) and found != value:
        raise ValueError(f"takes whole numbers, got {value:g}")
    return value


def _words(context: typer.Context) -> list[str]:
    """What is typed after `geolabel` to reach a command: one word, or two where the first is a group."""
    words: list[str] = []
    here: Any = context
    while here.parent is not None:
        words.insert(0, here.info_name or "")
        here = here.parent
    return words


_SHARED: dict[str, Any] = {
    "json": Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")],
    "quiet": Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no warnings.")],
    "verbose": Annotated[bool, typer.Option("-v", "--verbose", help="Say more on stderr.")],
    "debug": Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")],
    "allow_remote": Annotated[
        bool, typer.Option("--allow-remote", help="Let rasters lead to networks, and out of their folders.")
    ],
}
_CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        callback=_load_config,
        is_eager=True,
        help="Options by command, in TOML; the command line wins.",
    ),
]


def group(name: str, about: str) -> typer.Typer:
    """Register a word that stands before commands of its own: `geolabel schemes show`."""
    found = typer.Typer(help=about, no_args_is_help=True)
    app.add_typer(found, name=name)
    return found


def command(name: str, example: str, *, into: typer.Typer = app) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Register a function that returns a report as a command, with the options that all commands share."""

    def register(function: Callable[..., Any]) -> Callable[..., None]:
        hints = typing.get_type_hints(function, include_extras=True)
        own = inspect.signature(function).parameters.values()
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [item.replace(annotation=_unchecked(hints[item.name])) for item in own]
        parameters += [inspect.Parameter(key, keyword, default=False, annotation=kind) for key, kind in _SHARED.items()]
        parameters.append(inspect.Parameter("config", keyword, default=None, annotation=_CONFIG))

        @functools.wraps(function)
        def run(**values: Any) -> None:
            shared = {key: values.pop(key) for key in _SHARED}
            values.pop("config")
            _speak(quiet_=shared["quiet"], verbose=shared["verbose"])
            with boundary(debug=shared["debug"]), files.claims(), _trusting(allowed=shared["allow_remote"]):
                _check_here()
                report = function(**values)
                from geolabel.cli.show import show

                show(report, as_json=shared["json"])
                if getattr(report, "healthy", True) is False:
                    raise typer.Exit(EXIT_PROBLEM)

        del run.__wrapped__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {item.name: item.annotation for item in parameters}
        return into.command(name, epilog=f"Example: `{example}`")(run)

    return register


def _check_here() -> None:
    """Raise OptionError where the working directory is gone: no relative path means anything there."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise OptionError("the working directory was deleted; change into one that exists (cd)") from error


def _unchecked(annotation: Any) -> Any:
    """A parameter whose path typer does not look at: what may not be read is told in one line, as all else is."""
    for told in getattr(annotation, "__metadata__", ()):
        told.readable = False
    return annotation


@contextmanager
def _trusting(*, allowed: bool) -> Iterator[None]:
    if not allowed:
        yield
        return
    from geolabel.raster import allow_remote

    with allow_remote():
        yield


def _speak(*, quiet_: bool, verbose: bool) -> None:
    quiet.set(quiet_)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    log.handlers = [handler]  # anew for each command: stderr may be another one by now
    log.setLevel(logging.ERROR if quiet_ else logging.INFO if verbose else logging.WARNING)


@contextmanager
def boundary(*, debug: bool) -> Iterator[None]:
    """Turn what goes wrong into one line on stderr and an exit code; with `debug`, let it through."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except (KeyboardInterrupt, InterruptedRunError) as stop:
        told = str(stop) or "interrupted; nothing was written. Start again with:"
        again = f" {shlex.join(['geolabel', *sys.argv[1:]])}" if told.endswith(":") else ""
        typer.secho(f"geolabel: {told}{again}", err=True, fg="yellow")
        raise typer.Exit(EXIT_INTERRUPTED) from stop
    except Exception as error:
        if debug:
            raise
        typer.secho(f"geolabel: {_line(error)}", err=True, fg="red")
        raise typer.Exit(EXIT_PROBLEM) from error


def _line(error: Exception) -> str:
    """What to tell, in one line."""
    match error:
        case GeolabelError():
            return str(error)
        case ImportError():
            return f"{error}; geolabel doctor names the cure"
        case MemoryError():
            return "out of memory; give a smaller --batch, --size or region (--aoi)"
        case _:
            found = " ".join(f"{type(error).__name__}: {error}".split())
            return f"a fault of geolabel's own: {found}. See it whole with --debug"


def main() -> None:
    """Entry point of the `geolabel` script."""
    process.prepare()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's farewell is handled like Ctrl-C
    from geolabel.cli import commands  # noqa: F401 - registers the commands

    app()
