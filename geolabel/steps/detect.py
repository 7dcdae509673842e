"""`geolabel detect`: presets that need nothing but images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geolabel.steps.change import change
from geolabel.steps.merge import PredictReport
from geolabel.steps.models import built_in
from geolabel.steps.predict import predict, stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.steps.change import ChangeReport

MINING = "amazon-mining-rgb"
"""The built-in model of mines."""


def detect_mining(
    rasters: Sequence[str | Path],
    *,
    bands: Sequence[str] = (),
    aoi: Path | None = None,
    min_area_ha: float = 0.5,
    device: str = "auto",
    output: Path | None = None,
    overwrite: bool = False,
) -> PredictReport:
    """Find mines on the rasters of a region with the built-in model, as `predict` does with its defaults.

    Raises what `predict` raises: BandError and ContractError where the rasters have no red, green and blue.
    """
    names = [str(name) for name in rasters]
    report = predict(
        names,
        model=built_in()[MINING],
        output=output or Path(f"{stem(names[0])}.mining"),
        bands=bands,
        aoi=aoi,
        min_area_ha=min_area_ha,
        device=device,
        overwrite=overwrite,
    )
    assert isinstance(report, PredictReport)  # neither a dry run nor a part
    return report


def detect_deforestation(
    images: Sequence[str | Path],
    *,
    dates: Sequence[str] = (),
    bands: Sequence[str] = (),
    mmu_ha: float = 0.5,
    aoi: Path | None = None,
    previous: Path | None = None,
    protected: Path | None = None,
    protected_name: str | None = None,
    admin: Path | None = None,
    admin_name: str | None = None,
    output: Path | None = None,
    overwrite: bool = False,
) -> ChangeReport:
    """Find where forest was lost between dates: `change` with its defaults. Raises what `change` raises."""
    return change(
        images,
        dates=dates,
        bands=bands,
        mmu_ha=mmu_ha,
        aoi=aoi,
        previous=previous,
        protected=protected,
        protected_name=protected_name,
        admin=admin,
        admin_name=admin_name,
        output=output,
        overwrite=overwrite,
    )
