"""`geolabel dehaze`: a raster without haze, with more contrast where that is wanted, its tones the same throughout."""

from __future__ import annotations

import glob
import math
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from geolabel import files, memory, raster
from geolabel.errors import EmptyError, InputError, OptionError
from geolabel.learn.haze import DarkChannel
from geolabel.raster import files_of
from geolabel.steps.dehazing.comparison import compare_page
from geolabel.steps.dehazing.passes import Survey, every_strip, made, survey, with_contrast
from geolabel.steps.dehazing.plan import DehazePlan, estimate
from geolabel.steps.dehazing.source import VISIBLE, open_source
from geolabel.steps.dehazing.tone import Tones, Veil
from geolabel.steps.making import makes
from geolabel.steps.region.job import bare
from geolabel.tones.veil import airlight, veil_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geolabel.steps.dehazing.passes import Made
    from geolabel.steps.dehazing.source import Source

Contrast = Literal["none", "stretch", "clahe"]
_BRIGHTEST = 1e30
"""Beyond lie only the ends of floating point, which stand for nodata where nobody has declared it."""


@dataclass(frozen=True, slots=True)
class DehazeReport:
    """What was done to a raster."""

    raster: str
    """As it was given."""
    output: Path
    page: Path | None
    """Before and after; None without --compare."""
    haze: str
    """removed, or none found."""
    veil_mean: float
    """Share of the light that was removed as haze, over valid pixels, 0–1."""
    veil_max: float
    light: dict[str, float]
    """Physical value of the air's light in each visible band; {} where there was no haze."""
    contrast: Contrast
    shadows: float
    changed: float
    """Share of valid pixels that are not what they were."""
    psnr: float | None
    """Of the result against the raster, visible bands, dB; None where they are the same."""
    seconds: float


@makes("dehaze", "raster")
def dehaze(
    raster: str | Path,
    *,
    output: Path | None = None,
    omega: float = 0.95,
    window: int = 15,
    light: Sequence[float] = (),
    contrast: Contrast = "none",
    clip: float = 3.0,
    cells: int = 8,
    shadows: float = 0.0,
    bands: Sequence[str] = (),
    compare: Path | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
) -> DehazeReport | DehazePlan:
    """Remove haze from the visible bands of a raster of any size; other bands, nodata and all that is said of it stay.

    `raster` is whatever makes one: a file, a folder of bands or of tiles, a product, STAC, a pattern, an address.
    How much there is, the darkest of neighbourhoods of some hundred pixels says; the dark channel of `window` pixels
    bounds it from above; `omega` is the share that is removed. One `light` of the air (red, green, blue; physical
    values) holds for the whole raster: given, or found. Where none is found, pixels stay as they are. `shadows` (0–1)
    lifts what is dark; `contrast` stretches from the region's 2nd to its 98th percentile, or equalises lightness in
    `cells` × `cells` over the region, limited to `clip` (CLAHE). Writes `output` (default: `<raster>.clear.tif`) and,
    as `compare`, a page with before and after. Raises InputError, BandError (no red, green, blue), CRSError,
    OptionError, EmptyError, OutputError.
    """
    name = str(raster)
    settings = _checked(omega, window, light, clip, cells, shadows, compare)
    target = output or beside(name)
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise OptionError(f"{target}: a GeoTIFF is written; give it a name that ends with .tif, with -o")
    with ExitStack() as stack:
        room = stack.enter_context(files.scratch())
        source = open_source(name, bands, room)
        if dry_run:
            return estimate(source, target, settings, contrast, shadows)
        inputs = files_of(name)
        for each in (target, *([compare] if compare else [])):
            files.check_new(each, overwrite=overwrite, inputs=inputs)
        began = time.perf_counter()
        tones = _tones(source, settings, light, shadows, contrast, cells, clip)
        draft = stack.enter_context(files.new_file(target, overwrite=overwrite))
        done = write(draft, source, tones, bool(bands))
        report = DehazeReport(
            raster=name,
            output=target,
            page=compare,
            haze="removed" if done.thickest else "none found",
            veil_mean=done.veil / max(done.valid, 1),
            veil_max=done.thickest,
            light=dict(zip(VISIBLE, map(float, tones.veil.light), strict=True)) if done.thickest else {},
            contrast=contrast,
            shadows=shadows,
            changed=done.changed / max(done.valid, 1),
            psnr=_psnr(done.squares / (len(VISIBLE) * max(done.valid, 1)), tones.white),
            seconds=round(time.perf_counter() - began, 1),
        )
        if compare:
            page = stack.enter_context(files.new_file(compare, overwrite=overwrite))
            page.write_text(compare_page(report, source, draft, tones), encoding="utf-8", newline="\n")
    return report


def beside(name: str) -> Path:
    """Where the result goes if nobody says: beside a file or folder of this machine, else here.

    Raises OptionError for a pattern, which the result might fit.
    """
    plain = Path(bare(name))
    if files.exists(plain):
        place = plain if plain.name not in ("", "..") else plain.resolve()
        return place.parent / f"{place.stem}.clear.tif"
    if glob.has_magic(name) and "://" not in name:
        raise OptionError(f"{name}: several files become one; say where to with -o")
    return Path(f"{plain.stem}.clear.tif")


def _tones(
    source: Source,
    settings: DarkChannel,
    light: Sequence[float],
    shadows: float,
    contrast: Contrast,
    cells: int,
    clip: float,
) -> Tones:
    """What is to be done. Raises EmptyError, InputError (values that no image has)."""
    found = survey(source)
    if not found.valid:
        raise EmptyError(
            f"{source.name}: no pixel is valid, so there is no haze to remove; check its nodata with gdalinfo"
        )
    if max(-found.low, found.high) > _BRIGHTEST:
        raise InputError(
            f"{source.name}: has values from {found.low:g} to {found.high:g}, which no image has; if one of them "
            "stands for nodata, say so: gdal_edit.py -a_nodata"
        )
    tones = tones_of(source, found, settings, light, shadows)
    if contrast == "none":
        return tones
    return with_contrast(source, tones, found, cells if contrast == "clahe" else None, clip)


def _checked(
    omega: float,
    window: int,
    light: Sequence[float],
    clip: float,
    cells: int,
    shadows: float,
    compare: Path | None,
) -> DarkChannel:
    if not math.isfinite(clip) or clip < 1:
        raise OptionError(f"--clip must be 1 (contrast stays) or more, got {clip}")
    if cells < 1:
        raise OptionError(f"--cells must be 1 or more, got {cells}")
    if not 0 <= shadows <= 1:
        raise OptionError(f"--shadows must be between 0 and 1, got {shadows}")
    if light and (len(light) != len(VISIBLE) or not all(0 < value < math.inf for value in light)):
        raise OptionError(
            f"--light: give auto, or three values above 0: red,green,blue; got {', '.join(map(str, light))}"
        )
    if compare is not None and compare.suffix not in (".html", ".htm"):
        raise OptionError(f"--compare {compare}: a page is written; call it something.html")
    return DarkChannel(window=window, omega=omega)


def tones_of(source: Source, found: Survey, settings: DarkChannel, light: Sequence[float], shadows: float) -> Tones:
    """What the survey says is to be done, contrast aside."""
    white = source.white
    whites = None if white is None else np.full(len(VISIBLE), white)
    air = np.array(light, dtype=np.float64) if light else airlight(found.ends, whites)
    return Tones(Veil(air, veil_field(found.ends, air), settings), found.white if white is None else white, shadows)


@dataclass(frozen=True, slots=True)
class Written:
    """What was done, over all pixels of which haze could be removed."""

    valid: int = 0
    changed: int = 0
    squares: float = 0.0
    """Sum of squared differences of the visible bands, physical."""
    veil: float = 0.0
    """Sum of the removed haze."""
    thickest: float = 0.0

    def plus(self, piece: Made) -> Written:
        """With another part."""
        return Written(
            self.valid + piece.valid,
            self.changed + piece.changed,
            self.squares + piece.squares,
            self.veil + piece.veil,
            max(self.thickest, piece.thickest),
        )


def write(path: Path, source: Source, tones: Tones, renamed: bool) -> Written:
    """Write the result as a COG. Bands have the names they have in the file, or those the user gave (`renamed`)."""
    info = source.info
    names = info.band_names if renamed else ("",) * len(info.bands)
    style = raster.BandStyle(names, info.dtype, nodata=info.nodata, like=info)
    done = Written()
    with raster.write_cog(path, info.place, style) as writer:
        for strip in every_strip(source, tones.reach, "removing haze"):
            piece = made(source, tones, strip)
            done = done.plus(piece)
            seen = strip.valid[strip.core] if info.mask == "mask" else None
            rows, cols = strip.place
            writer.write(rows.start, piece.pixels, seen, col_off=cols.start)
        memory.give_back_now()  # GDAL needs it, to make the COG
    return done


def _psnr(mean_square: float, peak: float) -> float | None:
    return 10 * math.log10(peak**2 / mean_square) if mean_square else None
