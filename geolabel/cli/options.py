"""Options that several commands share, each defined once, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

_UNITS_M = {"": 1.0, "m": 1.0, "km": 1_000.0}
_UNITS_HA = {"": 1.0, "ha": 1.0, "m2": 1e-4, "km2": 100.0}
_UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "": 1.0}
_QUANTITY = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-z0-9]*)\s*")


def _quantity(text: str, units: dict[str, float], what: str) -> float:
    match = _QUANTITY.fullmatch(text.lower())
    if not match or match[2] not in units:
        raise typer.BadParameter(f"{text!r} is no {what}; write a number and one of {', '.join(u for u in units if u)}")
    return float(match[1]) * units[match[2]]


def metres(text: str | float) -> float:
    """`5km`, `300m` or `300` as metres."""
    return _quantity(str(text), _UNITS_M, "distance")


def hectares(text: str | float) -> float:
    """`.5ha`, `5000m2` or `0.5` as hectares."""
    return _quantity(str(text), _UNITS_HA, "area")


def seconds(text: str | float) -> float:
    """`1h`, `30m` or `90` as seconds."""
    return _quantity(str(text), _UNITS_S, "time")


def names(text: str | None) -> list[str]:
    """`red,green,blue` as a list."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def whole_or_auto(text: str | int) -> int | None:
    """A whole number, or None for `auto`."""
    if str(text) == "auto":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no number; write one, or auto") from error


def part(text: str) -> tuple[int, int]:
    """`3/16` as the third of sixteen parts."""
    number, slash, count = text.partition("/")
    if not (slash and number.strip().isdigit() and count.strip().isdigit()):
        raise typer.BadParameter(f"{text!r} is no part; write its number, from 1 on, and of how many: 3/16")
    return int(number), int(count)


def shares(text: str | float) -> dict[str, float] | float:
    """`.1` as one share, `mining=.02,forest=.3` as one a class."""
    try:
        if "=" not in str(text):
            return float(text)
        pairs = [pair.rpartition("=") for pair in names(str(text))]
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no share; write .1, or mining=.02,forest=.3") from error


Tiles = Annotated[Path, typer.Argument(metavar="TILES", help="Tile index (tiles.parquet).")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output where it exists.")]
Bands = Annotated[
    str | None,
    typer.Option(
        "--bands", metavar="NAMES", help="Comma-separated: name all bands in file order, or choose named ones."
    ),
]
Aoi = Annotated[
    Path | None,
    typer.Option("--aoi", metavar="FILE|W,S,E,N", help="Area of interest: a vector file, or a rectangle in degrees."),
]
Dense = Annotated[
    Literal["auto", "on", "off"],
    typer.Option("--dense", help="Overlapping tiles as windows of one feature map; auto: where made for it."),
]
Engine = Annotated[
    Literal["auto", "torch", "openvino"],
    typer.Option("--engine", help="What runs the network; auto: the fastest in a trial of two seconds."),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option("--precision", help="auto: lower where it is faster and moves no number by .01."),
]
Batch = Annotated[str, typer.Option("--batch", metavar="N|auto", help="Tiles at a time; auto: by trial.")]
Compiled = Annotated[bool, typer.Option("--compile", help="Compile the network (torch.compile).")]
Scale = Annotated[float | None, typer.Option("--scale", help="Stored value × scale = the model's stored value.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder, with its options.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Seed = Annotated[int, typer.Option("--seed", help="Makes random choices repeatable.", min=0, max=2**31 - 1)]
InPlace = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="New index; in place where not given.")
]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Keep decoded tiles here, so that the next run decodes nothing."),
]
