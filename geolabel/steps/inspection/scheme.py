"""What a scheme is: its classes and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from geolabel.labels.review import warnings
from geolabel.labels.scheme_file import read_scheme
from geolabel.steps.schemes import SchemeReport, show_scheme

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class SchemeFileReport:
    """A scheme file."""

    kind: Literal["scheme"]
    path: Path
    scheme: SchemeReport
    to_mind: tuple[str, ...]
    """What is allowed, but hardly meant."""


def inspect_scheme(path: Path) -> SchemeFileReport:
    """Describe a scheme file. Raises SchemeError, InputError."""
    told = tuple(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in warnings(read_scheme(path)))
    return SchemeFileReport("scheme", path, show_scheme(str(path)), told)
