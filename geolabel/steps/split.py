"""`geolabel split`: which tiles train, validate and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from geolabel import files
from geolabel.errors import EmptyError, OptionError, TileIndexError
from geolabel.progress import log
from geolabel.steps.making import makes
from geolabel.tiling.index import TileIndex, dictionary, read_index, write_index
from geolabel.tiling.split import SPLITS, UNUSED, buffer_out, draw_folds, draw_split, spatial_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


_MUCH = 0.3


@dataclass(frozen=True, slots=True)
class SplitReport:
    """How tiles were split."""

    output: Path
    method: str
    """blocks, column or random."""
    groups: int
    """Blocks, or values of the column, that were kept whole."""
    tiles: dict[str, int]
    """Tiles a part; `buffer`: left out because they lie too near to another part."""
    positives: dict[str, dict[str, int]]
    """Part → class → tiles in which it has any share."""
    buffer_m: float
    meaning: str
    """What scores on these parts can tell."""


@makes("split", "tiles", in_place="tiles")
def split(
    tiles: Path,
    *,
    block_m: float = 5_000.0,
    buffer_m: float | None = None,
    folds: int = 5,
    val: float = 0.15,
    test: float = 0.15,
    by: str | None = None,
    random: bool = False,
    seed: int = 0,
    output: Path | None = None,
    overwrite: bool = False,
) -> SplitReport:
    """Split a tile index; without `output`, in place.

    By spatial blocks; by the values of a column (`by`), whole; or at random, where asked. Tiles that lie within
    `buffer_m` of a part they do not belong to are left out (default: one tile's side). Raises OptionError,
    TileIndexError, EmptyError, OutputError.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):  # NaN is none of them
        raise OptionError(f"--val {val:g} and --test {test:g} must leave something to train on: together below 1")
    if random and by:
        raise OptionError("--random and --by exclude each other")
    if folds < 2:  # noqa: PLR2004 - one fold is none
        raise OptionError(f"--folds must be at least 2, got {folds}")
    target = output or tiles
    if output:
        files.check_new(output, overwrite=overwrite)
    else:
        files.claim_to_change(tiles)
    index = read_index(tiles)
    centres = index.centres_m()
    half = half_sides(index)
    if random:
        buffer_m = 0.0  # kept apart from nothing
    buffer = buffer_m if buffer_m is not None else 2 * float(half.max()) if np.isfinite(half).all() else 0.0
    if buffer < 0:
        raise OptionError(f"--buffer must not be negative, got {buffer:g}")
    method, groups = _groups(index, centres, block_m, by, random=random, path=tiles)
    presence = np.nan_to_num(index.shares) > 0
    named = named_parts(index, by)
    shares = {"train": 1 - val - test, "val": val, "test": test}
    parts = named if named is not None else draw_split(groups, presence.astype(float), shares, seed)
    if not random:
        parts = buffer_out(parts, centres, np.where(np.isfinite(half), half, 0.0), buffer)
    count = int(groups.max()) + 1
    fold = draw_folds(groups, min(folds, count), seed) if count > 1 else np.zeros(len(index), np.int16)
    described = {"method": method, "by": by, "block_m": block_m, "buffer_m": buffer, "folds": folds, "seed": seed}
    _check_parts(parts, {name for name, share in shares.items() if share > 0} if named is None else set(named))
    done = index.with_columns(
        {"fold": pa.array(fold, pa.int16()), "split": dictionary(parts.tolist())},
        split=described,
        history=(*index.history, f"split ({method})"),
    )
    write_index(target, done.moved(tiles, target), overwrite=overwrite or output is None)
    return _report(done, target, method, count, presence, buffer)


def _check_parts(parts: NDArray[Any], wanted: set[str]) -> None:
    """Refuse a split in which the buffer ate a part; warn where it ate much."""
    empty = sorted(part for part in wanted - {UNUSED} if not (parts == part).any())
    if empty:
        raise EmptyError(f"no tile is left in {', '.join(empty)}: give a larger --block, or a smaller --buffer")
    lost = float((parts == UNUSED).mean())
    if lost > _MUCH:
        log.warning(
            "the buffer leaves out %.0f %% of the tiles: give a larger --block, a smaller --buffer, or smaller tiles",
            100 * lost,
        )


def half_sides(index: TileIndex) -> NDArray[np.float64]:
    """Half of each tile's longer side, metres: (n,); NaN where the GSD is not known."""
    paths = index.column("source").astype(str)
    unique, which = np.unique(paths, return_inverse=True)
    gsd = np.array([index.source_of(path).gsd_m or np.nan for path in unique])[which]
    return np.asarray(gsd * np.maximum(index.column("width"), index.column("height")) / 2, dtype=np.float64)


def _groups(
    index: TileIndex, centres: NDArray[np.float64], block_m: float, by: str | None, *, random: bool, path: Path
) -> tuple[str, NDArray[np.int64]]:
    if random:
        return "random", np.arange(len(index))
    if by:
        values = index.column(by).astype(str)
        return "column", np.unique(values, return_inverse=True)[1].astype(np.int64)
    if not np.isfinite(centres).all():
        raise TileIndexError(
            f"{path}: {int(np.isnan(centres[:, 0]).sum())} tiles have no place, so blocks cannot split them; split by "
            "a column that keeps like with like (--by set), or, knowing what it means, with --random"
        )
    return "blocks", spatial_blocks(centres, block_m)


def named_parts(index: TileIndex, by: str | None) -> NDArray[Any] | None:
    """The column itself, where it says train, val and test already."""
    if not by:
        return None
    values = np.array([str(value) if value else UNUSED for value in index.column(by)])
    return values if set(values) <= {*SPLITS, UNUSED} and "train" in values else None


def _report(
    index: TileIndex, output: Path, method: str, groups: int, presence: NDArray[np.bool_], buffer_m: float
) -> SplitReport:
    parts = index.column("split").astype(str)
    if method == "random":
        meaning = (
            "at random: neighbours stand in different parts, so scores tell how well places already seen are "
            "remembered, not how well new places are judged"
        )
        log.warning("%s", meaning)
    elif method == "column":
        meaning = "whole groups: scores tell how well unseen groups are judged"
    else:
        meaning = f"whole blocks, {buffer_m:.0f} m apart: scores tell how well unseen places are judged"
    names = index.class_names
    return SplitReport(
        output=output,
        method=method,
        groups=groups,
        tiles={part: int((parts == part).sum()) for part in (*SPLITS, UNUSED)},
        positives={
            part: {name: int(presence[parts == part, at].sum()) for at, name in enumerate(names)} for part in SPLITS
        },
        buffer_m=buffer_m,
        meaning=meaning,
    )
