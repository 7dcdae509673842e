"""What a user may choose of a search for changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geolabel.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    from geolabel.changes.series import What


@dataclass(frozen=True, slots=True)
class Choices:
    """Every choice that changes what is found."""

    class_name: str
    what: tuple[What, ...]
    bands: tuple[str, ...]
    threshold: float
    """Confidence that a change reaches somewhere within an alert."""
    grow: float
    """Confidence that it has everywhere in it."""
    mmu_ha: float
    """Minimum mapping unit."""
    as_they_are: bool
    """Whether images are compared without being aligned, normalised and screened for clouds."""
    unsupervised: bool
    paired: bool
    """Whether a model compares pairs of images, rather than telling a class on each."""
    aoi: Path | None
    device: str

    def __post_init__(self) -> None:
        if not 0 < self.grow <= self.threshold < 1:
            raise OptionError(
                f"--grow {self.grow:g} and --threshold {self.threshold:g}: want 0 < grow ≤ threshold < 1: an alert "
                "grows from where the one is reached to where the other is"
            )
        if self.mmu_ha < 0:
            raise OptionError(f"--mmu {self.mmu_ha:g} ha: must not be negative")
